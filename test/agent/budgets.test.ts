import { describe, expect, it } from 'vitest'
import { loseHeld, moveBudget, release, reserve, settle } from '../../src/domains/budgets/service.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office } from './arrange.ts'

const { database, db } = openTestDatabase(32)

interface Day {
  limit: number | null
  held: number
  settled: number
  lost: number
}
const dayOf = async (office: Office): Promise<Day> => {
  const [row] = await office.rows<Day>(
    `select limit_micros::int as limit, held_micros::int as held, settled_micros::int as settled, lost_micros::int as lost
       from budget_day where workspace_id = $1`,
  )
  if (row === undefined) throw new Error('no day yet')
  return row
}
const exhausted = (office: Office): Promise<unknown[]> =>
  office.rows(`select 1 from event_outbox where workspace_id = $1 and type = 'budget.exhausted'`)

const call = (turn: number, attempt = 1, runId = newId()) => ({ runId, turn, attempt })

describe('the budget of a day', () => {
  it('balances and is never overdrawn with 32 clients that reserve, settle, release and lose at once', async () => {
    const office = await Office.open(db, database.url, { dailyBudgetMicros: 100_000n })
    const worst = 3_000n
    const outcomes = { settled: 0n, lost: 0n, refused: 0 }
    const overdrawn: Day[] = []
    await Promise.all(
      Array.from({ length: 32 }, async (_, client) => {
        const runId = newId()
        for (let turn = 0; turn < 12; turn++) {
          const attempt = call(turn, 1, runId)
          const reserved = await office.do((tx) => reserve(tx, { ...attempt, worstCaseMicros: worst }))
          const day = await dayOf(office)
          if (day.held + day.settled + day.lost > 100_000) overdrawn.push(day)
          if (!reserved.ok) {
            outcomes.refused += 1
            continue
          }
          const kind = (client + turn) % 3
          if (kind === 0) {
            const actualMicros = BigInt(500 + turn)
            await office.do((tx) => settle(tx, { ...attempt, actualMicros }))
            outcomes.settled += actualMicros
          } else if (kind === 1) await office.do((tx) => release(tx, attempt))
          else {
            await office.do((tx) => loseHeld(tx, runId))
            outcomes.lost += worst
          }
        }
      }),
    )
    expect(overdrawn).toEqual([])
    expect(outcomes.refused).toBeGreaterThan(0)
    const day = await dayOf(office)
    expect(day).toEqual({ limit: 100_000, held: 0, settled: Number(outcomes.settled), lost: Number(outcomes.lost) })
    const [sums] = await office.rows(
      `select coalesce(sum(settled_micros), 0)::int as settled,
              coalesce(sum(amount_micros) filter (where status = 'LOST'), 0)::int as lost,
              count(*) filter (where status = 'HELD')::int as held
         from budget_reservation where workspace_id = $1`,
    )
    expect(sums).toEqual({ settled: day.settled, lost: day.lost, held: 0 })
    await office.close()
  })

  it('tells what is exhausted from what others hold and from what can never be', async () => {
    const office = await Office.open(db, database.url, { dailyBudgetMicros: 1_000n })
    const first = call(0)
    expect(await office.do((tx) => reserve(tx, { ...call(0), worstCaseMicros: 1_001n }))).toEqual({
      ok: false,
      why: 'TOO_LARGE',
      period: 'DAY',
    })
    expect(await office.do((tx) => reserve(tx, { ...first, worstCaseMicros: 600n }))).toEqual({ ok: true })
    expect(await office.do((tx) => reserve(tx, { ...call(0), worstCaseMicros: 600n }))).toEqual({
      ok: false,
      why: 'HELD_BY_OTHERS',
      period: 'DAY',
    })
    await office.do((tx) => settle(tx, { ...first, actualMicros: 600n }))
    expect(await office.do((tx) => reserve(tx, { ...call(0), worstCaseMicros: 600n }))).toMatchObject({
      ok: false,
      why: 'EXHAUSTED',
    })
    await office.close()
  })

  it('says once a day that it is exhausted', async () => {
    const office = await Office.open(db, database.url, { dailyBudgetMicros: 1_000n })
    await office.do(async (tx) => {
      const first = call(0)
      await reserve(tx, { ...first, worstCaseMicros: 900n })
      await settle(tx, { ...first, actualMicros: 900n })
    })
    await Promise.all(
      Array.from({ length: 8 }, () => office.do((tx) => reserve(tx, { ...call(0), worstCaseMicros: 500n }))),
    )
    expect(await exhausted(office)).toHaveLength(1)
    await office.close()
  })

  it('without a limit lets everything through and still counts', async () => {
    const office = await Office.open(db, database.url, { dailyBudgetMicros: null })
    const attempt = call(0)
    expect(await office.do((tx) => reserve(tx, { ...attempt, worstCaseMicros: 10_000_000n }))).toEqual({ ok: true })
    await office.do((tx) => settle(tx, { ...attempt, actualMicros: 7n }))
    expect(await dayOf(office)).toEqual({ limit: null, held: 0, settled: 7, lost: 0 })
    await office.close()
  })

  it('follows a limit that is changed during the day', async () => {
    const office = await Office.open(db, database.url, { dailyBudgetMicros: 100n })
    const wish = { ...call(0), worstCaseMicros: 500n }
    expect((await office.do((tx) => reserve(tx, wish))).ok).toBe(false)
    await office.rows('update workspace set daily_budget_micros = 1000 where id = $1')
    expect((await office.do((tx) => reserve(tx, wish))).ok).toBe(true)
    await office.close()
  })

  it('settles an attempt once: ending it again, or what was never held, changes nothing', async () => {
    const office = await Office.open(db, database.url, { dailyBudgetMicros: 1_000n })
    const attempt = call(0)
    await office.do((tx) => reserve(tx, { ...attempt, worstCaseMicros: 500n }))
    await office.do((tx) => settle(tx, { ...attempt, actualMicros: 100n }))
    await office.do((tx) => settle(tx, { ...attempt, actualMicros: 100n }))
    await office.do((tx) => release(tx, call(9)))
    expect(await dayOf(office)).toMatchObject({ held: 0, settled: 100, lost: 0 })
    await office.close()
  })

  it('counts what an attempt cost on the day it was reserved, and the next one today, in one movement', async () => {
    const office = await Office.open(db, database.url, { dailyBudgetMicros: 1_000n })
    const runId = newId()
    const yesterday = new Date(Date.now() - 24 * 60 * 60 * 1_000)
    const ctx = office.ctx()
    await db.inTransaction({ ...ctx, clock: { ...ctx.clock, now: () => yesterday } }, (tx) =>
      reserve(tx, { ...call(0, 1, runId), worstCaseMicros: 800n }),
    )
    const moved = await office.do((tx) =>
      moveBudget(tx, {
        end: { ...call(0, 1, runId), status: 'SETTLED', actualMicros: 300n },
        reserve: { ...call(1, 1, runId), worstCaseMicros: 900n },
      }),
    )
    expect(moved).toEqual({ ok: true })
    const days = await office.rows(
      `select held_micros::int as held, settled_micros::int as settled from budget_day where workspace_id = $1 order by day`,
    )
    expect(days).toEqual([
      { held: 0, settled: 300 },
      { held: 900, settled: 0 },
    ])
    await office.close()
  })

  it('gives the room of the attempt that ends to the one that follows it', async () => {
    const office = await Office.open(db, database.url, { dailyBudgetMicros: 1_000n })
    const runId = newId()
    await office.do((tx) => reserve(tx, { ...call(0, 1, runId), worstCaseMicros: 900n }))
    const moved = await office.do((tx) =>
      moveBudget(tx, {
        end: { ...call(0, 1, runId), status: 'SETTLED', actualMicros: 50n },
        reserve: { ...call(1, 1, runId), worstCaseMicros: 900n },
      }),
    )
    expect(moved).toEqual({ ok: true })
    expect(await dayOf(office)).toEqual({ limit: 1_000, held: 900, settled: 50, lost: 0 })
    await office.close()
  })
})
