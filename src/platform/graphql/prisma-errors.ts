import { AppError, notFound, unavailable } from '../lib/errors.ts'

const UNREACHABLE = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections'])
const CONNECTION_CODES = /^(08|57P0[123]|53)/
const RECORD_NOT_FOUND = 'P2025'

interface PrismaError extends Error {
  readonly code?: string
  readonly meta?: {
    readonly driverAdapterError?: { readonly cause?: { readonly kind?: string; readonly originalCode?: string } }
  }
}

/** What Prisma throws where it is no fault: the database is away, or a row went away while it was read. */
export function translatePrismaError(err: unknown): unknown {
  if (!(err instanceof Error) || !err.name.startsWith('PrismaClient')) return err
  const { code, meta } = err as PrismaError
  if (code === RECORD_NOT_FOUND) return notFound('This')
  const { kind = '', originalCode = '' } = meta?.driverAdapterError?.cause ?? {}
  if (!UNREACHABLE.has(kind) && !CONNECTION_CODES.test(originalCode)) return err
  const { message, details } = unavailable('The database cannot be reached at the moment.', 1_000)
  return new AppError('UNAVAILABLE', message, { ...details, cause: err })
}
