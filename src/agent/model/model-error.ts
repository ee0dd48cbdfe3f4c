import { APIConnectionError, APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk/core/error'
import { NotSentError } from './live.ts'
import { NO_USAGE, type TokenUsage } from './prices.ts'
import { MissingRecordingError } from './tape.ts'

export type ModelErrorKind =
  | 'RATE_LIMITED'
  | 'OVERLOADED'
  | 'TRUNCATED'
  | 'TIMEOUT'
  | 'NETWORK'
  | 'REFUSED'
  | 'INVALID_REQUEST'
  | 'UNAUTHORIZED'
  | 'ABORTED'

/**
 * Why one attempt gave no answer. What it costs follows from two fields: not `sent`, nothing; sent with `usage`, that
 * (for a cut stream an upper bound); sent without, nobody knows, so the whole reservation counts.
 */
export interface ModelError {
  readonly kind: ModelErrorKind
  /** A sentence for a person. */
  readonly message: string
  readonly sent: boolean
  readonly usage?: TokenUsage
  /** How long the provider asks to wait before the next attempt. */
  readonly retryAfterMs?: number
  readonly status?: number
  readonly requestId?: string
}

/** Turns what the SDK threw before an answer began into a `ModelError`; anything that is not its own is thrown on. */
export function errorBeforeAnswer(err: unknown): ModelError {
  if (err instanceof APIConnectionTimeoutError) {
    return { kind: 'TIMEOUT', message: 'The model did not answer in time.', sent: true }
  }
  if (err instanceof APIConnectionError) {
    if (err.cause instanceof NotSentError) return { kind: 'NETWORK', message: `${err.cause.message}.`, sent: false }
    if (err.cause instanceof MissingRecordingError) {
      return { kind: 'INVALID_REQUEST', message: err.cause.message, sent: false }
    }
    const reason = err.cause instanceof Error ? deepestMessage(err.cause) : err.message
    return { kind: 'NETWORK', message: `The connection failed: ${reason}`, sent: true }
  }
  if (!(err instanceof APIError) || err.status === undefined) throw err
  return errorOfStatus(err as APIError, err.status as number)
}

/** An `error` event in the middle of a stream, or a stream that stopped: billed for what had come. */
export function errorWithinAnswer(err: unknown, usage: TokenUsage | undefined): ModelError {
  const billed = usage === undefined ? {} : { usage }
  if (err instanceof APIError && err.type !== null) {
    const kind = KIND_OF_TYPE[err.type] ?? 'TRUNCATED'
    return { kind, message: short(err.apiMessage ?? err.message), sent: true, ...billed }
  }
  const reason = err instanceof Error ? `: ${deepestMessage(err)}` : ''
  return { kind: 'TRUNCATED', message: `The answer broke off in the middle${reason}.`, sent: true, ...billed }
}

const KIND_OF_TYPE: Readonly<Record<string, ModelErrorKind>> = {
  overloaded_error: 'OVERLOADED',
  api_error: 'OVERLOADED',
  rate_limit_error: 'RATE_LIMITED',
  timeout_error: 'TIMEOUT',
  invalid_request_error: 'INVALID_REQUEST',
  request_too_large: 'INVALID_REQUEST',
  not_found_error: 'INVALID_REQUEST',
  authentication_error: 'UNAUTHORIZED',
  permission_error: 'UNAUTHORIZED',
  billing_error: 'UNAUTHORIZED',
}

// Answers of a proxy: what became of the request behind it is not known.
const UNKNOWN_OUTCOME = new Set([408, 502, 504])

function errorOfStatus(err: APIError, status: number): ModelError {
  const retryAfterMs = err.headers === undefined ? undefined : readRetryAfterMs(err.headers, Date.now())
  return {
    kind: kindOfStatus(status),
    message: short(`${status}: ${err.apiMessage ?? err.message}`),
    sent: true,
    status,
    ...(UNKNOWN_OUTCOME.has(status) ? {} : { usage: NO_USAGE }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(err.requestID ? { requestId: err.requestID } : {}),
  }
}

function kindOfStatus(status: number): ModelErrorKind {
  if (status === 429) return 'RATE_LIMITED'
  if (status === 408 || status === 504) return 'TIMEOUT'
  if (status === 401 || status === 402 || status === 403) return 'UNAUTHORIZED'
  // 409 is a lock that somebody else holds for a moment.
  if (status >= 500 || status === 409) return 'OVERLOADED'
  return 'INVALID_REQUEST'
}

/** `retry-after-ms`, else `retry-after` in seconds or as an HTTP date; undefined when absent, unreadable or past. */
export function readRetryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const millis = Number.parseFloat(headers.get('retry-after-ms') ?? '')
  if (millis > 0) return Math.ceil(millis)
  const value = headers.get('retry-after') ?? ''
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : (Date.parse(value) - nowMs) / 1000
  return seconds > 0 ? Math.ceil(seconds * 1000) : undefined
}

function deepestMessage(err: Error): string {
  let deepest = err
  while (deepest.cause instanceof Error) deepest = deepest.cause
  return short(deepest.message.replace(/\.$/, ''))
}

const short = (text: string): string => (text.length > 500 ? `${text.slice(0, 500)}…` : text)
