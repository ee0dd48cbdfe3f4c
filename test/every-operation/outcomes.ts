import type { Answer } from './asker.ts'
import { answerOf, type Operation, payloadOf } from './operations.ts'

/** What an operation has answered, whichever way it says so. */
export interface Outcome {
  /** DONE, NOTHING (null, where there may be nothing), or the code of the error. */
  readonly code: string
  readonly message: string
  readonly needs?: unknown
  /** The id that leads nowhere. */
  readonly id?: unknown
  readonly issues?: readonly { readonly field: string; readonly code: string }[]
  readonly reason?: unknown
  readonly retryAfterMs?: number
  /** Whether there was something to keep, where nothing is kept. */
  readonly changes?: boolean
}

export function outcomeOf(operation: Operation, { data, errors, status, changes }: Answer): Outcome {
  const [error] = errors
  if (error !== undefined) {
    const { code, ...details } = error.extensions ?? {}
    return { code: String(code), message: error.message, ...details }
  }
  const value = answerOf(operation, data)
  if (operation.kind !== 'mutation')
    return { code: value === null || value === undefined ? 'NOTHING' : 'DONE', message: '' }
  const { __typename: typename, ...fields } = (value ?? {}) as Record<string, unknown>
  if (typename === payloadOf(operation))
    return { code: 'DONE', message: '', ...(changes === undefined ? {} : { changes }) }
  const details = Object.fromEntries(Object.entries(fields).map(([name, of]) => [name.replace(`${typename}_`, ''), of]))
  return { message: `HTTP ${status}`, code: String(typename), ...details }
}
