import { beforeAll, expect, test } from 'vitest'
import { insertWorkspace, systemContext } from '../../../test/support/context.ts'
import { openTestWorkspace } from '../../../test/support/open-test-workspace.ts'
import type { Ctx } from '../../platform/context.ts'
import { json } from '../../platform/db/tables.ts'
import { isAppError } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import type { InternalTool, Tool } from '../../platform/tools/tool.ts'
import { matchOrCreateContact } from '../contacts/service.ts'
import { createEmployee } from '../employees/service.ts'
import { createDeal, createPipeline } from './service.ts'
import { dealTools } from './tools.ts'

const { db, ctx } = openTestWorkspace(10)
let employeeCtx: Ctx
let stageIds: readonly string[]
let formId: string

beforeAll(async () => {
  await db.inTransaction(ctx, async (tx) => {
    const pipeline = await createPipeline(tx, {
      name: 'Sales',
      stages: [
        { name: 'Won', kind: 'WON', probability: 1 },
        { name: 'Qualified', kind: 'OPEN', probability: 0.2 },
        { name: 'Proposal', kind: 'OPEN', probability: 0.5 },
      ],
    })
    stageIds = pipeline.stageIds
    formId = await insertForm(pipeline.id)
    const { id } = await createEmployee(tx, { name: 'Iris', role: 'SDR', title: 'SDR', autonomy: 'AUTONOMOUS' })
    employeeCtx = { ...ctx, viewer: { kind: 'employee', employeeId: id, name: 'Iris', runId: newId() } }

    async function insertForm(pipelineId: string): Promise<string> {
      const form = newId()
      await tx.sql
        .insertInto('form')
        .values({
          workspaceId: tx.workspaceId,
          id: form,
          name: 'Book a demo',
          nameFolded: 'book a demo',
          slug: 'book-a-demo',
          kind: 'SALES',
          draft: json({}),
          pipelineId,
        })
        .execute()
      await tx.sql
        .insertInto('formVersion')
        .values({ workspaceId: tx.workspaceId, formId: form, number: 1, definition: json({}) })
        .execute()
      return form
    }
  })
})

async function submission(): Promise<{ readonly id: string; readonly contactId: string }> {
  const id = newId()
  return await db.inTransaction(ctx, async (tx) => {
    const matched = await matchOrCreateContact(tx, { email: `${id}@example.com` })
    const contactId = matched?.contact.id ?? ''
    await tx.sql
      .insertInto('submission')
      .values({ workspaceId: tx.workspaceId, id, formId, formVersion: 1, answers: json({}), inputHash: '', contactId })
      .execute()
    return { id, contactId }
  })
}

const tool = dealTools.find(({ name }) => name === 'open_deal') as Tool & InternalTool<unknown>
const openDeal = (input: Record<string, unknown>, as: Ctx = employeeCtx) =>
  db.inTransaction(as, async (tx) => (await tool.run(tx, tool.input.parse(input))).output)

const dealsOf = (submissionId: string) =>
  db.read(ctx.workspaceId, (sql) =>
    sql.selectFrom('deal').selectAll().where('submissionId', '=', submissionId).execute(),
  )

test('an employee opens the deal of a submission in the first open stage of the form’s pipeline', async () => {
  const { id, contactId } = await submission()
  const output = await openDeal({ submission: encodeId('submission', id), name: 'Kite & Co', amount: 24_000 })
  const [deal] = await dealsOf(id)
  expect(deal).toMatchObject({
    name: 'Kite & Co',
    nameFolded: 'kite & co',
    amountMicros: 24_000_000_000n,
    currency: 'EUR',
    stageId: stageIds[1],
    contactId,
    ownerEmployeeId: employeeCtx.viewer.kind === 'employee' && employeeCtx.viewer.employeeId,
    closedAt: null,
  })
  expect(output).toEqual({
    deal: encodeId('deal', deal?.id ?? ''),
    stage: { id: encodeId('stage', stageIds[1] ?? ''), name: 'Qualified' },
    created: true,
  })
})

test('ten calls at once for one submission make one deal, and each is given it', async () => {
  const { id } = await submission()
  const outputs = await Promise.all(
    Array.from({ length: 10 }, () => openDeal({ submission: encodeId('submission', id), name: 'Once' })),
  )
  expect(await dealsOf(id)).toHaveLength(1)
  expect(new Set(outputs.map(({ deal }) => deal)).size).toBe(1)
  expect(outputs.filter(({ created }) => created)).toHaveLength(1)
  const events = await db.read(ctx.workspaceId, (sql) =>
    sql
      .selectFrom('eventOutbox')
      .select('id')
      .where('type', '=', 'deal.created')
      .where('data', '@>', sqlJson(id))
      .execute(),
  )
  expect(events).toHaveLength(1)
})

const sqlJson = (submissionId: string) => json({ submissionId })

test('a person opens the deal of a submission with whoever sent it, once', async () => {
  const { id, contactId } = await submission()
  const person = (more: object = {}) =>
    db.inTransaction(ctx, (tx) =>
      createDeal(tx, { name: 'By hand', stage: stageIds[2] ?? '', submission: id, ...more }),
    )
  const outcomes = await Promise.allSettled([person(), person(), person()])
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const [deal] = await dealsOf(id)
  expect(deal).toMatchObject({ name: 'By hand', stageId: stageIds[2], contactId })

  const second = await person().catch((err: unknown) => err)
  const current = { kind: 'deal', id: deal?.id }
  expect(isAppError(second) && [second.code, second.details]).toEqual([
    'CONFLICT',
    expect.objectContaining({ reason: 'DUPLICATE', current }),
  ])
  expect(await openDeal({ submission: encodeId('submission', id), name: 'By her' })).toMatchObject({ created: false })
  const nobodys = await person({ submission: newId() }).catch((err: unknown) => err)
  expect(isAppError(nobodys) && nobodys.code).toBe('NOT_FOUND')
})

test('a stage may be named, and is refused when it is not open', async () => {
  const { id } = await submission()
  const input = { submission: encodeId('submission', id), name: 'Named' }
  const refused = await openDeal({ ...input, stage: encodeId('stage', stageIds[0] ?? '') }).catch((err: unknown) => err)
  expect(isAppError(refused) && refused.details.issues?.[0]?.path).toEqual(['stage'])
  expect(await dealsOf(id)).toEqual([])
  expect(await openDeal({ ...input, stage: encodeId('stage', stageIds[2] ?? '') })).toMatchObject({
    stage: { name: 'Proposal' },
  })
})

test('an unknown contact, and another workspace’s submission, are not found and nothing is written', async () => {
  const { id } = await submission()
  const input = { submission: encodeId('submission', id), name: 'Nobody' }
  const contact = encodeId('contact', newId())
  await expect(openDeal({ ...input, contact })).rejects.toMatchObject({ code: 'NOT_FOUND', details: { id: contact } })
  const other = systemContext(db, (await insertWorkspace(db, 'Other')).id)
  await expect(openDeal(input, other)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await dealsOf(id)).toEqual([])
})
