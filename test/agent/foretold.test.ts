import { expect, test } from 'vitest'
import { requestApproval } from '../../src/domains/approvals/service.ts'
import { reserve } from '../../src/domains/budgets/service.ts'
import { pauseEmployee, resumeEmployee } from '../../src/domains/employees/service.ts'
import { cancelRun } from '../../src/domains/runs/service.ts'
import type { Tx } from '../../src/platform/db/transaction.ts'
import { Foretold } from '../../src/platform/foretold.ts'
import { openOffice } from './open-office.ts'

const { db, office } = openOffice({ dailyBudgetMicros: 1_000n })

/** What a dry run of the work would tell. */
async function foretoldOf(work: (tx: Tx) => Promise<unknown>): Promise<Foretold> {
  const foretold = new Foretold()
  const dry = db.dry()
  await dry.inTransaction({ ...office.ctx(), foretold }, work)
  await dry.end(true)
  return foretold
}

const update = (runId: string, set: string) =>
  office.rows(`update run set ${set} where workspace_id = $1 and id = $2`, [runId])

test('a model call that is held costs what is held of it, and an approval that is asked for is named', async () => {
  const { runId } = await office.lead()
  const foretold = await foretoldOf(async (tx) => {
    await requestApproval(tx, {
      runId,
      employeeId: office.employeeId,
      turn: 0,
      callIndex: 0,
      tool: 'send_email',
      risk: 'EXTERNAL_SEND',
      review: { title: 'Write to Ada', input: {}, changes: [] },
      reason: 'It was told to ask.',
    })
    await reserve(tx, { runId, turn: 0, attempt: 1, worstCaseMicros: 700n })
    await reserve(tx, { runId, turn: 1, attempt: 1, worstCaseMicros: 10_000_000_000n })
  })
  expect(foretold.approvals).toEqual([{ tool: 'send_email', title: 'Write to Ada', risk: 'EXTERNAL_SEND' }])
  expect(foretold.effects).toEqual([])
  expect(foretold.costMicros).toBe(700n)
  expect(await office.approvals(runId)).toEqual([])
})

test('a run that is being worked is interrupted by cancelling it, which costs nothing', async () => {
  const { runId } = await office.lead()
  await update(runId, `status = 'RUNNING', executor_id = gen_random_uuid(), started_at = now()`)
  const foretold = await foretoldOf((tx) => cancelRun(tx, { runId }))
  expect(foretold.effects).toEqual([{ kind: 'RUN_INTERRUPTED', id: runId }])
  expect(foretold.costMicros).toBe(0n)
})

test('runs that go on by and by are counted, and what they will cost is not known', async () => {
  const { runId } = await office.lead()
  await office.do((tx) => pauseEmployee(tx, { id: office.employeeId }))
  await update(runId, `status = 'WAITING', waiting_kind = 'PERSON', waiting_since = now()`)
  const foretold = await foretoldOf((tx) => resumeEmployee(tx, { id: office.employeeId }))
  expect(foretold.effects).toEqual([{ kind: 'RUNS_WOKEN', count: 1 }])
  expect(foretold.costMicros).toBeUndefined()
})
