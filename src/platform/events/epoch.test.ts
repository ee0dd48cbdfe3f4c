import { describe, expect, it } from 'vitest'
import { isAppError } from '../lib/errors.ts'
import { formatCursor } from './cursor.ts'
import { type Epoch, resolveCursor, whyGone } from './epoch.ts'

const epochs: readonly Epoch[] = [
  { number: 100, startsAt: 0n },
  { number: 200, startsAt: 50n },
  { number: 300, startsAt: 80n },
]
const HEAD = 120n

function outcome(epoch: number, position: bigint): bigint | string | undefined {
  try {
    return resolveCursor({ epoch, position }, epochs, HEAD)
  } catch (err) {
    if (!isAppError(err) || err.code !== 'CURSOR_EXPIRED') throw err
    return err.details.oldest
  }
}

describe('a cursor', () => {
  it('of the present epoch is good up to the head, wherever the epoch started', () => {
    for (const position of [0n, 10n, 80n, 120n]) expect(outcome(300, position)).toBe(position)
  })

  it('above the head is expired: nobody knows where the logs part, so all of it is offered', () => {
    expect(outcome(300, 121n)).toBe(formatCursor({ epoch: 300, position: 0n }))
  })

  it('of an older epoch is good up to where the next one starts, not further', () => {
    expect(outcome(100, 50n)).toBe(50n)
    expect(outcome(200, 80n)).toBe(80n)
    expect(outcome(100, 51n)).toBe(formatCursor({ epoch: 300, position: 50n }))
    expect(outcome(200, 81n)).toBe(formatCursor({ epoch: 300, position: 80n }))
  })

  it('of an epoch this database never had is expired', () => {
    for (const epoch of [1, 150, 301]) expect(outcome(epoch, 1n)).toBe(formatCursor({ epoch: 300, position: 0n }))
  })

  it('means nothing where the log has no epoch yet, which is a fault and no expiry', () => {
    expect(() => resolveCursor({ epoch: 100, position: 0n }, [], 0n)).toThrow('the log has no epoch yet')
  })
})

describe('a place that was read', () => {
  it('is gone where the log has taken another course before it, and not where it only has not come so far', () => {
    expect(whyGone({ epoch: 100, position: 50n }, epochs)).toBeUndefined()
    expect(whyGone({ epoch: 300, position: HEAD + 1n }, epochs)).toBeUndefined()
    expect(whyGone({ epoch: 100, position: 51n }, epochs)).toMatchObject({ code: 'CURSOR_EXPIRED' })
    expect(whyGone({ epoch: 150, position: 0n }, epochs)).toMatchObject({ code: 'CURSOR_EXPIRED' })
  })
})
