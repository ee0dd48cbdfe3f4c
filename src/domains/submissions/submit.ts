// A submission comes in: one transaction from the form's row to the queued run.
//
// In this order: the form is there and open → the answers are what its newest version asks for → honeypot, minimum time,
// limits → contact → handler → the row → the run. What is wrong with the answers is thrown and leaves nothing behind.
// What is turned away as spam is *returned*: its row in the spam log and its event must commit, and the edge makes the
// caller's error of it afterwards.
//
// An id made by the client is good for ever. A submission that is found under it is compared with what came in, by the
// version it answered then: equal is a replay of the first outcome, whatever has become of the form since; different is
// a conflict. Two that arrive at once with one id both find nothing; one inserts, and the other is told so by the primary
// key, starts anew from the beginning, and then finds the first.

import { sql } from 'kysely'
import { type Given, statement } from '../../platform/db/statement.ts'
import { type JsonText, json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import type { NewEvent } from '../../platform/events/event.ts'
import { AppError, conflict, invalidInput } from '../../platform/lib/errors.ts'
import { newId } from '../../platform/lib/ids.ts'
import { normaliseEmail } from '../contacts/model.ts'
import { matchOrCreateContact } from '../contacts/service.ts'
import { type FormResponse, hashAnswers, parseAnswers, statedContact } from '../forms/model.ts'
import { getPublished, route } from '../forms/service.ts'
import { startRun } from '../runs/service.ts'
import { listsOrigin } from '../settings/model.ts'
import { submissionEvents } from './events.ts'
import { type AskedFor, type EarlierSubmission, getFormAskedFor } from './form-asked-for.ts'
import { checkLimits, type Rejection, type Sender } from './limits.ts'
import type { RejectionReason, SubmissionOrigin } from './model.ts'

export interface SubmitFormInput extends AskedFor {
  /** By field key, as JSON or as the texts of a form-encoded body. */
  readonly answers: unknown
  /** Keyed digest of the sender's network address (`addressDigest`); without it nothing is counted per address. */
  readonly addressHash?: string | undefined
  /** The origin of the web page that sends it, where that is another's; without it no origin is asked for. */
  readonly pageOrigin?: string | undefined
  /** When the form's page was opened, for posts that carry a valid page token; without it the minimum time is not asked. */
  readonly pageOpenedAt?: Date | undefined
  /** The public door looks at the honeypot; a program that uses the API has no reason to hide. */
  readonly honeypot: boolean
  readonly origin: SubmissionOrigin
}

interface Known {
  readonly formId: string
  /** What the sender is shown. */
  readonly response: FormResponse
}

export interface AcceptedSubmission extends Known {
  readonly outcome: 'ACCEPTED'
  readonly submissionId: string
  /** It had come in before; nothing was done now. */
  readonly replayed: boolean
}

/** To be answered as if it were accepted. */
export interface TrappedSubmission extends Known {
  readonly outcome: 'TRAPPED'
}

export interface RejectedSubmission {
  readonly outcome: 'REJECTED'
  readonly formId: string
  readonly reason: Exclude<RejectionReason, 'HONEYPOT'>
  readonly retryAfterMs: number
}

/** JSON throughout, so that it can be stored with an idempotency key. */
export type SubmitFormOutcome = AcceptedSubmission | TrappedSubmission | RejectedSubmission

/**
 * Takes what somebody sends through a form: stores it, ties it to its contact, gives it to an employee and queues the
 * run, all or nothing. Anybody may. Throws NOT_FOUND for a form that is not there or was never published, CONFLICT
 * CLOSED for a paused or archived one, FORBIDDEN for a page of an origin that its workspace does not list, INVALID_INPUT with an issue per field, CONFLICT IDEMPOTENCY_MISMATCH for an id
 * that came with other answers before, and SenderBusy while another of the sender's is being looked at. A rejection is returned, not thrown: commit, then show `rejectionError`.
 */
export async function submitForm(tx: Tx, input: SubmitFormInput): Promise<SubmitFormOutcome> {
  const form = await getFormAskedFor(tx, input)
  const { pageOrigin } = input
  if (pageOrigin !== undefined && listsOrigin(form.allowedOrigins, pageOrigin) === false) {
    throw new AppError('FORBIDDEN', 'This form is not to be sent from the page that sent it.')
  }
  const { honeypot } = input.honeypot ? form.limits : { honeypot: null }
  const { answers: raw, trapped } = withoutHoneypot(input.answers, honeypot)
  if (form.earlier !== null) return replay(tx, form.id, form.earlier, raw)
  if (form.status !== 'ACTIVE') {
    const message =
      form.status === 'ARCHIVED' ? 'This form is closed.' : 'This form takes no submissions at the moment.'
    throw conflict('CLOSED', message, { kind: 'form', id: form.id })
  }
  const definition = await getPublished(tx, form.id, form.number)
  const { response } = definition
  const parsed = parseAnswers(definition, raw)
  if ('issues' in parsed) throw invalidInput(parsed.issues)
  const { answers } = parsed
  const person = statedContact(definition, answers)
  const submission = { id: input.id ?? newId(), inputHash: hashAnswers(answers) }
  const sender: Sender = {
    addressHash: input.addressHash,
    emailNormalised: person.email === undefined ? undefined : normaliseEmail(person.email),
  }

  if (trapped) {
    await reject(tx, form.id, sender, { reason: 'HONEYPOT', retryAfterMs: 0 })
    return { outcome: 'TRAPPED', formId: form.id, response }
  }
  const early = minimumTimeLeft(input.pageOpenedAt, form.limits.minimumTimeMs, tx.now)
  if (early > 0) return reject(tx, form.id, sender, { reason: 'TOO_FAST', retryAfterMs: early })
  const findings = await checkLimits(tx, form.id, form.limits, sender, submission)
  if (findings !== null && 'idTaken' in findings) return startAnew(tx)
  if (findings !== null) return reject(tx, form.id, sender, findings.rejection)

  const ref = { kind: 'submission', id: submission.id }
  appendEvents(tx, [
    { type: submissionEvents.received.type, subject: ref, subjectVersion: 1, data: { formId: form.id } },
  ])
  const matched = await matchOrCreateContact(tx, person)
  const employeeId = await route(tx, form)
  const storing = tx.run(insertSubmission, {
    id: submission.id,
    formId: form.id,
    formVersion: form.number,
    status: employeeId === null ? 'RECEIVED' : 'PROCESSING',
    answers: json(answers),
    inputHash: submission.inputHash,
    emailNormalised: sender.emailNormalised ?? null,
    addressHash: sender.addressHash ?? null,
    origin: json(input.origin),
    contactId: matched?.contact.id ?? null,
    employeeId,
  })
  const matchedEvents: NewEvent[] =
    matched === null
      ? []
      : [
          {
            type: submissionEvents.matched.type,
            subject: ref,
            data: { formId: form.id, contactId: matched.contact.id, created: matched.created },
          },
        ]
  const contact = matched?.contact
  const title = contact?.companyName ?? contact?.name ?? contact?.email ?? contact?.phone ?? form.name
  // The run is sent right behind the row: a handler group's turn is held until the end, and others wait for it.
  const [[stored]] = await Promise.all([
    storing,
    handOver(tx, submission.id, employeeId, `Work on ${title} from ${form.name}`, matchedEvents, form.id),
  ])
  if (stored === undefined) return startAnew(tx)
  return { outcome: 'ACCEPTED', submissionId: submission.id, formId: form.id, replayed: false, response }
}

interface NewSubmission {
  readonly id: string
  readonly formId: string
  readonly formVersion: number
  readonly status: string
  readonly answers: JsonText
  readonly inputHash: string
  readonly emailNormalised: string | null
  readonly addressHash: string | null
  readonly origin: JsonText
  readonly contactId: string | null
  readonly employeeId: string | null
}

/** No row where the id is taken. */
const insertSubmission = statement((template, input: NewSubmission & Given) =>
  template
    .insertInto('submission')
    .values({
      workspaceId: input.workspaceId,
      id: input.id,
      formId: input.formId,
      formVersion: input.formVersion,
      status: input.status,
      answers: input.answers,
      inputHash: input.inputHash,
      emailNormalised: input.emailNormalised,
      addressHash: input.addressHash,
      origin: input.origin,
      contactId: input.contactId,
      employeeId: input.employeeId,
      receivedAt: input.now,
      createdAt: input.now,
      updatedAt: input.now,
    })
    .onConflict((conflict) => conflict.columns(['workspaceId', 'id']).doNothing())
    .returning('id'),
)

/** Queues the run, or leaves the submission to the unassigned when nobody takes it. */
async function handOver(
  tx: Tx,
  submissionId: string,
  employeeId: string | null,
  title: string,
  before: readonly NewEvent[],
  formId: string,
): Promise<void> {
  if (employeeId !== null) {
    const subject = { kind: 'submission', id: submissionId }
    const routed = { type: submissionEvents.routed.type, subject, data: { formId, employeeId } }
    const eventsBefore = [...before, routed]
    const run = await startRun(tx, { employeeId, trigger: 'SUBMISSION', title, submissionId, eventsBefore })
    if (!('refused' in run)) return
    // Paused since it was picked, a moment ago.
    await tx.sql
      .updateTable('submission')
      .set({ status: 'RECEIVED', employeeId: null })
      .where('id', '=', submissionId)
      .execute()
  }
  appendEvents(tx, before)
}

async function replay(tx: Tx, formId: string, earlier: EarlierSubmission, raw: unknown): Promise<AcceptedSubmission> {
  const mismatch = () =>
    conflict('IDEMPOTENCY_MISMATCH', 'Something else was sent with this id before. Send it with an id of its own.')
  if (earlier.formId !== formId) throw mismatch()
  const definition = await getPublished(tx, formId, earlier.formVersion)
  const parsed = parseAnswers(definition, raw)
  if ('issues' in parsed || hashAnswers(parsed.answers) !== earlier.inputHash) throw mismatch()
  const { response } = definition
  return { outcome: 'ACCEPTED', submissionId: earlier.id, formId, replayed: true, response }
}

/** Writes the spam log. The answers are not kept. */
async function reject<Found extends Rejection>(
  tx: Tx,
  formId: string,
  sender: Sender,
  { reason, retryAfterMs }: Found,
): Promise<RejectedSubmission> {
  await tx.sql
    .insertInto('submissionRejection')
    .values({
      workspaceId: tx.workspaceId,
      id: newId(),
      formId,
      reason,
      emailNormalised: sender.emailNormalised ?? null,
      addressHash: sender.addressHash ?? null,
      createdAt: tx.now,
    })
    .execute()
  appendEvents(tx, [{ type: submissionEvents.rejected.type, subject: { kind: 'form', id: formId }, data: { reason } }])
  return { outcome: 'REJECTED', formId, reason: reason as RejectedSubmission['reason'], retryAfterMs }
}

/** What has been done so far was done beside another with the same id: roll it back and begin again. */
async function startAnew(tx: Tx): Promise<never> {
  await sql`
    do $$ begin
      raise exception 'a submission with this id was stored meanwhile' using errcode = 'serialization_failure';
    end $$
  `.execute(tx.sql)
  throw new Error('the statement before this one raises')
}

function minimumTimeLeft(openedAt: Date | undefined, minimumTimeMs: number, now: Date): number {
  return openedAt === undefined ? 0 : Math.max(0, openedAt.getTime() + minimumTimeMs - now.getTime())
}

/** The answers without the honeypot's, and whether it was filled in: people leave empty what they do not see. */
function withoutHoneypot(
  answers: unknown,
  honeypot: string | null,
): { readonly answers: unknown; readonly trapped: boolean } {
  if (honeypot === null || typeof answers !== 'object' || answers === null || Array.isArray(answers)) {
    return { answers, trapped: false }
  }
  const { [honeypot]: trap, ...rest } = answers as Record<string, unknown>
  return { answers: rest, trapped: trap !== undefined && trap !== null && trap !== '' }
}
