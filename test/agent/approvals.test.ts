import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { decideApproval, sweepApprovals } from '../../src/domains/approvals/service.ts'
import { updateContact } from '../../src/domains/contacts/service.ts'
import { cancelRun } from '../../src/domains/runs/service.ts'
import { AppError } from '../../src/platform/lib/errors.ts'
import { testLog } from '../support/context.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office } from './arrange.ts'
import type { ApprovalRow } from './rows.ts'

const { database, db } = openTestDatabase(24)

/** A run that waits for a person because its employee wants to send a mail. */
async function asking(): Promise<{ office: Office; runId: string; submissionId: string; approval: ApprovalRow }> {
  const office = await Office.open(db, database.url, { autonomy: 'SUPERVISED' })
  const lead = await office.lead({ wants_call: true })
  await office.work(lead.runId)
  const [approval] = await office.approvals(lead.runId)
  if (approval === undefined) throw new Error('nobody asked')
  return { office, ...lead, approval }
}

const decide = (
  office: Office,
  approval: ApprovalRow,
  decision: 'APPROVE' | 'REJECT',
  more: { editedInput?: Record<string, unknown>; reason?: string; ifVersion?: number } = {},
) => office.do((tx) => decideApproval(tx, { id: approval.id, decision, ...more }), office.ada)

const refusalOf = async (work: Promise<unknown>): Promise<AppError> => {
  const err = await work.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  )
  if (err instanceof AppError) return err
  throw err
}

describe('an approval', () => {
  it('parks its run for the owner, and shows where the mail goes and what it says', async () => {
    const { office, runId, approval } = await asking()
    expect(await office.run(runId)).toMatchObject({
      status: 'WAITING',
      waiting_kind: 'APPROVAL',
      waiting_member_id: office.memberId,
    })
    expect(approval).toMatchObject({ status: 'PENDING', tool: 'send_email', member_id: office.memberId })
    expect(approval.title).toMatch(/^Send an e-mail to ada-.*@nimbus\.example$/)
    expect(approval.changes.map((change) => change.field)).toEqual(['to', 'subject', 'body'])
    expect(approval.reason).toContain('SUPERVISED')
    expect(await readdir(office.mailFolder)).toEqual([])
    await office.close()
  })

  it('that is given sends the mail once and is EXECUTED', async () => {
    const { office, runId, approval } = await asking()
    await decide(office, approval, 'APPROVE')
    expect(await office.run(runId)).toMatchObject({ status: 'QUEUED', segment: 2 })
    await office.work(runId)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    expect(await readdir(office.mailFolder)).toHaveLength(1)
    expect((await office.approvals(runId)).map((each) => each.status)).toEqual(['EXECUTED'])
    expect(await office.eventTypes(runId)).toEqual(
      expect.arrayContaining(['approval.requested', 'approval.approved', 'effect.confirmed', 'approval.executed']),
    )
    await office.close()
  })

  it('that is refused sends nothing, and the employee reads why', async () => {
    const { office, runId, approval } = await asking()
    await decide(office, approval, 'REJECT', { reason: 'They are a competitor.' })
    await office.work(runId)
    expect(await readdir(office.mailFolder)).toEqual([])
    const [step] = (await office.steps(runId)).filter(({ data }) => data.tool === 'send_email')
    expect(step).toMatchObject({
      status: 'REFUSED',
      data: { output: { status: 'REJECTED', reason: 'They are a competitor.' } },
    })
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })

  it('that is given with edited arguments sends those', async () => {
    const { office, runId, approval } = await asking()
    await decide(office, approval, 'APPROVE', { editedInput: { ...approval.input, subject: 'A shorter subject' } })
    await office.work(runId)
    const [step] = (await office.steps(runId)).filter(({ data }) => data.tool === 'send_email')
    expect(step).toMatchObject({
      status: 'DONE',
      data: { output: { editedByApprover: { subject: 'A shorter subject' } } },
    })
    const [effect] = await office.rows<{ result: unknown }>(
      `select result from effect where workspace_id = $1 and tool = 'send_email'`,
    )
    expect(effect?.result).toMatchObject({ status: 'SENT' })
    await office.close()
  })

  it('with edited arguments that the tool does not take is refused, naming them', async () => {
    const { office, approval } = await asking()
    const { input } = approval
    const { contact: _, ...withoutContact } = input
    for (const [editedInput, path, code, message] of [
      [{ ...input, subject: '' }, 'subject', 'TOO_SHORT', 'This cannot be empty.'],
      [withoutContact, 'contact', 'REQUIRED', 'This is required.'],
      [{ ...input, boddy: 'Hi' }, 'boddy', 'NOT_ALLOWED', 'There is no such field.'],
    ] as const) {
      const err = await refusalOf(decide(office, approval, 'APPROVE', { editedInput }))
      expect(err.code).toBe('INVALID_INPUT')
      expect(err.details.issues).toEqual([{ path: ['editedInput', path], code, message }])
    }
    expect(await office.count('approval', `status = 'PENDING'`)).toBe(1)
    await office.close()
  })

  it('is decided once, however many people press the button in the same moment', async () => {
    const { office, runId, approval } = await asking()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => decide(office, approval, index % 2 === 0 ? 'APPROVE' : 'REJECT')),
    )
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason.details.reason).toBe('CLOSED')
    }
    expect(await office.run(runId)).toMatchObject({ status: 'QUEUED', segment: 2 })
    expect(
      await office.rows('select 1 from event_outbox where workspace_id = $1 and type = $2', ['run.resumed']),
    ).toHaveLength(1)
    await office.close()
  })

  it('that has been decided is a readable conflict for the next', async () => {
    const { office, approval } = await asking()
    await decide(office, approval, 'APPROVE')
    const err = await refusalOf(decide(office, approval, 'REJECT'))
    expect(err).toMatchObject({
      code: 'CONFLICT',
      message: 'This approval is approved already.',
      details: { reason: 'CLOSED', current: { kind: 'approval', id: approval.id } },
    })
    await office.close()
  })

  it('against a stale version is refused', async () => {
    const { office, approval } = await asking()
    const err = await refusalOf(decide(office, approval, 'APPROVE', { ifVersion: approval.version + 1 }))
    expect(err.details.reason).toBe('STALE_VERSION')
    await office.close()
  })

  it('is not an employee’s to give, nor anybody’s without the permission', async () => {
    const { office, runId, approval } = await asking()
    const employee = { kind: 'employee', employeeId: office.employeeId, name: 'Iris', runId } as const
    for (const viewer of [employee, { ...office.ada, permissions: new Set() } as typeof office.ada]) {
      const err = await refusalOf(
        office.do((tx) => decideApproval(tx, { id: approval.id, decision: 'APPROVE' }), viewer),
      )
      expect(err.code).toBe('FORBIDDEN')
    }
    await office.close()
  })

  it('of another workspace is not found', async () => {
    const { approval, office } = await asking()
    const other = await Office.open(db, database.url)
    const err = await refusalOf(decide(other, approval, 'APPROVE'))
    expect(err.code).toBe('NOT_FOUND')
    await office.close()
    await other.close()
  })

  it('whose recipient has changed since it was shown is STALE, and the mail is not sent', async () => {
    const { office, runId, approval } = await asking()
    const [contact] = await office.rows<{ id: string }>('select id from contact where workspace_id = $1')
    await office.do((tx) => updateContact(tx, { id: contact?.id ?? '', email: 'somebody.else@nimbus.example' }))
    expect(await decide(office, approval, 'APPROVE')).toMatchObject({ status: 'STALE' })
    await office.work(runId)
    expect(await readdir(office.mailFolder)).toEqual([])
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })

  it('given before its recipient changed is STALE when it would be carried out', async () => {
    const { office, runId, approval } = await asking()
    await decide(office, approval, 'APPROVE')
    const [contact] = await office.rows<{ id: string }>('select id from contact where workspace_id = $1')
    await office.do((tx) => updateContact(tx, { id: contact?.id ?? '', email: 'somebody.else@nimbus.example' }))
    await office.work(runId)
    expect((await office.approvals(runId)).map((each) => each.status)).toEqual(['STALE'])
    expect(await readdir(office.mailFolder)).toEqual([])
    await office.close()
  })

  it('decided after its time is EXPIRED by the database’s clock, and the run goes on without the act', async () => {
    const { office, runId, approval } = await asking()
    await office.rows(`update approval set expires_at = now() - interval '1 second' where workspace_id = $1`)
    expect(await decide(office, approval, 'APPROVE')).toMatchObject({ status: 'EXPIRED' })
    await office.work(runId)
    expect(await readdir(office.mailFolder)).toEqual([])
    const [step] = (await office.steps(runId)).filter(({ data }) => data.tool === 'send_email')
    expect(step).toMatchObject({ status: 'REFUSED', data: { output: { status: 'EXPIRED' } } })
    await office.close()
  })

  it('that nobody decides expires with the sweep, once, however many processes sweep', async () => {
    const { office, runId } = await asking()
    await office.rows(`update approval set expires_at = now() - interval '1 second' where workspace_id = $1`)
    const closed = await Promise.all(Array.from({ length: 4 }, () => sweepApprovals(db, () => office.ctx(), testLog)))
    expect(closed.reduce((a, b) => a + b)).toBe(1)
    expect(await office.run(runId)).toMatchObject({ status: 'QUEUED', segment: 2 })
    await office.close()
  })

  it('ends with a run that is cancelled, whose submission then needs a person', async () => {
    const { office, runId, approval } = await asking()
    await office.do((tx) => cancelRun(tx, { runId, reason: 'Not now.' }), office.ada)
    expect(await office.run(runId)).toMatchObject({
      status: 'CANCELLED',
      reason: 'CANCELLED_BY',
      reason_text: 'Not now.',
    })
    expect((await office.approvals(runId)).map((each) => each.status)).toEqual(['EXPIRED'])
    expect(await office.rows('select status from submission where workspace_id = $1')).toEqual([
      { status: 'NEEDS_REVIEW' },
    ])
    expect((await refusalOf(decide(office, approval, 'APPROVE'))).details.reason).toBe('CLOSED')
    await office.work(runId)
    expect(await readdir(office.mailFolder)).toEqual([])
    await office.close()
  })
})
