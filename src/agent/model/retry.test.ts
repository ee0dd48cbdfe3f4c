import { describe, expect, it } from 'vitest'
import type { ModelError } from './model-error.ts'
import { nextDelayMs, type RetryPolicy } from './retry.ts'

const policy: RetryPolicy = { maxAttempts: 4, baseMs: 100, capMs: 1000 }
const overloaded: ModelError = { kind: 'OVERLOADED', message: '', sent: true }
const lowest = () => 0
const highest = () => 0.999999

describe('the delay before the next attempt', () => {
  it('lies between the base and three times the wait before, and never above the cap', () => {
    expect(nextDelayMs(1, overloaded, lowest, 0, policy)).toBe(100)
    expect(nextDelayMs(1, overloaded, highest, 0, policy)).toBe(300)
    expect(nextDelayMs(2, overloaded, highest, 300, policy)).toBe(900)
    expect(nextDelayMs(3, overloaded, highest, 900, policy)).toBe(1000)
    expect(nextDelayMs(3, overloaded, lowest, 900, policy)).toBe(100)
  })

  it('is never shorter than the provider asks for, even beyond the cap', () => {
    const limited: ModelError = { ...overloaded, kind: 'RATE_LIMITED', retryAfterMs: 60_000 }
    expect(nextDelayMs(1, limited, lowest, 0, policy)).toBe(60_000)
    expect(nextDelayMs(1, limited, highest, 0, policy)).toBe(60_100)
  })

  it('is none after the last attempt', () => {
    expect(nextDelayMs(3, overloaded, lowest, 0, policy)).not.toBeNull()
    expect(nextDelayMs(4, overloaded, lowest, 0, policy)).toBeNull()
  })

  it.each(['REFUSED', 'INVALID_REQUEST', 'UNAUTHORIZED', 'ABORTED'] as const)('is none for %s', (kind) => {
    expect(nextDelayMs(1, { ...overloaded, kind }, lowest, 0, policy)).toBeNull()
  })

  it.each(['RATE_LIMITED', 'TRUNCATED', 'TIMEOUT', 'NETWORK'] as const)('is some for %s', (kind) => {
    expect(nextDelayMs(1, { ...overloaded, kind }, lowest, 0, policy)).toBe(100)
  })
})
