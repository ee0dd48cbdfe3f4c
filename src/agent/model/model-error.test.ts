import { describe, expect, it } from 'vitest'
import { readRetryAfterMs } from './model-error.ts'

const read = (headers: Record<string, string>) =>
  readRetryAfterMs(new Headers(headers), Date.parse('2026-01-01T00:00:00Z'))

describe('retry-after', () => {
  it('is read in seconds, in milliseconds and as a date', () => {
    expect(read({ 'retry-after': '3' })).toBe(3000)
    expect(read({ 'retry-after': '0.25' })).toBe(250)
    expect(read({ 'retry-after-ms': '1500' })).toBe(1500)
    expect(read({ 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' })).toBe(60_000)
  })

  it('is nothing when absent, unreadable or past', () => {
    expect(read({})).toBeUndefined()
    expect(read({ 'retry-after': 'soon' })).toBeUndefined()
    expect(read({ 'retry-after': '0' })).toBeUndefined()
    expect(read({ 'retry-after': 'Wed, 31 Dec 2025 23:59:00 GMT' })).toBeUndefined()
  })
})
