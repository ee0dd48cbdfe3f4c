import pg from 'pg'
import { Connection } from '../db/connection.ts'
import { sessionSettings } from '../db/pool.ts'
import { atMost } from '../lib/at-most.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observability/logger.ts'

/** The connections of the machinery, all as `cadre_system`. */
export interface DurablePools {
  /** DBOS's own: claims and notes. */
  readonly dbos: pg.Pool
  /** For watching and keeping house, and for asking whether a segment is still ours; not for the work itself. */
  readonly watch: pg.Pool
  end(): Promise<void>
}

const DBOS_CONNECTIONS = 5
const WATCH_CONNECTIONS = 3
/** Waiting for one's turn counts too, and a thousand segments may end in one moment. */
const CONNECT_TIMEOUT_MS = 15_000
/** A process that is stopped in the middle of a transaction keeps its locks; its successors must not wait for them. */
const IDLE_IN_TRANSACTION_MS = 10_000
const END_MS = 2_000

export function openDurablePools(systemUrl: string, log: Logger, clock: Clock): DurablePools {
  const open = (name: string, max: number): pg.Pool => {
    // The driver's plain types: DBOS reads its numbers as text and converts them itself.
    const pool = new pg.Pool({
      connectionString: systemUrl,
      max,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: 60_000,
      // Prepared statements stay as long as their connection.
      maxLifetimeSeconds: 3_600,
      keepAlive: true,
      Client: Connection,
      application_name: name,
      options: sessionSettings('cadre_system', {
        idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS),
      }),
    })
    const onLost = (err: Error) => log.debug({ err, pool: name }, 'a database connection was lost')
    pool.on('error', onLost)
    pool.on('connect', (client) => client.on('error', onLost))
    return pool
  }
  const pools = [open('cadre-dbos', DBOS_CONNECTIONS), open('cadre-watch', WATCH_CONNECTIONS)] as const
  return {
    dbos: pools[0],
    watch: pools[1],
    // A statement that waits for a dead server must not hold up the exit.
    end: async () => {
      await atMost(END_MS, clock, Promise.all(pools.map((pool) => pool.end())))
    },
  }
}
