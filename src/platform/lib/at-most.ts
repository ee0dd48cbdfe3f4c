import type { Clock } from './clock.ts'

/** Waits for `work`, but not longer than `ms`; true when it has ended, well or not. Leaves no timer behind. */
export async function atMost(ms: number, clock: Clock, work: Promise<unknown>): Promise<boolean> {
  const ended = new AbortController()
  const end = () => ended.abort()
  await Promise.race([work.then(end, end), clock.sleep(ms, ended.signal).catch(() => {})])
  return ended.signal.aborted
}
