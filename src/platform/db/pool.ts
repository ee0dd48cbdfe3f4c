import pg from 'pg'
import type { Logger } from '../observability/logger.ts'
import { Connection } from './connection.ts'

// Dates go out and come back as UTC; without this `pg` writes a Date into a `date` column by the process's own zone.
pg.defaults.parseInputDatesAsUTC = true

const INT8 = 20
const DATE = 1082

/** bigint as BigInt (as Prisma does it), `date` as midnight UTC; the rest as `pg` has it. */
const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text') => {
    if (oid === INT8) return (text: string) => BigInt(text)
    if (oid === DATE) return (text: string) => new Date(`${text}T00:00:00.000Z`)
    return pg.types.getTypeParser(oid, format) as unknown
  }) as typeof pg.types.getTypeParser,
}

export interface PoolOptions {
  readonly url: string
  /** The role that every connection takes at once. */
  readonly role: 'cadre_app' | 'cadre_system'
  readonly max: number
  readonly name: string
  readonly log: Logger
}

// Above what an operation may take: a statement whose caller was answered long ago does not go on for ever.
const APP_STATEMENT_TIMEOUT_MS = 30_000
// Statements stay prepared as long as their connection lives; see `statementName`.
const MAX_CONNECTION_LIFETIME_S = 3_600

/**
 * How a session of the role begins. Plans are kept: one that was made while a table was small would read the whole of it
 * when it has grown, so plans use the indexes from the first row on.
 */
export const sessionSettings = (role: 'cadre_app' | 'cadre_system', more: Readonly<Record<string, string>> = {}) =>
  Object.entries({
    role,
    enable_seqscan: 'off',
    // Before PostgreSQL 18 the line above adds 10^10 to the cost of a plan that must read a table whole after all, and
    // whatever costs so much is compiled first: 40 ms for a statement that itself takes one.
    jit: 'off',
    // We take it that pages lie in memory or on a disk without a head. By the default of 4 a plan for any values walks the log of
    // all workspaces in its order sooner than one workspace's own, which lies scattered in it.
    random_page_cost: '1.1',
    // Only a transaction writes: should its BEGIN fail, the statements that were sent right behind it are refused.
    ...(role === 'cadre_app' ? { default_transaction_read_only: 'on' } : {}),
    ...more,
  })
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')

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
    // Statements are sent without waiting for the answers of those before; see `transaction-connection.ts`.
    pipeline: true,
    Client: Connection,
    types: columnTypes,
    options: sessionSettings(role),
  })
  const onLost = (err: Error) => log.debug({ err, pool: name }, 'a database connection was lost')
  pool.on('error', onLost)
  pool.on('connect', (client) => client.on('error', onLost))
  return pool
}
