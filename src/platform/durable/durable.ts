// The part of a process that works runs: registered and beating first, then claiming, watching the others, and keeping
// house. Stopping goes the other way, and hands back what it could not finish.

import { atMost } from '../lib/at-most.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observability/logger.ts'
import { type Dbos, launchDbos } from './dbos.ts'
import { Heartbeat } from './heartbeat.ts'
import { type DurablePools, openDurablePools } from './pools.ts'
import { placeOfThisProcess } from './process-place.ts'
import { Segments, type WorkSegment } from './segments.ts'
import { createSweep } from './sweep.ts'
import { Takeover } from './takeover.ts'
import { createStrayFinder, removeFinished } from './upkeep.ts'

export interface DurableOptions {
  /** A session-mode URL whose login may be `cadre_system`: locks and DBOS need sessions. */
  readonly systemUrl: string
  /** A fresh UUID per start of the process: an id of an earlier one would make two processes take from each other. */
  readonly executorId: string
  readonly log: Logger
  readonly clock: Clock
  readonly work: WorkSegment
  /** How many segments are worked on at once; most of them wait for a model. 1,000 unless told. */
  readonly concurrency?: number
  /** Told after segments of a dead process went back to the queue. Must not throw. */
  readonly onTakenOver?: (executorId: string) => void
  readonly timing?: Partial<DurableTiming>
}

/** Shortened by tests; the rule of who is dead is written with the defaults. */
export interface DurableTiming {
  readonly pollEveryMs: number
  readonly beatEveryMs: number
  /** How old the last beat may be for acts outside the database. */
  readonly freshMs: number
  /** After how long a still counter means death when the lock is free too. */
  readonly stillMs: number
  /** … and whatever the lock. */
  readonly stillHeldMs: number
  readonly strayEveryMs: number
}

const TIMING: DurableTiming = {
  pollEveryMs: 100,
  beatEveryMs: 1_000,
  freshMs: 5_000,
  stillMs: 15_000,
  stillHeldMs: 45_000,
  strayEveryMs: 5_000,
}

const REMOVE_EVERY_MS = 2_000
/** After the grace: for notes, handing back and goodbyes, each of which is quick where the database answers. */
const LEAVE_MS = 10_000

export interface Durable {
  readonly executorId: string
  /**
   * Registers the process, takes over from the provably dead, and works. Once; throws if the database cannot be reached,
   * or after `stop`.
   */
  start(): Promise<void>
  /**
   * Claims nothing more, tells running segments to stop at their next boundary and waits up to `graceMs` for them. When
   * all did, they are back in the queue when this returns and others go on at once; else others take them over. May be
   * called twice, and before `start`.
   */
  stop(options: { readonly graceMs: number }): Promise<void>
  /** How long ago the database last heard of this process; Infinity before the start. */
  lastBeatAgeMs(): number
  /** Segments being worked on in this process. */
  working(): number
}

/** One per process: DBOS is a singleton. */
export function createDurable(options: DurableOptions): Durable {
  const { systemUrl, executorId, log, clock } = options
  const timing = { ...TIMING, ...options.timing }
  let parts: Parts | undefined
  let starting: Promise<void> | undefined
  let stopped: Promise<void> | undefined
  const heartbeat = new Heartbeat({
    systemUrl,
    executorId,
    log,
    clock,
    everyMs: timing.beatEveryMs,
    freshMs: timing.freshMs,
    onDeclaredDead: () => parts?.segments.letAllGo(),
  })

  const start = async (): Promise<void> => {
    const pools = openDurablePools(systemUrl, log, clock)
    try {
      await heartbeat.start()
      parts = await assemble(options, timing, pools, heartbeat)
    } catch (err) {
      await heartbeat.stop({ leave: true })
      await pools.end()
      throw err
    }
    for (const part of parts.background) part.start()
  }

  const stop = async (graceMs: number): Promise<void> => {
    // A start that fails tells whoever awaits it.
    await starting?.catch(() => {})
    if (parts === undefined) return
    parts.dbos.stopClaiming()
    const inTime = await parts.segments.stop(graceMs)
    if (!inTime) {
      log.warn({ segments: parts.segments.count }, 'segments did not stop in time: another process takes them over')
    }
    const leaving = leave(parts, inTime)
    if (await atMost(LEAVE_MS, clock, leaving)) await leaving
    else log.warn('the database does not answer: leaving without a goodbye')
  }

  const leave = async ({ dbos, background, pools }: Parts, inTime: boolean): Promise<void> => {
    await Promise.all(background.map((part) => part.stop()))
    await dbos.shutDown()
    // What somebody here still touches must wait until this process is seen to be gone.
    const handedBack = inTime && (await handBack(dbos, executorId, log))
    await heartbeat.stop({ leave: handedBack })
    await pools.end()
  }

  return {
    executorId,
    start: async () => {
      if (stopped !== undefined) throw new Error('stopped before it started')
      starting ??= start()
      return starting
    },
    stop: ({ graceMs }) => {
      stopped ??= stop(graceMs)
      return stopped
    },
    lastBeatAgeMs: () => heartbeat.lastBeatAgeMs(),
    working: () => parts?.segments.count ?? 0,
  }
}

interface Background {
  start(): void
  stop(): Promise<void>
}

interface Parts {
  readonly segments: Segments
  readonly dbos: Dbos
  readonly background: readonly Background[]
  readonly pools: DurablePools
}

async function assemble(
  { executorId, log, clock, work, concurrency = 1_000, onTakenOver = () => {} }: DurableOptions,
  timing: DurableTiming,
  pools: DurablePools,
  heartbeat: Heartbeat,
): Promise<Parts> {
  const system = pools.watch
  const segments = new Segments({ executorId, work, system, isFresh: () => heartbeat.isFresh(), log, clock })
  const dbos = await launchDbos({
    pool: pools.dbos,
    executorId,
    concurrency,
    pollEveryMs: timing.pollEveryMs,
    log,
    clock,
    run: (segment, owner) => segments.run(segment, owner),
  })
  const takeover = new Takeover({
    system,
    executorId,
    here: placeOfThisProcess(),
    log,
    clock,
    everyMs: timing.beatEveryMs,
    stillMs: timing.stillMs,
    stillHeldMs: timing.stillHeldMs,
    recover: dbos.recover,
    onTakenOver,
  })
  const giveBackStrays = createStrayFinder(system, executorId, dbos.isRunning)
  const sweep = (name: string, everyMs: number, run: () => Promise<boolean>) =>
    createSweep({ name, everyMs, system, log, clock, run })
  const background = [
    takeover,
    sweep('finished-segments', REMOVE_EVERY_MS, () => removeFinished(system, dbos.remove)),
    sweep(`strays ${executorId}`, timing.strayEveryMs, async () => {
      const segmentsGiven = await giveBackStrays()
      if (segmentsGiven > 0) log.info({ segments: segmentsGiven }, 'gave back segments that nobody had begun')
      return false
    }),
  ]
  return { segments, dbos, background, pools }
}

/** Puts what was let go back into the queue; false when the database is away, and others will find it themselves. */
async function handBack(dbos: Dbos, executorId: string, log: Logger): Promise<boolean> {
  try {
    const segments = await dbos.recover(executorId)
    if (segments > 0) log.info({ segments }, 'handed back unfinished segments')
    return true
  } catch (err) {
    log.warn({ err }, 'could not hand back unfinished segments: another process takes them over')
    return false
  }
}
