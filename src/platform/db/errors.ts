import pg from 'pg'
import { AppError, conflict, invalidInput, limitExceeded, notFound, unavailable } from '../lib/errors.ts'

// PostgreSQL's error codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
const UNIQUE_VIOLATION = '23505'
const FOREIGN_KEY_VIOLATION = '23503'
const CHECK_VIOLATION = '23514'
const NOT_NULL_VIOLATION = '23502'
const UNTRANSLATABLE_CHARACTER = '22P05'
const CHARACTER_NOT_IN_REPERTOIRE = '22021'
// Class 22 is what values are; the rest of it (a division by zero, a bad argument) would be a fault of a statement.
const OVERFLOWS = new Set(['22003', '22008', '22015'])
const BAD_FORMATS = new Set(['22007', '22009', '22018', '2201B', '22025', '22P02', '22P03'])
const TEXT_TOO_LONG = '22001'
// By `statement_timeout`; no connection is lost by it.
const QUERY_CANCELED = '57014'
const CONNECTION_LOST = /^(08|57P0[123]|53)/
const NETWORK_ERRORS = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOENT'])

/** The code of what PostgreSQL or the network refused. */
export function codeOf(err: unknown): string | undefined {
  const code = err instanceof Error && 'code' in err ? err.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** Whether other transactions were in the way (a serialization failure, a deadlock): tried anew, it may succeed. */
export const isConcurrencyFailure = (err: unknown): boolean => ['40001', '40P01'].includes(codeOf(err) ?? '')

/** Whether the database could not be reached or went away, as opposed to refusing a statement. */
export function isConnectionError(err: unknown): boolean {
  if (!(err instanceof Error)) return false
  const code = codeOf(err)
  if (code !== undefined && (CONNECTION_LOST.test(code) || NETWORK_ERRORS.has(code))) return true
  return (
    !(err instanceof pg.DatabaseError) &&
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
      err.message,
    )
  )
}

/**
 * What PostgreSQL refuses, in the caller's words, whether it comes from the driver or through Prisma. What is not the
 * caller's doing is handed back as it is.
 */
export function translateDatabaseError(err: unknown): unknown {
  if (err instanceof AppError) return err
  if (isConnectionError(err)) return unreachable(err)
  if (!(err instanceof pg.DatabaseError)) return translatePrismaError(err)
  switch (err.code) {
    case UNIQUE_VIOLATION:
      return conflict('DUPLICATE', `This ${err.table ?? 'thing'} exists already.`)
    case FOREIGN_KEY_VIOLATION:
      return notFound('What this refers to')
    case CHECK_VIOLATION:
    case NOT_NULL_VIOLATION:
      return invalidInput([
        {
          path: [],
          code: 'NOT_ALLOWED',
          message: `The rule ${err.constraint ?? err.column ?? 'of this table'} is not met.`,
        },
      ])
    default:
      return translateCode(err.code) ?? err
  }
}

/** What a code says by itself, from whichever driver; undefined when it is not the caller's doing. */
function translateCode(code = ''): AppError | undefined {
  if (code === QUERY_CANCELED) return limitExceeded('TIME', 'This took the database too long. Ask for less at once.')
  if (code === UNTRANSLATABLE_CHARACTER || code === CHARACTER_NOT_IN_REPERTOIRE) {
    return invalidInput([{ path: [], code: 'INVALID_FORMAT', message: 'Text must not contain the null character.' }])
  }
  if (OVERFLOWS.has(code)) {
    return invalidInput([{ path: [], code: 'TOO_LARGE', message: 'A number or moment is out of range.' }])
  }
  if (code === TEXT_TOO_LONG) return invalidInput([{ path: [], code: 'TOO_LONG', message: 'A text is too long.' }])
  if (BAD_FORMATS.has(code)) {
    return invalidInput([{ path: [], code: 'INVALID_FORMAT', message: 'A value is not written as it should be.' }])
  }
  return undefined
}

const PRISMA_UNREACHABLE = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections'])
const PRISMA_RECORD_NOT_FOUND = 'P2025'

interface PrismaError extends Error {
  readonly code?: string
  readonly meta?: {
    readonly driverAdapterError?: { readonly cause?: { readonly kind?: string; readonly originalCode?: string } }
  }
}

/** Prisma only reads: the database is away, or a row went away while it was read. */
function translatePrismaError(err: unknown): unknown {
  if (!(err instanceof Error) || !err.name.startsWith('PrismaClient')) return err
  const { code, meta } = err as PrismaError
  if (code === PRISMA_RECORD_NOT_FOUND) return notFound('This')
  const { kind = '', originalCode = '' } = meta?.driverAdapterError?.cause ?? {}
  if (PRISMA_UNREACHABLE.has(kind) || CONNECTION_LOST.test(originalCode)) return unreachable(err)
  return translateCode(originalCode) ?? err
}

function unreachable(cause: unknown): AppError {
  const { message, details } = unavailable('The database cannot be reached at the moment.', 1_000)
  return new AppError('UNAVAILABLE', message, { ...details, cause })
}
