// The segments that this process is working on.
//
//   working    `work` runs. It ends by returning: the segment is done and DBOS records it.
//   failing    `work` threw: it is called again after a pause, for as long as the process lives. A lost connection must
//              not end a run, and what is wrong with a run is for `work` to find out: it counts its take-overs and ends
//              the run as POISON. Nothing is ever recorded as a failed segment, for nothing would come after it.
//   let go     the process is stopping, or was taken for dead: `work` is told by its signal and unwinds. DBOS is told that
//              this execution owns the segment no more, so that nothing is recorded; it goes back to the queue.

import { DBOSWorkflowConflictError } from '@dbos-inc/dbos-sdk/internal/error'
import type pg from 'pg'
import { isConnectionError } from '../db/errors.ts'
import { atMost } from '../lib/at-most.ts'
import type { Clock } from '../lib/clock.ts'
import { isAppError } from '../lib/errors.ts'
import type { Logger } from '../observability/logger.ts'
import { SCHEMA, type Segment, workflowIdOf } from './queue.ts'

/** Why a segment's signal was aborted. */
export class SegmentLetGo extends Error {
  readonly why: 'stopping' | 'taken over'

  constructor(why: 'stopping' | 'taken over') {
    super(why === 'stopping' ? 'the process is stopping' : 'the segment was given to another process')
    this.name = 'SegmentLetGo'
    this.why = why
  }
}

export interface SegmentMeans {
  /** Aborted, with a `SegmentLetGo`, when the segment is no longer this process's: end at the next boundary. */
  readonly signal: AbortSignal
  /** The process that works, for the run's row. */
  readonly executorId: string
  /**
   * Whether the segment is still this execution's, by DBOS's own token. Ask before taking the run: an execution that was
   * queued here while another process took it over must not take the run back. Throws what the database throws.
   */
  isOurs(): Promise<boolean>
  /**
   * Whether an act outside the database may begin now: the segment is still this execution's by DBOS's own token, and the
   * last heartbeat is less than 5 s old, so nobody can have taken this process for dead. Ask right before each such act,
   * beside the run's own fence; on `false` do not act and throw. Throws what the database throws.
   */
  maySend(): Promise<boolean>
}

/**
 * Works one segment until its run waits or ends, and returns then. It may be called again for a segment that is already
 * done (a crash between the last write and DBOS's note of it) or that somebody else is still about to leave: it takes the
 * run's fence first, and returns at once when the run is beyond this segment. Throws to be called again; when `signal` is
 * aborted it throws anything.
 */
export type WorkSegment = (segment: Segment, means: SegmentMeans) => Promise<void>

export interface SegmentsOptions {
  readonly executorId: string
  readonly work: WorkSegment
  /** Connections as `cadre_system`. */
  readonly system: pg.Pool
  readonly isFresh: () => boolean
  readonly log: Logger
  readonly clock: Clock
}

const IS_OURS = `SELECT FROM ${SCHEMA}.workflow_status WHERE workflow_uuid = $1 AND status = 'PENDING' AND owner_xid = $2`
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = { outage: 5_000, failure: 60_000 }

export class Segments {
  readonly #options: SegmentsOptions
  /** By what tells each to let go: how it ends. */
  readonly #working = new Map<AbortController, Promise<void>>()
  #stopping = false

  constructor(options: SegmentsOptions) {
    this.#options = options
  }

  /** How many segments are being worked on here. */
  get count(): number {
    return this.#working.size
  }

  /** The body of the DBOS workflow. `owner` is DBOS's token of the claim. */
  async run(segment: Segment, owner: string): Promise<void> {
    if (this.#stopping) throw notOurs(segment)
    const letGo = new AbortController()
    const working = this.#keepTrying(segment, owner, letGo.signal)
    this.#working.set(letGo, working)
    try {
      await working
    } finally {
      this.#working.delete(letGo)
    }
  }

  /** Tells every segment that it is not this process's any more. New ones are welcome. */
  letAllGo(): void {
    for (const letGo of this.#working.keys()) letGo.abort(new SegmentLetGo('taken over'))
  }

  /** Refuses further segments, tells the present ones to stop, and waits for them; false when some did not in time. */
  async stop(graceMs: number): Promise<boolean> {
    this.#stopping = true
    for (const letGo of this.#working.keys()) letGo.abort(new SegmentLetGo('stopping'))
    return atMost(graceMs, this.#options.clock, Promise.allSettled(this.#working.values()))
  }

  async #keepTrying(segment: Segment, owner: string, signal: AbortSignal): Promise<void> {
    const means = this.#means(segment, owner, signal)
    for (let failures = 0; ; failures++) {
      try {
        return await this.#options.work(segment, means)
      } catch (err) {
        if (!signal.aborted) await this.#pause(segment, err, failures, signal)
        if (signal.aborted) throw notOurs(segment)
      }
    }
  }

  #means(segment: Segment, owner: string, signal: AbortSignal): SegmentMeans {
    const { executorId, system, isFresh } = this.#options
    const isOurs = async (): Promise<boolean> => {
      if (signal.aborted) return false
      const { rowCount } = await system.query(IS_OURS, [workflowIdOf(segment), owner])
      return rowCount === 1 && !signal.aborted
    }
    return {
      signal,
      executorId,
      isOurs,
      // The clock last: this process may have been stopped while the answer was under way.
      maySend: async () => (await isOurs()) && isFresh(),
    }
  }

  async #pause(segment: Segment, err: unknown, failures: number, signal: AbortSignal): Promise<void> {
    const outage = isConnectionError(err) || (isAppError(err) && err.code === 'UNAVAILABLE')
    const { log, clock } = this.#options
    log[outage ? 'debug' : 'error'](
      { err, ...segment, failures: failures + 1 },
      'working on a run failed: it is tried again',
    )
    const longestMs = outage ? LONGEST_PAUSE_MS.outage : LONGEST_PAUSE_MS.failure
    const pauseMs = Math.min(longestMs, FIRST_PAUSE_MS * 2 ** failures) * (0.5 + Math.random() / 2)
    await clock.sleep(pauseMs, signal).catch(() => {})
  }
}

/** What DBOS understands as "this execution lost its workflow": it records nothing and frees the slot. */
const notOurs = (segment: Segment) => new DBOSWorkflowConflictError(workflowIdOf(segment))
