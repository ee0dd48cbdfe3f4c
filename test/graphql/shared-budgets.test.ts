import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { createCostBudgets } from '../../src/platform/auth/cost-budgets.ts'
import type { Payer } from '../../src/platform/auth/payer.ts'
import { openTestDatabase } from '../support/open-test-database.ts'

// Budgets that several processes on one database share.

const { db } = openTestDatabase()

const LIMITS = { perMinute: 100, perMinuteAnonymous: 10 }
const open = () => createCostBudgets({ ...LIMITS, shared: db.system })
const payer = (key: string): Payer => ({ key, anonymous: false })

test('what one process took is gone for the other, however many come at once', async () => {
  const [a, b] = [open(), open()]
  // Their connections are open before the clock of a take runs.
  await Promise.all([a, b, a, b].map((each, n) => each.take(payer(`warm ${n}`), 1, 0)))
  const payments = await Promise.all(
    Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? a : b).take(payer('shared'), 5, 0)),
  )
  expect(payments.filter(({ paid }) => paid)).toHaveLength(20)
  // Whatever was refused was given back in the meantime, and no more than that.
  expect((await b.take(payer('shared'), 5, 0)).paid).toBe(false)
})

test('an address has its own, though it is written like a key', async () => {
  const budgets = open()
  await budgets.take(payer('same'), 100, 0)
  expect(await budgets.take({ key: 'same', anonymous: true }, 4, 0)).toMatchObject({
    paid: true,
    balance: { limit: 10, remaining: 6 },
  })
})

test('a minute that is over is a new budget, also for a process that begins only then', async () => {
  const budgets = open()
  expect((await budgets.take(payer('minute'), 100, 0)).paid).toBe(true)
  const refused = await budgets.take(payer('minute'), 1, 0)
  expect(refused.paid).toBe(false)
  expect(refused.retryAfterMs).toBeGreaterThan(0)
  expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000)
  await db.system.query('update cost_budget set expire = expire - 60000 where key = $1', ['credential:minute'])
  expect((await open().take(payer('minute'), 100, 0)).paid).toBe(true)
})

test('the system alone sees and changes them', async () => {
  await open().take(payer('seen'), 1, 0)
  expect((await db.system.query('select points from cost_budget where key = $1', ['credential:seen'])).rows).toEqual([
    { points: 1 },
  ])
  await expect(db.app.query('select * from cost_budget')).rejects.toThrow(/permission denied/)
})

test('while the database is away each process counts for itself, and says so', async () => {
  const away = new pg.Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none', connectionTimeoutMillis: 500 })
  const onStoreAway = vi.fn()
  const budgets = createCostBudgets({ ...LIMITS, shared: away, onStoreAway })
  expect(await budgets.take(payer('away'), 70, 0)).toMatchObject({ paid: true, balance: { remaining: 30 } })
  expect(await budgets.take(payer('away'), 70, 2)).toMatchObject({ paid: false, balance: { remaining: 28 } })
  expect(onStoreAway).toHaveBeenCalledTimes(2)
  await away.end()
})
