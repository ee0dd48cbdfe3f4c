import type { ModelError, ModelErrorKind } from './model-error.ts'

/** How attempts of one model call follow each other. */
export interface RetryPolicy {
  readonly maxAttempts: number
  readonly baseMs: number
  readonly capMs: number
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = { maxAttempts: 4, baseMs: 500, capMs: 20_000 }

const PASSING: ReadonlySet<ModelErrorKind> = new Set(['RATE_LIMITED', 'OVERLOADED', 'TRUNCATED', 'TIMEOUT', 'NETWORK'])

/** The same request may succeed later; a refused, invalid or unauthorised one will not. */
export const isPassing = (kind: ModelErrorKind): boolean => PASSING.has(kind)

/**
 * Milliseconds to wait before the next attempt, or null to give up. `attempt` counts the failed ones from 1; `random`
 * yields 0 up to 1. What the provider asks for in `retry-after` is a lower bound, whatever its length: a caller that
 * cannot hold that long parks the run instead.
 *
 * Decorrelated jitter: a random point between the base and three times the previous wait, so that callers that failed
 * together do not come back together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
export function nextDelayMs(
  attempt: number,
  error: ModelError,
  random: () => number,
  previousDelayMs = 0,
  policy: RetryPolicy = DEFAULT_RETRY_POLICY,
): number | null {
  if (attempt >= policy.maxAttempts || !isPassing(error.kind)) return null
  const ceilingMs = Math.min(policy.capMs, Math.max(policy.baseMs, previousDelayMs) * 3)
  const jitteredMs = Math.round(policy.baseMs + random() * (ceilingMs - policy.baseMs))
  if (error.retryAfterMs === undefined) return jitteredMs
  return error.retryAfterMs + Math.round(random() * policy.baseMs)
}
