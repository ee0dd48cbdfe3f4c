// Who is dead, and taking over what it was working on.
//
// Every process watches every other's row in `process`. One is dead
//   - at once, when it ran on this host and boot and its pid is gone or somebody else's;
//   - after `stillMs`, when its counter stood still for so long and its advisory lock is free (its connection is gone);
//   - after `stillHeldMs`, when its counter stood still for so long, whatever its lock: a stopped process keeps its
//     connection.
// "So long" is measured by the observer's own monotonic clock, from the moment it saw that value first, and only while it
// sees: after an outage of the database, a restart of it, or a pause of the observer itself every heartbeat is old and
// says nothing, so all observations begin anew. Else the first to wake up would take over everybody.
//
// Taking over is one transaction that holds the dead process's row: of two observers one gets it. Its segments go back to
// the queue (`recover`) before the row is removed, so a taker that dies in between leaves the row, and the next one does
// it again; giving back what was given back changes nothing. Should segments ever be left without a row (somebody
// deleted it by hand), their executor is watched in the same way and its segments given back after `stillMs`.

import type pg from 'pg'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observability/logger.ts'
import { isProvablyGone, type ProcessPlace } from './process-place.ts'
import { QUEUE, SCHEMA } from './queue.ts'

export interface TakeoverOptions {
  /** Connections as `cadre_system`. */
  readonly system: pg.Pool
  readonly executorId: string
  readonly here: ProcessPlace
  readonly log: Logger
  readonly clock: Clock
  readonly everyMs: number
  readonly stillMs: number
  readonly stillHeldMs: number
  /** Gives back to the queue what this executor was working on; returns how many segments. Repeatable. */
  readonly recover: (executorId: string) => Promise<number>
  /** Told after each take-over. */
  readonly onTakenOver: (executorId: string) => void
}

interface ObservedProcess {
  readonly executor_id: string
  /** null: segments are marked as this executor's, but it has no row. */
  readonly counter: string | null
  readonly host: string
  readonly boot_id: string
  readonly pid: number
  readonly pid_start: string
}

interface Observation {
  readonly counter: string | null
  readonly sinceMs: number
}

/** Standing still is proved by several looks in that time; after a longer gap between two nobody was looking. */
const LOOKS_IN_STILL_TIME = 3

const OBSERVE = `
  SELECT executor_id::text, counter::text, host, boot_id, pid, pid_start, pg_postmaster_start_time()::text AS epoch
    FROM process WHERE executor_id::text <> $1
  UNION ALL
  SELECT DISTINCT w.executor_id, NULL, '', '', 0, '', pg_postmaster_start_time()::text
    FROM ${SCHEMA}.workflow_status w
   WHERE w.status = 'PENDING' AND w.queue_name = '${QUEUE}' AND w.executor_id <> $1
     AND NOT EXISTS (SELECT FROM process p WHERE p.executor_id::text = w.executor_id)`

export class Takeover {
  readonly #options: TakeoverOptions
  readonly #observations = new Map<string, Observation>()
  readonly #stopping = new AbortController()
  #epoch: string | undefined
  #lastSeenMs: number | undefined
  #loop: Promise<void> | undefined

  constructor(options: TakeoverOptions) {
    this.#options = options
  }

  /** Takes over at once whoever is provably dead, and keeps watching. */
  start(): void {
    this.#loop ??= this.#keepLooking()
  }

  /** Ends after a look or a take-over under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
  }

  async #keepLooking(): Promise<void> {
    const { clock, everyMs, log } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.look()
      } catch (err) {
        log.debug({ err }, 'cannot see the other processes: watching them begins anew')
        this.#lastSeenMs = undefined
      }
      await clock.sleep(everyMs, signal).catch(() => {})
    }
  }

  /** Looks once at every other process, and takes over from the dead. Throws when the database does not answer. */
  async look(): Promise<void> {
    const { clock, stillMs, system, executorId, here } = this.#options
    const lookedAtMs = clock.monotonicMs()
    const { rows } = await system.query<ObservedProcess & { epoch: string }>(OBSERVE, [executorId])
    const seenAtMs = clock.monotonicMs()
    const blind = this.#lastSeenMs === undefined || seenAtMs - this.#lastSeenMs > stillMs / LOOKS_IN_STILL_TIME
    const restarted = rows.some(({ epoch }) => epoch !== this.#epoch)
    if (blind || restarted) this.#observations.clear()
    this.#epoch = rows[0]?.epoch
    this.#lastSeenMs = seenAtMs
    const present = new Set(rows.map((row) => row.executor_id))
    for (const known of this.#observations.keys()) if (!present.has(known)) this.#observations.delete(known)
    for (const row of rows) {
      const before = this.#observations.get(row.executor_id)
      const observation =
        before?.counter === row.counter && before !== undefined ? before : { counter: row.counter, sinceMs: seenAtMs }
      this.#observations.set(row.executor_id, observation)
      const stillForMs = lookedAtMs - observation.sinceMs
      const place = { host: row.host, bootId: row.boot_id, pid: row.pid, pidStart: row.pid_start }
      await this.#judge(row, stillForMs, row.counter !== null && isProvablyGone(place, here))
    }
  }

  async #judge(row: ObservedProcess, stillForMs: number, provablyGone: boolean): Promise<void> {
    const { stillMs, stillHeldMs, recover, log, onTakenOver } = this.#options
    if (!provablyGone && stillForMs < stillMs) return
    const segments =
      row.counter === null
        ? await recover(row.executor_id)
        : await this.#claim(row.executor_id, row.counter, provablyGone || stillForMs >= stillHeldMs)
    if (segments === undefined) return
    this.#observations.delete(row.executor_id)
    log[segments > 0 ? 'warn' : 'info'](
      { executorId: row.executor_id, host: row.host, pid: row.pid, segments },
      provablyGone ? 'took over from a process that is gone' : 'took over from a process that stands still',
    )
    onTakenOver(row.executor_id)
  }

  /** Number of segments taken over; undefined when it lives after all or somebody else was first. */
  async #claim(executorId: string, counter: string, whateverItsLock: boolean): Promise<number | undefined> {
    const client = await this.#options.system.connect()
    let inDoubt = true
    const giveUp = async () => {
      await client.query('ROLLBACK')
      inDoubt = false
      return undefined
    }
    try {
      await client.query('BEGIN')
      const { rows } = await client.query<{ lock_key: string }>(
        `SELECT lock_key::text FROM process WHERE executor_id = $1 AND counter = $2 FOR UPDATE SKIP LOCKED`,
        [executorId, counter],
      )
      const row = rows[0]
      if (row === undefined) return await giveUp()
      const lock = await client.query<{ free: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS free', [row.lock_key])
      if (lock.rows[0]?.free !== true && !whateverItsLock) return await giveUp()
      const segments = await this.#options.recover(executorId)
      await client.query('DELETE FROM process WHERE executor_id = $1', [executorId])
      await client.query('COMMIT')
      inDoubt = false
      return segments
    } finally {
      client.release(inDoubt)
    }
  }
}
