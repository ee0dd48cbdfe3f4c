import { setTimeout as sleep } from 'node:timers/promises'
import { type Requester, RequestFailed } from '../../client/request.ts'
import { StartFault } from '../../platform/lib/start-fault.ts'
import { DemoStart } from './documents.ts'
import { accountFor, type Outcomes } from './outcomes.ts'
import type { Sent } from './send-leads.ts'

/** How long a server may be away. */
export const PATIENCE_MS = 5 * 60_000
/** How long nothing may happen at one that is there. */
const QUIET_MS = 60_000
const LOOK_EVERY_MS = 1_000

/** How far the demo is. */
export interface Progress {
  settled: number
  readonly sent: Sent[]
  sendingEnded: boolean
  lastAt: number
  /** The server does not answer. */
  away: boolean
  /** Ids in the order they were told, where everything is watched. */
  readonly told: string[]
  takenOver: number
  /** Runs finished, by who worked them; where each lead is told. */
  readonly doneBy: Map<string, number>
}

/**
 * Waits for the stream to have told of every lead, then reads the account; reads again while runs are still open. Throws a
 * StartFault when the server stays away.
 */
export async function untilWorked(
  ids: readonly string[],
  request: Requester,
  progress: Progress,
  draw: () => void,
  note: (line: string) => void,
): Promise<Outcomes> {
  const isQuiet = (): boolean => performance.now() - progress.lastAt >= QUIET_MS
  let noAnswer: unknown
  for (;;) {
    while (progress.settled < ids.length && !isQuiet()) await sleep(50)
    draw()
    const outcomes = await accountFor(ids, request).catch((err: unknown) => {
      // What a server answered is told; that there was no answer is nothing to end on.
      if (err instanceof RequestFailed) throw err
      noAnswer = err
      return undefined
    })
    if (outcomes?.open === 0) return outcomes
    if (isQuiet()) {
      if (outcomes === undefined) {
        throw new StartFault(
          'The server does not answer any more.',
          'What was sent is safe: npm start goes on with it.',
          noAnswer,
        )
      }
      note('  Nothing has happened for a minute: no longer waiting. What is open goes on without us.')
      return outcomes
    }
    await sleep(500)
  }
}

/** Notes whether the server is away, and that time does not count against it meanwhile, for as long as patience lasts. */
export function watchServer(request: Requester, progress: Progress, draw: () => void): () => void {
  const end = new AbortController()
  void (async () => {
    let awaySince: number | undefined
    while (!end.signal.aborted) {
      const isThere = await request(DemoStart).then(
        () => true,
        (err: unknown) => err instanceof RequestFailed,
      )
      const now = performance.now()
      awaySince = isThere ? undefined : (awaySince ?? now)
      progress.away = awaySince !== undefined
      if (awaySince !== undefined && now - awaySince < PATIENCE_MS) progress.lastAt = now
      if (progress.away) draw()
      await sleep(LOOK_EVERY_MS, undefined, { signal: end.signal }).catch(() => {})
    }
  })()
  return () => end.abort()
}
