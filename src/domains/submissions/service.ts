import { requirePermission } from '../../platform/auth/permissions.ts'
import { type Given, statement } from '../../platform/db/statement.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { notFound } from '../../platform/lib/errors.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { qualifyContact } from '../contacts/service.ts'
import { submissionEvents } from './events.ts'
import { canGo, type QualifySubmissionInput, type SubmissionEnd, type SubmissionStatus } from './model.ts'

export { type SubmissionBrief, submissionBrief } from './brief.ts'
export {
  type AcceptedSubmission,
  type RejectedSubmission,
  type SubmitFormInput,
  type SubmitFormOutcome,
  submitForm,
  type TrappedSubmission,
} from './submit.ts'

/**
 * Records the judgement of a submission by its form's criteria; a contact who was a LEAD becomes QUALIFIED with it. A
 * later judgement replaces an earlier one. Needs SUBMISSIONS_WRITE. NOT_FOUND.
 */
export async function qualifySubmission(tx: Tx, input: QualifySubmissionInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'SUBMISSIONS_WRITE')
  const { submission: id, qualified, fit, reasons } = input
  const [before] = await tx.run(lockJudgement, { id })
  if (before === undefined) throw notFound('Submission', encodeId('submission', id))
  const version = before.version + 1
  await tx.run(updateJudgement, { id, qualified, fit, reasons: [...reasons], version })
  appendEvents(tx, [
    {
      type: submissionEvents.qualified.type,
      subject: { kind: 'submission', id },
      subjectVersion: version,
      changes: changesBetween({ qualified: before.qualified, fit: before.fit }, { qualified, fit }),
      data: { formId: before.formId, qualified, fit },
    },
  ])
  if (qualified && before.contactId !== null && before.lifecycle === 'LEAD') {
    await qualifyContact(tx, before.contactId)
  }
  return { id }
}

const lockJudgement = statement((template, input: { readonly id: string }) =>
  template
    .selectFrom('submission')
    .leftJoin('contact', 'contact.id', 'submission.contactId')
    .select([
      'submission.qualified',
      'submission.fit',
      'submission.version',
      'submission.formId',
      'submission.contactId',
      'contact.lifecycle',
    ])
    .where('submission.id', '=', input.id)
    .forUpdate('submission'),
)

interface Judgement {
  readonly id: string
  readonly qualified: boolean
  readonly fit: number
  readonly reasons: string[]
  readonly version: number
}

const updateJudgement = statement((template, { id, qualified, fit, reasons, version, now }: Judgement & Given) =>
  template.updateTable('submission').set({ qualified, fit, reasons, version, updatedAt: now }).where('id', '=', id),
)

const END_EVENTS: Readonly<Record<SubmissionEnd, string>> = {
  PROCESSED: submissionEvents.processed.type,
  NEEDS_REVIEW: submissionEvents.needsReview.type,
  FAILED: submissionEvents.failed.type,
}

/**
 * Records how the work on a submission ended, with a sentence for people where it is not PROCESSED. One that has ended
 * otherwise before stays as it is: another run on it changes nothing, unless it settles what needed a review. For the
 * agent, when a run ends. NOT_FOUND. Returns whether it changed.
 */
export async function finishSubmission(
  tx: Tx,
  submissionId: string,
  end: { readonly status: SubmissionEnd; readonly reason?: string },
): Promise<boolean> {
  requirePermission(tx.viewer, 'SUBMISSIONS_WRITE')
  const [before] = await tx.run(lockStatus, { id: submissionId })
  if (before === undefined) throw notFound('Submission', encodeId('submission', submissionId))
  if (!canGo(before.status as SubmissionStatus, end.status)) return false
  const version = before.version + 1
  const after = { status: end.status, statusReason: end.reason?.slice(0, 1_000) ?? null }
  const finishedAt = end.status === 'NEEDS_REVIEW' ? null : tx.now
  tx.write(updateStatus, { id: submissionId, ...after, finishedAt, version })
  appendEvents(tx, [
    {
      type: END_EVENTS[end.status],
      subject: { kind: 'submission', id: submissionId },
      subjectVersion: version,
      changes: changesBetween({ status: before.status, statusReason: before.statusReason }, after),
      data: { formId: before.formId },
    },
  ])
  return true
}

const lockStatus = statement((template, input: { readonly id: string }) =>
  template
    .selectFrom('submission')
    .select(['status', 'statusReason', 'version', 'formId'])
    .where('id', '=', input.id)
    .forUpdate(),
)

interface StatusUpdate {
  readonly id: string
  readonly status: string
  readonly statusReason: string | null
  readonly finishedAt: Date | null
  readonly version: number
}

const updateStatus = statement(
  (template, { id, status, statusReason, finishedAt, version, now }: StatusUpdate & Given) =>
    template
      .updateTable('submission')
      .set({ status, statusReason, finishedAt, version, updatedAt: now })
      .where('id', '=', id),
)

/**
 * Notes that the sender has been answered, the first time it happens: `firstResponseMs` counts to this moment. For the
 * transaction that confirms the sending. Later answers change nothing. NOT_FOUND is not told: an answer was sent anyway.
 */
export async function recordFirstResponse(tx: Tx, submissionId: string): Promise<void> {
  await tx.sql
    .updateTable('submission')
    .set((eb) => ({ firstResponseAt: tx.now, version: eb('version', '+', 1), updatedAt: tx.now }))
    .where('id', '=', submissionId)
    .where('firstResponseAt', 'is', null)
    .execute()
}
