import { describe, expect, test } from 'vitest'
import { raiseLimitOfToday, reserve } from '../../src/domains/budgets/service.ts'
import { createEmployee } from '../../src/domains/employees/service.ts'
import { startRun } from '../../src/domains/runs/service.ts'
import type { Tx } from '../../src/platform/db/transaction.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { type Tenant, WHO } from './house.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()

const settle = (as: Tenant, input: Record<string, unknown>) =>
  as.mutate('updateWorkspace', input, 'workspace { name timeZone currency dailyBudget { amount currency } version }')
/** A promise and what resolves it. */
const gate = () => {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
const issue = (field: string, code: string) => ({ __typename: 'InvalidInputError', issues: [{ field, code }] })

describe('the workspace', () => {
  test('is changed in what is given, with before and after, and refuses a stale version with itself as it is', async () => {
    const tenant = await house.workspace('Before')
    const changed = await settle(tenant, { name: 'After', timeZone: 'Europe/Paris', dailyBudget: '2.50', ifVersion: 1 })
    expect(changed.workspace).toEqual({
      name: 'After',
      timeZone: 'Europe/Paris',
      currency: 'EUR',
      dailyBudget: { amount: '2.50', currency: 'USD' },
      version: 2,
    })
    const before = await tenant.footprint(WHO)
    expect(await settle(tenant, { name: 'Late', ifVersion: 1 })).toEqual({
      __typename: 'ConflictError',
      reason: 'STALE_VERSION',
      current: { id: encodeId('workspace', tenant.id) },
    })
    expect((await settle(tenant, { name: 'After' })).workspace).toMatchObject({ version: 2 })
    expect(await settle(tenant, { timeZone: 'Mars/Olympus' })).toEqual(issue('timeZone', 'NOT_ALLOWED'))
    expect(await settle(tenant, { currency: null })).toEqual(issue('currency', 'REQUIRED'))
    expect(await settle(tenant, { name: 'x' })).toEqual(issue('name', 'TOO_SHORT'))
    expect(await settle(tenant, { dailyBudget: '-1' })).toEqual(issue('dailyBudget', 'TOO_SMALL'))
    expect(await tenant.footprint(WHO)).toBe(before)
    expect((await settle(tenant, { dailyBudget: null })).workspace).toMatchObject({ dailyBudget: null, version: 3 })
    const { events } = await tenant.query('{ events(last: 2) { nodes { type summary changes { field from to } } } }')
    expect(events).toEqual({
      nodes: [
        {
          type: 'WORKSPACE_UPDATED',
          summary: 'Test key changed the workspace: name, timeZone, dailyBudget',
          changes: [
            { field: 'name', from: 'Before', to: 'After' },
            { field: 'timeZone', from: 'UTC', to: 'Europe/Paris' },
            { field: 'dailyBudget', from: null, to: '$2.50' },
          ],
        },
        {
          type: 'WORKSPACE_UPDATED',
          summary: 'Test key changed the workspace: dailyBudget',
          changes: [{ field: 'dailyBudget', from: '$2.50', to: null }],
        },
      ],
    })
  })

  test('by ten at once that all saw one version is changed by one of them', async () => {
    const tenant = await house.workspace('Ten')
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => settle(tenant, { name: `Name ${n}`, ifVersion: 1 })),
    )
    expect(answers.filter(({ __typename }) => __typename === 'UpdateWorkspacePayload')).toHaveLength(1)
  })
})

describe('a larger daily budget', () => {
  const inHouse = async (name: string) => {
    const tenant = await house.workspace(name)
    await settle(tenant, { dailyBudget: '1' })
    const runId = await house.db.inTransaction(tenant.ctx, async (tx) => {
      const { id } = await createEmployee(tx, { name: 'Iris', role: 'SDR', title: 'SDR', autonomy: 'AUTONOMOUS' })
      const started = await startRun(tx, { employeeId: id, trigger: 'PERSON', title: 'Work' })
      return 'runId' in started ? started.runId : ''
    })
    const attempt = { runId, turn: 0, attempt: 1 }
    await house.db.inTransaction(tenant.ctx, (tx) => reserve(tx, { ...attempt, worstCaseMicros: 900_000n }))
    await house.db.inTransaction(tenant.ctx, (tx) =>
      tx.sql.updateTable('budgetDay').set({ heldMicros: 0n, settledMicros: 900_000n }).execute(),
    )
    const ask = (tx: Tx) => reserve(tx, { runId, turn: 1, attempt: 1, worstCaseMicros: 500_000n })
    const wait = (tx: Tx) =>
      tx.sql
        .updateTable('run')
        .set({ status: 'WAITING', waitingKind: 'BUDGET', waitingSince: tx.now, wakeAt: TOMORROW })
        .where('id', '=', runId)
        .execute()
    const wakesAt = async () => {
      const run = await house.db.read(tenant.id, (sql) =>
        sql.selectFrom('run').select('wakeAt').where('id', '=', runId).executeTakeFirstOrThrow(),
      )
      // None once it goes on: a sweep may have woken it by now.
      return run.wakeAt?.getTime() ?? 0
    }
    return { tenant, ask, wait, wakesAt }
  }
  const TOMORROW = new Date(Date.now() + 86_400_000)
  const waitsForLock = (tenant: Tenant) =>
    expect
      .poll(async () => {
        const { rows } = await house.db.system.query<{ waiting: boolean }>(
          `select exists (select from pg_locks l join pg_stat_activity a on a.pid = l.pid
             where not l.granted and a.datname = current_database()) as waiting`,
        )
        return [tenant.id, rows[0]?.waiting]
      })
      .toEqual([tenant.id, true])

  test('wakes the runs that wait for it, and a smaller one does not', async () => {
    const { tenant, wait, wakesAt } = await inHouse('Wakes')
    await house.db.inTransaction(tenant.ctx, wait)
    await settle(tenant, { dailyBudget: '0.5' })
    expect(await wakesAt()).toBe(TOMORROW.getTime())
    await settle(tenant, { dailyBudget: '0.5', name: 'Wakes again' })
    expect(await wakesAt()).toBe(TOMORROW.getTime())
    await settle(tenant, { dailyBudget: '5' })
    expect(await wakesAt()).toBeLessThan(TOMORROW.getTime())
    await house.db.inTransaction(tenant.ctx, wait)
    await settle(tenant, { dailyBudget: null })
    expect(await wakesAt()).toBeLessThan(TOMORROW.getTime())
  })

  test('wakes a run that was being refused at that moment', async () => {
    const { tenant, ask, wait, wakesAt } = await inHouse('Refused')
    const { promise: raised, resolve: goOn } = gate()
    const { promise: refused, resolve: wasRefused } = gate()
    const run = house.db.inTransaction(tenant.ctx, async (tx) => {
      expect(await ask(tx)).toMatchObject({ ok: false, why: 'EXHAUSTED' })
      await wait(tx)
      wasRefused()
      await raised
    })
    await refused
    const raising = settle(tenant, { dailyBudget: '5' })
    await waitsForLock(tenant)
    goOn()
    await run
    expect((await raising).__typename).toBe('UpdateWorkspacePayload')
    expect(await wakesAt()).toBeLessThan(TOMORROW.getTime())
  })

  test('is there for a run that asked while it was being raised', async () => {
    const { tenant, ask } = await inHouse('Asked')
    const { promise: asked, resolve: goOn } = gate()
    const { promise: locked, resolve: isLocked } = gate()
    const raising = house.db.inTransaction(tenant.ctx, async (tx) => {
      await tx.sql.updateTable('workspace').set({ dailyBudgetMicros: 5_000_000n }).execute()
      await raiseLimitOfToday(tx, 5_000_000n)
      isLocked()
      await asked
    })
    await locked
    const answer = house.db.inTransaction(tenant.ctx, ask)
    await waitsForLock(tenant)
    goOn()
    await raising
    expect(await answer).toEqual({ ok: true })
  })
})
test('who follows the workspace is told what became of it', async () => {
  const changed = await acme.follow('subscription { workspaceUpdated { workspace { name } } }')
  const nextChanged = changed.next()
  await settle(acme, { name: 'Acme & Co' })
  expect((await nextChanged).value).toEqual({ workspaceUpdated: { workspace: { name: 'Acme & Co' } } })
})
