import type { Clock } from '../../platform/lib/clock.ts'
import type { AttemptOutcome } from './model.ts'
import type { ModelError } from './model-error.ts'
import { isPassing } from './retry.ts'

/*
 * Keeps callers from queueing up at a model that is down.
 *
 * CLOSED: calls pass; failures in a row are counted, an answer clears the count.
 * OPEN: after `failuresToOpen` in a row nothing passes for `openMs`; callers take the fallback.
 * HALF_OPEN: then one call passes as a probe, and nobody after it for another `openMs`. Its answer closes the circuit,
 *   its failure opens it again; a probe that never reports is followed by the next one.
 *
 * Failures are those that may pass: overload, limits, time-outs, the network. A refused, invalid or unauthorised request
 * was answered, so the other side is well. An aborted one says nothing.
 */

/** One or two in a row are everyday; nobody need be told. */
const FAILURES_TO_TELL = 3

export type CircuitState = 'CLOSED' | 'OPEN' | 'HALF_OPEN'

export interface CircuitBreaker {
  readonly state: CircuitState
  /** Whether a call may be made now; in HALF_OPEN a true is the probe. */
  admit(): boolean
  /** What became of a call that was admitted. */
  report(outcome: AttemptOutcome): void
}

export function createCircuitBreaker(options: {
  readonly failuresToOpen: number
  readonly openMs: number
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Told once when the model has failed a few times in a row, with the last failure, and once when it has answered again. */
  readonly onTrouble?: (error: ModelError | null) => void
}): CircuitBreaker {
  const { onTrouble = () => {} } = options
  let failures = 0
  let openedAtMs: number | null = null

  const state = (): CircuitState => {
    if (openedAtMs === null) return 'CLOSED'
    return options.clock.monotonicMs() - openedAtMs < options.openMs ? 'OPEN' : 'HALF_OPEN'
  }

  return {
    get state() {
      return state()
    },
    admit() {
      const now = state()
      if (now === 'HALF_OPEN') openedAtMs = options.clock.monotonicMs()
      return now !== 'OPEN'
    },
    report(outcome) {
      if (!outcome.ok && outcome.error.kind === 'ABORTED') return
      if (outcome.ok || !isPassing(outcome.error.kind)) {
        if (outcome.ok && failures >= FAILURES_TO_TELL) onTrouble(null)
        failures = 0
        openedAtMs = null
        return
      }
      failures += 1
      if (failures === FAILURES_TO_TELL) onTrouble(outcome.error)
      if (failures >= options.failuresToOpen) openedAtMs = options.clock.monotonicMs()
    },
  }
}
