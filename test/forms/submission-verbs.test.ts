import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { briefBlockSchema } from '../../src/agent/model/brief-block.ts'
import {
  finishSubmission,
  qualifySubmission,
  recordFirstResponse,
  submissionBrief,
} from '../../src/domains/submissions/service.ts'
import { submissionTools } from '../../src/domains/submissions/tools.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { House, refusal } from './arrange.ts'
import { openHouse } from './open-house.ts'

const { database, db, house } = openHouse()

const ada = { email: 'ada@example.com', name: 'Ada Lovelace' }
const row = async () =>
  (await house.rows<Record<string, unknown>>('select * from submission where workspace_id = $1'))[0]
const lifecycles = async () =>
  (await house.rows<{ lifecycle: string }>('select lifecycle from contact where workspace_id = $1')).map(
    (contact) => contact.lifecycle,
  )
const received = async (): Promise<string> => house.accept(await house.form(), ada)
const verdict = (submission: string, qualified = true) => ({
  submission,
  qualified,
  fit: 0.82,
  reasons: ['Budget: 5,000; wanted at least 1,000: met.'],
})

describe('judging a submission', () => {
  it('records the judgement, makes a lead qualified, and is an event', async () => {
    const id = await received()
    await house.do((tx) => qualifySubmission(tx, verdict(id)))
    const { submission: _, ...judged } = verdict(id)
    expect(await row()).toMatchObject({ ...judged, id, version: 2 })
    expect(await lifecycles()).toEqual(['QUALIFIED'])
    const [event] = await house.rows(
      `select data, changes, subject_version from event_outbox where workspace_id = $1 and type = 'submission.qualified'`,
    )
    expect(event).toMatchObject({
      subject_version: 2,
      data: { qualified: true, fit: 0.82 },
      changes: [
        { field: 'qualified', from: null, to: 'true' },
        { field: 'fit', from: null, to: '0.82' },
      ],
    })
  })

  it('to be worth nothing leaves the contact a lead, and a customer stays one', async () => {
    const id = await received()
    await house.do((tx) => qualifySubmission(tx, verdict(id, false)))
    expect(await lifecycles()).toEqual(['LEAD'])
    await house.rows(`update contact set lifecycle = 'CUSTOMER' where workspace_id = $1`)
    await house.do((tx) => qualifySubmission(tx, verdict(id)))
    expect(await lifecycles()).toEqual(['CUSTOMER'])
  })

  it('needs SUBMISSIONS_WRITE, and does not find what is not there or not ours', async () => {
    const id = await received()
    const stranger = await House.open(db, database.url)
    expect((await refusal(stranger.do((tx) => qualifySubmission(tx, verdict(id))))).code).toBe('NOT_FOUND')
    const anonymous = db.inTransaction(house.ctx(), (tx) => qualifySubmission(tx, verdict(id)))
    expect((await refusal(anonymous)).code).toBe('UNAUTHENTICATED')
    expect(await row()).toMatchObject({ qualified: null, version: 1 })
  })

  it('is a tool that says what it will do and answers with public ids', async () => {
    const id = await received()
    const [tool] = submissionTools
    if (tool === undefined || !('run' in tool)) throw new Error('no such tool')
    const publicId = encodeId('submission', id)
    const input = tool.input.parse({ ...verdict(id), submission: publicId })
    await house.do(async (tx) => {
      expect(await tool.title(tx, input)).toBe('Qualify Ada Lovelace: fit 0.82')
      expect((await tool.run(tx, input)).output).toEqual({ submission: publicId, qualified: true, fit: 0.82 })
    })
    expect(tool.input.safeParse({ ...verdict(id), fit: 1.2 }).success).toBe(false)
    const unknown = { ...verdict(id), submission: encodeId('deal', id) }
    expect((await refusal(house.do((tx) => tool.run(tx, unknown)))).code).toBe('NOT_FOUND')
  })
})

describe('the end of a submission', () => {
  it.each([
    ['PROCESSED', 'submission.processed', true],
    ['FAILED', 'submission.failed', true],
    ['NEEDS_REVIEW', 'submission.needs_review', false],
  ] as const)('%s is recorded once, with its event', async (status, type, finished) => {
    const id = await received()
    const end = { status, reason: 'because' }
    expect(await house.do((tx) => finishSubmission(tx, id, end))).toBe(true)
    expect(await house.do((tx) => finishSubmission(tx, id, end))).toBe(false)
    const stored = await row()
    expect(stored).toMatchObject({ status, status_reason: 'because', version: 2 })
    expect(stored?.finished_at !== null).toBe(finished)
    expect((await house.eventTypes()).filter((each) => each === type)).toHaveLength(1)
  })

  it('can still come after a review, and is not undone by a later run', async () => {
    const id = await received()
    await house.do((tx) => finishSubmission(tx, id, { status: 'NEEDS_REVIEW', reason: 'unsure' }))
    expect(await house.do((tx) => finishSubmission(tx, id, { status: 'PROCESSED' }))).toBe(true)
    expect(await house.do((tx) => finishSubmission(tx, id, { status: 'FAILED' }))).toBe(false)
    expect(await row()).toMatchObject({ status: 'PROCESSED', status_reason: null })
  })

  it('of a submission that is not there is NOT_FOUND', async () => {
    const end = house.do((tx) => finishSubmission(tx, randomUUID(), { status: 'PROCESSED' }))
    expect((await refusal(end)).code).toBe('NOT_FOUND')
  })

  it('counts the first answer, and no later one', async () => {
    const id = await received()
    const first = new Date()
    await house.do((tx) => recordFirstResponse(tx, id), first)
    await house.do((tx) => recordFirstResponse(tx, id), new Date(first.getTime() + 60_000))
    expect((await row())?.first_response_at).toEqual(first)
  })
})

describe('the brief of a submission', () => {
  it('holds what the prompt needs, in the shape that the agent reads', async () => {
    const [pipelineId, stageId] = [newId(), newId()]
    await house.do(async (tx) => {
      await tx.sql.insertInto('pipeline').values({ workspaceId: house.id, id: pipelineId, name: 'Sales' }).execute()
      const stage = { workspaceId: house.id, id: stageId, pipelineId, name: 'New', kind: 'OPEN' }
      await tx.sql
        .insertInto('stage')
        .values({ ...stage, position: 0, probability: 0.1 })
        .execute()
    })
    const form = await house.form({
      pipeline: encodeId('pipeline', pipelineId),
      instructions: 'Answer within the hour.',
      criteria: { conditions: [{ field: 'budget', op: 'GTE', value: 1000, label: 'Budget' }], text: 'No students.' },
      requestedTools: ['send_email'],
      autonomy: 'SUPERVISED',
    })
    const id = await house.accept(form, { ...ada, budget: 5000 })
    const brief = await house.do((tx) => submissionBrief(tx, id))
    expect(brief).toMatchObject({ instructions: 'Answer within the hour.', autonomy: 'SUPERVISED' })
    expect(brief.submission).toMatchObject({
      id: encodeId('submission', id),
      form: { name: 'Book a demo', slug: form.slug },
      criteria: { conditions: [{ field: 'budget', op: 'gte', value: 1000, weight: 1 }], text: 'No students.' },
      contact: { name: 'Ada Lovelace', email: 'ada@example.com', known: false },
      pipeline: {
        id: encodeId('pipeline', pipelineId),
        currency: 'EUR',
        stages: [{ id: encodeId('stage', stageId), name: 'New', kind: 'OPEN' }],
      },
      requestedTools: ['send_email'],
    })
    expect(brief.submission.answers).toContainEqual({
      key: 'budget',
      label: 'Budget',
      type: 'CURRENCY',
      text: '€5,000.00',
      value: { amount: '5000.00', currency: 'EUR' },
      origin: 'PUBLIC',
    })
    expect(brief.submission.answers).toContainEqual(expect.objectContaining({ key: 'message', text: '', value: null }))
    const read = briefBlockSchema.safeParse({
      trigger: 'SUBMISSION',
      autonomy: brief.autonomy,
      submission: brief.submission,
    })
    expect(read.error?.issues ?? []).toEqual([])
  })

  it('knows who was known before', async () => {
    const form = await house.form()
    await house.accept(form, ada)
    const id = await house.accept(form, { ...ada, message: 'Again' })
    const { contact } = (await house.do((tx) => submissionBrief(tx, id))).submission
    expect(contact?.known).toBe(true)
  })

  it('of another workspace is not found', async () => {
    const id = await received()
    const stranger = await House.open(db, database.url)
    expect((await refusal(stranger.do((tx) => submissionBrief(tx, id)))).code).toBe('NOT_FOUND')
  })
})
