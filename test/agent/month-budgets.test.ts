import { afterEach, expect, it } from 'vitest'
import { loseHeld, moveBudget, reserve, settle } from '../../src/domains/budgets/service.ts'
import { updateSettingsInput } from '../../src/domains/settings/model.ts'
import { updateWorkspaceSettings } from '../../src/domains/workspaces/settings.ts'
import type { Tx } from '../../src/platform/db/transaction.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { parseInput } from '../../src/platform/lib/parse.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office } from './arrange.ts'

// The settings about money: what a month may cost, and when people hear of it.

const { database, db } = openTestDatabase(16)
let office: Office
afterEach(() => office.close())

const open = async (input: Record<string, unknown>, dailyBudgetMicros: bigint | null = null) => {
  office = await Office.open(db, database.url, { dailyBudgetMicros })
  await set(input)
}
const set = (input: Record<string, unknown>) =>
  office.do((tx) => updateWorkspaceSettings(tx, parseInput(updateSettingsInput, input)))
const at = <Result>(moment: string, work: (tx: Tx) => Promise<Result>): Promise<Result> => {
  const ctx = office.ctx()
  return db.inTransaction({ ...ctx, clock: { ...ctx.clock, now: () => new Date(moment) } }, work)
}
const call = () => ({ runId: newId(), turn: 0, attempt: 1 })
const spend = (moment: string, micros: bigint) => {
  const attempt = call()
  return at(moment, async (tx) => {
    expect(await reserve(tx, { ...attempt, worstCaseMicros: micros })).toEqual({ ok: true })
    await settle(tx, { ...attempt, actualMicros: micros })
  })
}
const told = async (type: string) =>
  (
    await office.rows<{ data: Record<string, unknown> }>(
      'select data from event_outbox where workspace_id = $1 and type = $2 order by id',
      [type],
    )
  ).map(({ data }) => data)

it('a month is refused more than it may cost over all its days, until the next one begins', async () => {
  await open({ monthlyBudget: '0.001' })
  await spend('2026-03-01T10:00:00Z', 600n)
  await spend('2026-03-30T10:00:00Z', 300n)
  const ask = (moment: string, worstCaseMicros = 200n) =>
    at(moment, (tx) => reserve(tx, { ...call(), worstCaseMicros }))
  expect(await ask('2026-03-31T10:00:00Z', 1_001n)).toEqual({ ok: false, why: 'TOO_LARGE', period: 'MONTH' })
  const refused = { ok: false, why: 'EXHAUSTED', period: 'MONTH', until: new Date('2026-04-01T00:00:00Z') }
  expect(await Promise.all(Array.from({ length: 4 }, () => ask('2026-03-31T10:00:00Z')))).toEqual(
    Array(4).fill(refused),
  )
  expect(await ask('2026-03-31T23:59:59Z', 100n)).toEqual({ ok: true })
  expect(await ask('2026-04-01T00:00:00Z')).toEqual({ ok: true })
  expect(await told('budget.exhausted')).toEqual([{ month: '2026-03', limitMicros: '1000', spentMicros: '900' }])
})

it('a month is never overdrawn by calls that are held on two of its days at once', async () => {
  await open({ monthlyBudget: '0.001' })
  const days = ['2026-03-10T23:59:59Z', '2026-03-11T00:00:00Z']
  const asked = await Promise.all(
    Array.from({ length: 24 }, (_, index) =>
      at(days[index % 2] ?? '', (tx) => reserve(tx, { ...call(), worstCaseMicros: 100n })),
    ),
  )
  expect(asked.filter(({ ok }) => ok)).toHaveLength(10)
  expect(asked.filter((each) => !each.ok && each.why === 'HELD_BY_OTHERS')).toHaveLength(14)
})

it('a month that may cost more wakes the runs that wait for it, and one that may cost less does not', async () => {
  await open({ monthlyBudget: '0.002' })
  const { runId } = await office.lead()
  const wakeAt = new Date(Date.now() + 24 * 3_600_000)
  await office.rows(
    `update run set status = 'WAITING', waiting_kind = 'BUDGET', waiting_since = now(), wake_at = $3
      where workspace_id = $1 and id = $2`,
    [runId, wakeAt],
  )
  await set({ monthlyBudget: '0.001', maxTurns: 20 })
  expect((await office.run(runId)).wake_at).toEqual(wakeAt)
  await set({ monthlyBudget: '0.003' })
  expect((await office.run(runId)).wake_at?.getTime()).toBeLessThan(wakeAt.getTime())
})

it('a run that is being refused for its month while that is raised is woken', async () => {
  await open({ monthlyBudget: '0' })
  const { runId } = await office.lead()
  let refused = () => {}
  const wasRefused = new Promise<void>((resolve) => {
    refused = resolve
  })
  let goOn = () => {}
  const mayGoOn = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const run = office.do(async (tx) => {
    expect(await reserve(tx, { ...call(), worstCaseMicros: 1n })).toMatchObject({ ok: false, period: 'MONTH' })
    await tx.sql
      .updateTable('run')
      .set({ status: 'WAITING', waitingKind: 'BUDGET', waitingSince: tx.now, wakeAt: new Date('2099-01-01') })
      .where('id', '=', runId)
      .execute()
    refused()
    await mayGoOn
  })
  await wasRefused
  const raising = set({ monthlyBudget: '5' })
  await expect
    .poll(() =>
      office.rows(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event = 'advisory' and $1 <> ''`,
      ),
    )
    .toHaveLength(1)
  goOn()
  await Promise.all([run, raising])
  expect((await office.run(runId)).wake_at?.getFullYear()).toBeLessThan(2099)
})

it('tells each line that spending comes to, once, of the day and of the month', async () => {
  await open({ monthlyBudget: '0.002', budgetAlerts: [50, 100] }, 1_000n)
  await spend('2026-03-01T10:00:00Z', 499n)
  expect(await told('budget.threshold_reached')).toEqual([])
  await Promise.all(Array.from({ length: 5 }, () => spend('2026-03-01T11:00:00Z', 100n)))
  const line = { limitMicros: '1000', day: '2026-03-01', percent: 50 }
  expect(await told('budget.threshold_reached')).toEqual([expect.objectContaining(line)])
  // Closed with the next one held, and what was lost counts as spent.
  const [first, second] = [call(), call()]
  await at('2026-03-02T10:00:00Z', (tx) => reserve(tx, { ...first, worstCaseMicros: 500n }))
  await at('2026-03-02T10:01:00Z', (tx) =>
    moveBudget(tx, {
      end: { ...first, status: 'SETTLED', actualMicros: 500n },
      reserve: { ...second, worstCaseMicros: 500n },
    }),
  )
  await at('2026-03-02T10:02:00Z', (tx) => loseHeld(tx, second.runId))
  expect((await told('budget.threshold_reached')).slice(1)).toEqual([
    { day: '2026-03-02', percent: 50, limitMicros: '1000', spentMicros: '500' },
    { month: '2026-03', percent: 50, limitMicros: '2000', spentMicros: '1499' },
    { day: '2026-03-02', percent: 100, limitMicros: '1000', spentMicros: '1000' },
  ])
  await set({ budgetAlerts: [] })
  await spend('2026-03-03T10:00:00Z', 1n)
  expect(await told('budget.threshold_reached')).toHaveLength(4)
})
