import { isRecord } from './tool-input.ts'

/** What became of one tool call of this run, read from the conversation. */
export interface Act {
  readonly tool: string
  readonly input: unknown
  readonly state: 'DONE' | 'WAITING' | 'REJECTED' | 'FAILED'
  /** The error's code, e.g. `INVALID_INPUT`; empty when there is none. */
  readonly code: string
  /** Why it was rejected or failed, in words; empty when nobody said. */
  readonly reason: string
}

/** The tool calls so far with their results, in order. A call without a result is not among them. */
export function readActs(messages: readonly unknown[]): Act[] {
  const calls = new Map<string, { tool: string; input: unknown }>()
  const acts: Act[] = []
  for (const block of messages.flatMap(blocksOf)) {
    if (block.type === 'tool_use' && typeof block.id === 'string' && typeof block.name === 'string') {
      calls.set(block.id, { tool: block.name, input: block.input })
    } else if (block.type === 'tool_result' && typeof block.tool_use_id === 'string') {
      const call = calls.get(block.tool_use_id)
      if (call !== undefined) acts.push({ ...call, ...readResult(textOf(block.content), block.is_error === true) })
    }
  }
  return acts
}

/**
 * Results are JSON: `{ status, reason }` where an approval stands in between, `{ error: { code, message } }` for errors;
 * any other content of a successful call means that it was done.
 */
function readResult(text: string, isError: boolean): Pick<Act, 'state' | 'code' | 'reason'> {
  const result = parseRecord(text)
  if (result === undefined) return { state: isError ? 'FAILED' : 'DONE', code: '', reason: isError ? line(text) : '' }
  const error = isRecord(result.error) ? result.error : result
  const code = wordOf(error.code)
  const reason = line(firstText(result.reason, error.message, result.message, result.error))
  const status = wordOf(result.status ?? (isRecord(result.approval) ? result.approval.status : undefined))
  if (/^(WAITING|PENDING)/.test(status)) return { state: 'WAITING', code, reason }
  if (/^(REJECTED|EXPIRED|STALE|DENIED|CANCELLED)/.test(status) || /^(FORBIDDEN|DENIED)/.test(code)) {
    return { state: 'REJECTED', code, reason }
  }
  // What was to be made is there already: done, by whomever.
  const exists = code === 'DUPLICATE' || (code === 'CONFLICT' && wordOf(error.reason) === 'DUPLICATE')
  return { state: isError && !exists ? 'FAILED' : 'DONE', code, reason }
}

function blocksOf(message: unknown): Record<string, unknown>[] {
  return isRecord(message) && Array.isArray(message.content) ? message.content.filter(isRecord) : []
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((block) => (isRecord(block) && typeof block.text === 'string' ? block.text : '')).join('')
}

function parseRecord(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

const wordOf = (value: unknown): string => (typeof value === 'string' ? value.toUpperCase() : '')

const firstText = (...values: unknown[]): string =>
  values.find((value): value is string => typeof value === 'string' && value !== '') ?? ''

const line = (text: string): string => {
  const plain = text.replace(/\s+/g, ' ').trim()
  return plain.length > 200 ? `${plain.slice(0, 199)}…` : plain
}
