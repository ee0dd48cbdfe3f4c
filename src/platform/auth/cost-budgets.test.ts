import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { testLog } from '../../../test/support/context.ts'
import { createCostBudgets, warnOfStore } from './cost-budgets.ts'
import type { Payer } from './payer.ts'

const key: Payer = { key: 'k1', anonymous: false }
const other: Payer = { key: 'k2', anonymous: false }
const address: Payer = { key: 'k1', anonymous: true }

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-26T10:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

const open = () => createCostBudgets({ perMinute: 100, perMinuteAnonymous: 10 })

describe('a budget', () => {
  test('is spent within its minute, which begins with the first operation, and is whole again after it', async () => {
    const budgets = open()
    const first = await budgets.take(key, 60, 1)
    expect(first).toEqual({
      paid: true,
      balance: { limit: 100, remaining: 40, resetAt: new Date('2026-11-26T10:01:00Z') },
      retryAfterMs: 60_000,
    })
    vi.advanceTimersByTime(20_000)
    expect(await budgets.take(key, 40, 1)).toMatchObject({
      paid: true,
      balance: { remaining: 0 },
      retryAfterMs: 40_000,
    })
    expect(await budgets.take(key, 1, 1)).toMatchObject({ paid: false, retryAfterMs: 40_000 })
    vi.advanceTimersByTime(40_000)
    expect(await budgets.take(key, 100, 1)).toMatchObject({ paid: true, balance: { remaining: 0 } })
  })

  test('is each payer’s own, and smaller for an address', async () => {
    const budgets = open()
    await budgets.take(key, 100, 1)
    expect(await budgets.take(other, 100, 1)).toMatchObject({ paid: true })
    expect(await budgets.take(address, 11, 1)).toMatchObject({ paid: false, balance: { limit: 10, remaining: 9 } })
    expect([budgets.limitOf(key), budgets.limitOf(address)]).toEqual([100, 10])
  })

  test('pays for what is refused no more than its reading: a small one fits after a large one', async () => {
    const budgets = open()
    await budgets.take(key, 50, 1)
    expect(await budgets.take(key, 1_000, 3)).toMatchObject({ paid: false, balance: { remaining: 47 } })
    expect(await budgets.take(key, 47, 1)).toMatchObject({ paid: true, balance: { remaining: 0 } })
  })

  test('is never overdrawn by many at once, nor left unused', async () => {
    const budgets = open()
    const payments = await Promise.all(Array.from({ length: 40 }, () => budgets.take(key, 5, 0)))
    expect(payments.filter(({ paid }) => paid)).toHaveLength(20)
    expect((await budgets.take(other, 100, 0)).paid).toBe(true)
  })

  test('that is empty is known without asking, until its minute is over', async () => {
    const budgets = open()
    await budgets.take(key, 100, 1)
    expect(budgets.exhausted(key)).toBeUndefined()
    await budgets.take(key, 5, 5)
    expect(budgets.exhausted(key)).toMatchObject({ paid: false, balance: { remaining: 0 }, retryAfterMs: 60_000 })
    expect(budgets.exhausted(address)).toBeUndefined()
    vi.advanceTimersByTime(60_000)
    expect(budgets.exhausted(key)).toBeUndefined()
  })

  test('that seems empty while a large one is being refused is there again a second later', async () => {
    const budgets = open()
    await budgets.take(key, 10, 1)
    const [large, small] = await Promise.all([budgets.take(key, 1_000, 1), budgets.take(key, 1, 1)])
    expect([large?.paid, small?.paid]).toEqual([false, false])
    expect(budgets.exhausted(key)).toMatchObject({ paid: false })
    vi.advanceTimersByTime(1_001)
    expect(budgets.exhausted(key)).toBeUndefined()
    expect(await budgets.take(key, 80, 1)).toMatchObject({ paid: true })
  })
})

test('that the database does not count is said once a minute, however many operations there are', () => {
  const warn = vi.fn()
  const tell = warnOfStore(Object.assign(Object.create(testLog) as typeof testLog, { warn }))
  for (let n = 0; n < 5; n++) tell()
  expect(warn).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(60_000)
  tell()
  expect(warn).toHaveBeenCalledTimes(2)
})
