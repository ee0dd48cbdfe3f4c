/** What a caller can act on; the edge maps each to a GraphQL error or an HTTP status. */
export const ERROR_CODES = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'INVALID_INPUT',
  'CONFLICT',
  'LIMIT_EXCEEDED',
  'UNAVAILABLE',
  'CURSOR_EXPIRED',
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

/** What a caller is told of anything else that went wrong. */
export const INTERNAL = 'INTERNAL'

export type IssueCode =
  | 'REQUIRED'
  | 'TOO_SHORT'
  | 'TOO_LONG'
  | 'TOO_SMALL'
  | 'TOO_LARGE'
  | 'INVALID_FORMAT'
  | 'NOT_ALLOWED'
  | 'DUPLICATE'
  | 'UNKNOWN_REFERENCE'

/** One thing wrong with one field; `path` as the caller wrote it, `message` a sentence for a person. */
export interface InputIssue {
  readonly path: readonly string[]
  readonly code: IssueCode
  readonly message: string
}

export type ConflictReason =
  | 'STALE_VERSION'
  | 'DUPLICATE'
  | 'ILLEGAL_TRANSITION'
  | 'IDEMPOTENCY_MISMATCH'
  | 'STALE_APPROVAL'
  | 'CLOSED'
  | 'NOT_CONFIGURED'

export type LimitKind = 'RATE' | 'COST' | 'BUDGET' | 'QUOTA' | 'SIZE' | 'TIME'

/** A thing named by its public kind and its row's UUID, e.g. `{ kind: 'deal', id }`; encoded as `deal_<uuid>` at the edge. */
export interface NodeRef {
  readonly kind: string
  readonly id: string
}

interface Details {
  readonly issues?: readonly InputIssue[]
  readonly reason?: ConflictReason
  readonly current?: NodeRef
  readonly limit?: LimitKind
  readonly retryAfterMs?: number
  readonly needs?: string
  readonly oldest?: string
  readonly id?: string
  readonly cause?: unknown
}

/**
 * An expected failure: it is shown to the caller with its code and message and is not logged as a fault.
 * Services throw it (a throw rolls the transaction back); anything else that is thrown becomes "Internal error".
 */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: Details

  constructor(code: ErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'AppError'
    this.code = code
    this.details = details
  }
}

export const unauthenticated = (message = 'Sign in, or send a valid key as "Authorization: Bearer KEY".') =>
  new AppError('UNAUTHENTICATED', message)

export const forbidden = (needs: string) => new AppError('FORBIDDEN', `This needs the permission ${needs}.`, { needs })

/** `id` is the public id as the caller wrote it. The message is the same for "not there" and "not yours". */
export const notFound = (what: string, id?: string) =>
  new AppError(
    'NOT_FOUND',
    id === undefined ? `${what} not found.` : `${what} ${id} not found.`,
    id === undefined ? {} : { id },
  )

export const invalidInput = (issues: readonly InputIssue[], message?: string) =>
  new AppError('INVALID_INPUT', message ?? issues.map(sentenceOf).join(' '), { issues })

const sentenceOf = ({ path, message }: InputIssue): string =>
  path.length === 0 ? message : `${path.join('.')}: ${message}`

export const conflict = (reason: ConflictReason, message: string, current?: NodeRef) =>
  new AppError('CONFLICT', message, current === undefined ? { reason } : { reason, current })

/** `retryAfterMs` where waiting helps: what is too much at any time is not worth trying again. */
export const limitExceeded = (limit: LimitKind, message: string, retryAfterMs = 0) =>
  new AppError('LIMIT_EXCEEDED', message, retryAfterMs > 0 ? { limit, retryAfterMs } : { limit })

export const unavailable = (message: string, retryAfterMs = 1000) =>
  new AppError('UNAVAILABLE', message, { retryAfterMs })

export const cursorExpired = (oldest: string) =>
  new AppError('CURSOR_EXPIRED', 'This cursor is no longer served by the event log. Start again from `oldest`.', {
    oldest,
  })

export const isAppError = (err: unknown): err is AppError => err instanceof AppError
