import { APIConnectionError, APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import { NotSentError } from './live.ts'
import { errorBeforeAnswer, errorWithinAnswer, readRetryAfterMs } from './model-error.ts'

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

const answered = (status: number, headers: Record<string, string> = {}) =>
  errorBeforeAnswer(APIError.generate(status, { error: { message: 'as said' } }, undefined, new Headers(headers)))

describe('an answer that is an error', () => {
  it('is of a kind by its status', () => {
    const kinds = [400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 502, 504, 529].map(
      (status) => answered(status).kind,
    )
    expect(kinds).toEqual([
      'INVALID_REQUEST',
      'UNAUTHORIZED',
      'UNAUTHORIZED',
      'UNAUTHORIZED',
      'INVALID_REQUEST',
      'TIMEOUT',
      'OVERLOADED',
      'INVALID_REQUEST',
      'RATE_LIMITED',
      'OVERLOADED',
      'OVERLOADED',
      'TIMEOUT',
      'OVERLOADED',
    ])
  })

  it('cost nothing, except from a proxy that does not know what became of the request', () => {
    expect(answered(429).usage).toMatchObject({ input: 0, output: 0 })
    for (const status of [408, 502, 504]) expect(answered(status).usage).toBeUndefined()
  })

  it('carries when to come back and what to name to the provider', () => {
    expect(answered(429, { 'retry-after': '3', 'request-id': 'req_1' })).toMatchObject({
      retryAfterMs: 3_000,
      requestId: 'req_1',
      status: 429,
      sent: true,
    })
    expect(answered(400)).not.toHaveProperty('requestId')
  })

  it('that comes after a part of the answer is billed for that part, by the type it names', () => {
    const usage = { input: 5, output: 2, cacheRead: 0, cacheWrite: 0 }
    const named = (type: string) =>
      errorWithinAnswer(
        new APIError(undefined, { error: { type, message: 'x' } }, 'x', undefined, type as never),
        usage,
      )
    expect(named('overloaded_error')).toMatchObject({ kind: 'OVERLOADED', usage })
    expect(named('new_error')).toMatchObject({ kind: 'TRUNCATED', usage })
    expect(errorWithinAnswer(new Error('socket closed'), undefined)).toEqual({
      kind: 'TRUNCATED',
      message: 'The answer broke off in the middle: socket closed.',
      sent: true,
    })
    expect(errorWithinAnswer('odd', undefined).message).toBe('The answer broke off in the middle.')
  })
})

describe('a request without an answer', () => {
  it('says whether it may have been read', () => {
    const cause = new NotSentError('No connection to models.example (ECONNREFUSED)', 'ECONNREFUSED')
    expect(errorBeforeAnswer(new APIConnectionError({ cause }))).toMatchObject({ kind: 'NETWORK', sent: false })
    const reset = new Error('fetch failed', { cause: new Error('read ECONNRESET') })
    expect(errorBeforeAnswer(new APIConnectionError({ cause: reset }))).toEqual({
      kind: 'NETWORK',
      message: 'The connection failed: read ECONNRESET',
      sent: true,
    })
    expect(errorBeforeAnswer(new APIConnectionError({ message: 'gone' }))).toMatchObject({
      kind: 'NETWORK',
      sent: true,
    })
    expect(errorBeforeAnswer(new APIConnectionTimeoutError())).toMatchObject({ kind: 'TIMEOUT', sent: true })
  })

  it('is thrown on when it is a fault of ours', () => {
    const fault = new TypeError('of ours')
    expect(() => errorBeforeAnswer(fault)).toThrow(fault)
  })
})
