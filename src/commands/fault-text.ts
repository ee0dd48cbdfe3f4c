import { StartFault } from '../platform/lib/start-fault.ts'
import { withoutSecrets } from '../platform/observability/logger.ts'

/** What went wrong and what to do about it, a line each. A fault that nobody foresaw has a stack, for who asks for it. */
export function faultText(err: unknown, withStack: boolean): string {
  if (err instanceof StartFault) return `✖ ${err.message}\n${err.hint === undefined ? '' : `  ${err.hint}\n`}`
  const { message, stack } = err instanceof Error ? err : { message: String(err), stack: undefined }
  const [what = ''] = message.split('\n').filter((line) => line.trim() !== '')
  const lines = [`✖ This should not have happened: ${what.trim() || 'an error without a message'}`]
  lines.push(withStack ? (stack ?? 'It has no stack.') : '  LOG_LEVEL=debug shows where: set it and start again.')
  return withoutSecrets(`${lines.join('\n')}\n`)
}
