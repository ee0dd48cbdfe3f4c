// A piece of work that is looked for again and again: what is due by the clock (expiry, deadlines, waits for time) has
// no event of its own that could start it.
//
// Every process runs the same sweeps; of one name only one process works at a time, by a session advisory lock that is
// held for a single pass. A process that dies in a pass loses the lock with its connection.

import { createHash } from 'node:crypto'
import type pg from 'pg'
import { isConnectionError } from '../db/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { Slots } from '../lib/slots.ts'
import type { Logger } from '../observability/logger.ts'

export interface SweepOptions {
  /** What is swept, e.g. `approval-expiry`; the lock's name too. */
  readonly name: string
  readonly everyMs: number
  /** Connections as `cadre_system`; one is held while `run` works. */
  readonly system: pg.Pool
  /**
   * Shared by sweeps that share a pool whose connections `run` needs, too: as many as there are slots work at once. Were
   * each to hold one connection and wait for another, none would ever get it.
   */
  readonly slots?: Slots
  readonly log: Logger
  readonly clock: Clock
  /** One pass. `true` when it left something undone (a full batch): the next follows at once. Must be repeatable. */
  readonly run: (signal: AbortSignal) => Promise<boolean>
}

export interface Sweep {
  start(): void
  /** Lets a pass under way end (it is told by its signal), then no further begins. May be called twice. */
  stop(): Promise<void>
}

/** Of the session advisory lock under which a sweep of this name works. */
export const sweepLockKey = (name: string): string =>
  createHash('sha256').update(`cadre sweep ${name}`).digest().readBigInt64BE().toString()

/**
 * Calls `run` every `everyMs`, in one process at a time. A pass that fails is logged and tried again at its next turn:
 * a sweep outlives an outage of the database.
 */
export function createSweep({ name, everyMs, system, slots, log, clock, run }: SweepOptions): Sweep {
  const stopping = new AbortController()
  const { signal } = stopping
  const lockKey = sweepLockKey(name)
  let loop: Promise<void> | undefined

  const passUnderLock = async (): Promise<boolean> => {
    const client = await system.connect()
    let inDoubt = true
    try {
      const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [lockKey])
      if (rows[0]?.locked !== true) {
        inDoubt = false
        return false
      }
      const more = await run(signal)
      await client.query('SELECT pg_advisory_unlock($1)', [lockKey])
      inDoubt = false
      return more
    } finally {
      client.release(inDoubt) // a connection in doubt is closed, and the lock with it
    }
  }

  const keepSweeping = async (): Promise<void> => {
    while (!signal.aborted) {
      let more = false
      try {
        more = await (slots === undefined ? passUnderLock() : slots.with(passUnderLock))
      } catch (err) {
        if (!signal.aborted) log[isConnectionError(err) ? 'debug' : 'error']({ err, sweep: name }, 'a sweep failed')
      }
      if (!more) await clock.sleep(everyMs, signal).catch(() => {})
    }
  }

  return {
    start: () => {
      loop ??= keepSweeping()
    },
    stop: async () => {
      stopping.abort()
      await loop
    },
  }
}
