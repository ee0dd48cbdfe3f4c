import { LRUCache } from 'lru-cache'
import pg from 'pg'
import type { Logger } from '../observability/logger.ts'

// Dates go out and come back as UTC; without this `pg` writes a Date into a `date` column by the process's own zone.
pg.defaults.parseInputDatesAsUTC = true

const INT8 = 20
const DATE = 1082

/** bigint as BigInt (as Prisma does it), `date` as midnight UTC; the rest as `pg` has it. */
const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return (text: string) => BigInt(text)
    if (oid === DATE) return (text: string) => new Date(`${text}T00:00:00.000Z`)
    return pg.types.getTypeParser(oid, format ?? 'text') as unknown
  }) as typeof pg.types.getTypeParser,
}

export interface PoolOptions {
  readonly url: string
  /** The role that every connection takes at once; null keeps the login's own (migrations). */
  readonly role: 'cadre_app' | 'cadre_system' | null
  readonly max: number
  readonly name: string
  readonly log: Logger
}

// Above what an operation may take: a statement whose caller was answered long ago does not go on for ever.
const APP_STATEMENT_TIMEOUT_MS = 30_000
// Statements stay prepared as long as their connection lives; see `statementName`.
const MAX_CONNECTION_LIFETIME_S = 3_600

/**
 * A pool of connections that are `role` from their first statement on. A lost connection is logged and replaced,
 * never thrown: without a listener an idle client's error ends the process when PostgreSQL restarts.
 */
export function createPool({ url, role, max, name, log }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    maxLifetimeSeconds: MAX_CONNECTION_LIFETIME_S,
    ...(role === 'cadre_app' ? { statement_timeout: APP_STATEMENT_TIMEOUT_MS } : {}),
    // A process that is stopped in the middle of a transaction must not hold its locks against those who take over.
    idle_in_transaction_session_timeout: 15_000,
    application_name: name,
    types: columnTypes,
    ...(role === null ? {} : { options: `-c role=${role}` }),
  })
  const onLost = (err: Error) => log.debug({ err, pool: name }, 'a database connection was lost')
  pool.on('error', onLost)
  pool.on('connect', (client) => client.on('error', onLost))
  return pool
}

const MAX_STATEMENTS = 1_000
const MAX_STATEMENT_LENGTH = 8 * 1_024
const names = new LRUCache<string, string>({ max: MAX_STATEMENTS })
let namesGiven = 0

/**
 * The name under which a statement is prepared, by its text: one list per process, because a connection serves Kysely
 * and Prisma in turn and a name must mean one text on it, so that no name is given twice. The texts used last have
 * names; a text that comes back after it was dropped gets a new one, and the old one ends with its connection. Long
 * texts are odd ones, and are sent unprepared (undefined).
 */
export function statementName(text: string): string | undefined {
  if (text.length > MAX_STATEMENT_LENGTH) return undefined
  const known = names.get(text)
  if (known !== undefined) return known
  const name = `s${namesGiven}`
  namesGiven += 1
  names.set(text, name)
  return name
}
