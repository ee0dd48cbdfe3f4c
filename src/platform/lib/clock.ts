import { setTimeout as sleepTimer } from 'node:timers/promises'

/** Time as a parameter, so that tests can hold it. `monotonicMs` never jumps with the wall clock. */
export interface Clock {
  now(): Date
  monotonicMs(): number
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => sleepTimer(ms, undefined, signal === undefined ? {} : { signal }),
}
