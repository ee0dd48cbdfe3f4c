// A process's sign of life.
//
// Each process has a row in `process` whose counter it raises every second, on a connection of its own that also holds a
// session advisory lock. Others judge by both (see takeover.ts): the counter says that it runs, the lock that the
// database still sees its connection. Counters are compared, never clocks of two machines.
//
//   registered     the row stands and the last beat succeeded; `lastBeatAgeMs` is small.
//   out of touch   beats fail (database or network away). Nothing is said about it: when the connection is back, the lock
//                  is taken again and the counter goes on. Acts outside the database stop after `freshMs`.
//   declared dead  the row is gone: others took this process for dead (it was stopped, or cut off for too long) and have
//                  given its segments away.
//
// A process that finds itself declared dead does not exit, though its executor id cannot be changed while DBOS runs: it
// may be the only one that serves requests, and under `npm start` nobody would restart it. Instead it tells its segments
// to stop (`onDeclaredDead`), then registers anew under the same id. That is safe because nothing hangs on the id alone:
// the taker gave the old segments back to the queue before it removed the row, what was claimed since is found and given
// back if nobody here works on it (see upkeep.ts), and every write of a segment is fenced by the run's attempt and by
// DBOS's own token of the claim.

import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { atMost } from '../lib/at-most.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observability/logger.ts'
import { placeOfThisProcess } from './process-place.ts'

export interface HeartbeatOptions {
  readonly systemUrl: string
  readonly executorId: string
  readonly log: Logger
  readonly clock: Clock
  readonly everyMs: number
  /** How old the last beat may be for acts outside the database. */
  readonly freshMs: number
  /** Called before the process registers anew; must not throw. */
  readonly onDeclaredDead: () => void
}

const REPLY_TIMEOUT_MS = 5_000
const FAREWELL_MS = 2_000

export class Heartbeat {
  readonly #options: HeartbeatOptions
  readonly #lockKey = randomBytes(8).readBigInt64BE().toString()
  readonly #stopping = new AbortController()
  #client: pg.Client | undefined
  #locked = false
  #registered = false
  #outOfTouch = false
  #lastBeatMs = Number.NEGATIVE_INFINITY
  #loop: Promise<void> | undefined

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  /** Registers the process and begins to beat. Throws if the database cannot be reached. */
  async start(): Promise<void> {
    await this.#beat()
    this.#loop = this.#keepBeating()
  }

  /** Ends the beats. `leave` removes the row: nothing is left that others would have to take over. */
  async stop({ leave }: { readonly leave: boolean }): Promise<void> {
    this.#stopping.abort()
    await this.#loop
    const client = this.#client
    this.#client = undefined
    if (client === undefined) return
    const farewell = async () => {
      if (leave) await client.query('DELETE FROM process WHERE executor_id = $1', [this.#options.executorId])
      await client.end()
    }
    // A database that is away must not hold up the exit: the row then stays, and tells others the truth.
    await atMost(FAREWELL_MS, this.#options.clock, farewell())
  }

  /** How long ago the last successful beat was sent, by this machine's monotonic clock. */
  lastBeatAgeMs(): number {
    return this.#options.clock.monotonicMs() - this.#lastBeatMs
  }

  /** Whether others can be trusted to believe that this process lives. */
  isFresh(): boolean {
    return this.lastBeatAgeMs() < this.#options.freshMs
  }

  async #keepBeating(): Promise<void> {
    const { clock, everyMs, log } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => {})
      if (signal.aborted) return
      try {
        await this.#beat()
        if (this.#outOfTouch) log.info('the database answers again')
        this.#outOfTouch = false
      } catch (err) {
        if (!this.#outOfTouch) log.warn({ err }, 'the database cannot be reached: runs go on when it is back')
        this.#outOfTouch = true
        this.#disconnect()
      }
    }
  }

  async #beat(): Promise<void> {
    const { clock, executorId, log, onDeclaredDead } = this.#options
    const client = this.#client ?? (await this.#connect())
    const sentAtMs = clock.monotonicMs()
    const beat = await client.query('UPDATE process SET counter = counter + 1 WHERE executor_id = $1', [executorId])
    if (beat.rowCount === 0) {
      if (this.#registered) {
        this.#lastBeatMs = Number.NEGATIVE_INFINITY
        log.warn({ executorId }, 'others took this process for dead: its segments stop here, it goes on with new ones')
        onDeclaredDead()
      }
      const { host, bootId, pid, pidStart } = placeOfThisProcess()
      await client.query(
        `INSERT INTO process (executor_id, host, boot_id, pid, pid_start, lock_key) VALUES ($1, $2, $3, $4, $5, $6)`,
        [executorId, host, bootId, pid, pidStart, this.#lockKey],
      )
      this.#registered = true
    }
    // After a broken connection the server may not have noticed yet and hold the lock for it: asked again at each beat.
    if (!this.#locked) {
      const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [
        this.#lockKey,
      ])
      this.#locked = rows[0]?.locked === true
    }
    this.#lastBeatMs = sentAtMs
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#options.systemUrl,
      options: '-c role=cadre_system',
      application_name: 'cadre-heartbeat',
      connectionTimeoutMillis: REPLY_TIMEOUT_MS,
      query_timeout: REPLY_TIMEOUT_MS,
      keepAlive: true,
    })
    client.on('error', () => this.#disconnect(client))
    try {
      await client.connect()
    } catch (err) {
      void client.end().catch(() => {})
      throw err
    }
    this.#client = client
    this.#locked = false
    return client
  }

  #disconnect(client = this.#client): void {
    if (client === undefined) return
    if (client === this.#client) this.#client = undefined
    // Not awaited: a server that does not answer does not say goodbye either.
    void client.end().catch(() => {})
  }
}
