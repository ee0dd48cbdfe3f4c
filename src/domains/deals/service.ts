import type { Selectable } from 'kysely'
import { requirePermission } from '../../platform/auth/permissions.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { type AppError, conflict, invalidInput, notFound } from '../../platform/lib/errors.ts'
import { fold } from '../../platform/lib/fold.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { type MoneyValue, moneyOf, moneyText } from '../../platform/lib/money.ts'
import { assertOwner, ownerColumns, ownerText, ownerTextOf } from '../contacts/service.ts'
import { dealEvents } from './events.ts'
import {
  amountColumns,
  amountData,
  type CreateDealInput,
  type GivenAmount,
  type MoveDealInput,
  type ReopenDealInput,
  refusalOfMove,
  type StageKind,
  type UpdateDealInput,
} from './model.ts'

export { type OpenDealInput, type OpenedDeal, openDealForSubmission } from './open-deal.ts'
export { createPipeline } from './pipelines.ts'

type DealRow = Selectable<Tables['deal']>

interface Stage {
  readonly id: string
  readonly pipelineId: string
  readonly kind: StageKind
}

/**
 * Opens a deal. Needs DEALS_WRITE. It begins in an OPEN stage; without a currency the amount is in the workspace's, and
 * without a contact it is with whoever sent the submission it comes of. NOT_FOUND for stage, submission, contact and owner;
 * CONFLICT when the `id` is taken, and for a submission that has its deal.
 */
export async function createDeal(tx: Tx, input: CreateDealInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'DEALS_WRITE')
  const stage = await getStage(tx, input.stage)
  if (stage.kind !== 'OPEN') {
    throw invalidInput([{ path: ['stage'], code: 'NOT_ALLOWED', message: 'A deal begins in a stage that is OPEN.' }])
  }
  const sender = input.submission == null ? null : await senderOf(tx, input.submission)
  await assertContact(tx, input.contact)
  await assertOwner(tx, input.owner)
  const amount = await valued(tx, input.amount ?? null)
  const id = input.id ?? newId()
  await tx.sql
    .insertInto('deal')
    .values({
      workspaceId: tx.workspaceId,
      id,
      name: input.name,
      nameFolded: fold(input.name),
      ...amountColumns(amount),
      stageId: stage.id,
      contactId: input.contact === undefined ? sender : input.contact,
      submissionId: input.submission ?? null,
      ...ownerColumns(input.owner),
      expectedCloseOn: input.expectedCloseOn ?? null,
      nextStep: input.nextStep ?? null,
      stageChangedAt: tx.now,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  appendEvents(tx, [
    {
      type: dealEvents.created.type,
      subject: { kind: 'deal', id },
      subjectVersion: 1,
      data: {
        stageId: stage.id,
        ...(input.submission == null ? {} : { submissionId: input.submission }),
        ...amountData(amount),
      },
    },
  ])
  return { id }
}

/**
 * Changes what is given; null clears. Needs DEALS_WRITE. CONFLICT for a stale `ifVersion`; INVALID_INPUT for taking the
 * amount from a deal that is won; NOT_FOUND for the deal, contact and owner.
 */
export async function updateDeal(tx: Tx, input: UpdateDealInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'DEALS_WRITE')
  const { id, name, owner, contact, expectedCloseOn, nextStep } = input
  const deal = await lockDeal(tx, input)
  if (input.amount === null && (await getStage(tx, deal.stageId)).kind === 'WON') {
    throw invalidInput([{ path: ['amount'], code: 'REQUIRED', message: 'A deal that is won keeps an amount.' }])
  }
  await assertContact(tx, contact)
  await assertOwner(tx, owner)
  const amount = input.amount === undefined ? undefined : await valued(tx, input.amount, deal.currency ?? undefined)
  const changes = [
    ...changesBetween(
      { ...deal, expectedCloseOn: dayText(deal.expectedCloseOn) },
      { name, expectedCloseOn: dayText(expectedCloseOn), nextStep },
    ),
    ...(amount === undefined
      ? []
      : changesBetween({ amount: amountText(amountOf(deal)) }, { amount: amountText(amount) })),
    ...(contact === undefined
      ? []
      : changesBetween({ contact: idText('contact', deal.contactId) }, { contact: idText('contact', contact) })),
    ...(owner === undefined ? [] : changesBetween({ owner: ownerText(deal) }, { owner: ownerTextOf(owner) })),
  ]
  if (changes.length === 0) return { id }
  const version = deal.version + 1
  await tx.sql
    .updateTable('deal')
    .set({
      ...(name === undefined ? {} : { name, nameFolded: fold(name) }),
      ...(amount === undefined ? {} : amountColumns(amount)),
      ...(contact === undefined ? {} : { contactId: contact }),
      ...(owner === undefined ? {} : ownerColumns(owner)),
      ...(expectedCloseOn === undefined ? {} : { expectedCloseOn }),
      ...(nextStep === undefined ? {} : { nextStep }),
      version,
      updatedAt: tx.now,
    })
    .where('id', '=', id)
    .execute()
  appendEvents(tx, [{ type: dealEvents.updated.type, subject: { kind: 'deal', id }, subjectVersion: version, changes }])
  return { id }
}

/**
 * Moves a deal to another stage of its pipeline. Needs DEALS_WRITE. Winning needs an amount, losing a reason. CONFLICT for
 * a stale `ifVersion`, a closed deal (reopen it) and a win without an amount; INVALID_INPUT for a missing reason and a
 * stage of another pipeline. Moving to where it stands changes nothing.
 */
export async function moveDeal(tx: Tx, input: MoveDealInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'DEALS_WRITE')
  const deal = await lockDeal(tx, input)
  if (input.stage === deal.stageId) return { id: deal.id }
  const [from, to] = await getStages(tx, deal.stageId, input.stage)
  const lostReason = input.lostReason ?? undefined
  const refusal = refusalOfMove({ from, to, hasAmount: deal.amountMicros !== null, lostReason })
  if (refusal !== undefined) throw moveError(refusal, deal.id)
  const data = { from: from.id, to: to.id, ...amountData(amountOf(deal)) }
  await changeStage(tx, deal, to.id, { closedAt: to.kind === 'OPEN' ? null : tx.now, lostReason: lostReason ?? null }, [
    ...(to.kind === 'WON' ? [{ type: dealEvents.won.type, data }] : []),
    ...(to.kind === 'LOST' ? [{ type: dealEvents.lost.type, data }] : []),
  ])
  return { id: deal.id }
}

/**
 * Opens a deal again that was won or lost, in the stage given or the first OPEN one of its pipeline. Needs DEALS_WRITE.
 * CONFLICT for a stale `ifVersion` and for a deal that is open; INVALID_INPUT for a stage that is not OPEN or of another
 * pipeline.
 */
export async function reopenDeal(tx: Tx, input: ReopenDealInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'DEALS_WRITE')
  const deal = await lockDeal(tx, input)
  const from = await getStage(tx, deal.stageId)
  if (from.kind === 'OPEN') {
    throw conflict('ILLEGAL_TRANSITION', 'This deal is open.', { kind: 'deal', id: deal.id })
  }
  const to = input.stage == null ? await firstOpenStage(tx, from.pipelineId) : await getStage(tx, input.stage)
  if (to.kind !== 'OPEN' || to.pipelineId !== from.pipelineId) {
    throw invalidInput([
      { path: ['stage'], code: 'NOT_ALLOWED', message: 'A deal is reopened in an OPEN stage of its pipeline.' },
    ])
  }
  const data = { from: from.id, to: to.id }
  await changeStage(tx, deal, to.id, { closedAt: null, lostReason: null }, [{ type: dealEvents.reopened.type, data }])
  return { id: deal.id }
}

/** Every change of stage is told as one, and what it means (won, lost, reopened) after it. */
async function changeStage(
  tx: Tx,
  deal: DealRow,
  to: string,
  patch: { readonly closedAt: Date | null; readonly lostReason: string | null },
  meaning: readonly { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[],
): Promise<void> {
  const version = deal.version + 1
  await tx.sql
    .updateTable('deal')
    .set({ ...patch, stageId: to, stageChangedAt: tx.now, version, updatedAt: tx.now })
    .where('id', '=', deal.id)
    .execute()
  const changes = changesBetween(
    { stage: encodeId('stage', deal.stageId), lostReason: deal.lostReason },
    { stage: encodeId('stage', to), lostReason: patch.lostReason },
  )
  const event = { subject: { kind: 'deal', id: deal.id }, subjectVersion: version, changes }
  appendEvents(tx, [
    { ...event, type: dealEvents.stageChanged.type, data: { from: deal.stageId, to } },
    ...meaning.map((each) => ({ ...event, ...each })),
  ])
}

function moveError(refusal: NonNullable<ReturnType<typeof refusalOfMove>>, id: string): AppError {
  const current = { kind: 'deal', id }
  switch (refusal) {
    case 'CLOSED':
      return conflict('CLOSED', 'This deal is closed. Reopen it first.', current)
    case 'NEEDS_AMOUNT':
      return conflict('ILLEGAL_TRANSITION', 'A deal is won with an amount. Give it one first.', current)
    case 'OTHER_PIPELINE':
      return invalidInput([
        { path: ['stage'], code: 'NOT_ALLOWED', message: 'This stage belongs to another pipeline.' },
      ])
    case 'NEEDS_REASON':
      return invalidInput([{ path: ['lostReason'], code: 'REQUIRED', message: 'Say why the deal is lost.' }])
    case 'REASON_WITHOUT_LOSS':
      return invalidInput([
        { path: ['lostReason'], code: 'NOT_ALLOWED', message: 'Only a deal that is lost has a reason for it.' },
      ])
  }
}

interface Versioned {
  readonly id: string
  readonly ifVersion?: number | null | undefined
}

async function lockDeal(tx: Tx, { id, ifVersion }: Versioned): Promise<DealRow> {
  const deal = await tx.sql.selectFrom('deal').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
  if (deal === undefined) throw notFound('Deal', encodeId('deal', id))
  if (ifVersion != null && ifVersion !== deal.version) {
    throw conflict('STALE_VERSION', `This deal has changed: it is at version ${deal.version}.`, { kind: 'deal', id })
  }
  return deal
}

async function getStages(tx: Tx, from: string, to: string): Promise<[Stage, Stage]> {
  const rows = await selectStages(tx).where('id', 'in', [from, to]).execute()
  const stageOf = (id: string): Stage => {
    const row = rows.find((each) => each.id === id)
    if (row === undefined) throw notFound('Stage', encodeId('stage', id))
    return row as Stage
  }
  return [stageOf(from), stageOf(to)]
}

async function getStage(tx: Tx, id: string): Promise<Stage> {
  const row = await selectStages(tx).where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw notFound('Stage', encodeId('stage', id))
  return row as Stage
}

async function firstOpenStage(tx: Tx, pipelineId: string): Promise<Stage> {
  const row = await selectStages(tx)
    .where('pipelineId', '=', pipelineId)
    .where('kind', '=', 'OPEN')
    .orderBy('position')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) throw conflict('ILLEGAL_TRANSITION', 'The pipeline of this deal has no OPEN stage.')
  return row as Stage
}

const selectStages = (tx: Tx) => tx.sql.selectFrom('stage').select(['id', 'pipelineId', 'kind'])

/** The contact of a submission that has no deal yet. */
async function senderOf(tx: Tx, submissionId: string): Promise<string | null> {
  const found = await tx.sql
    .selectFrom('submission')
    .leftJoin('deal', 'deal.submissionId', 'submission.id')
    .select(['submission.contactId', 'deal.id as dealId'])
    .where('submission.id', '=', submissionId)
    .executeTakeFirst()
  if (found === undefined) throw notFound('Submission', encodeId('submission', submissionId))
  if (found.dealId === null) return found.contactId
  throw conflict('DUPLICATE', 'This submission has its deal already.', { kind: 'deal', id: found.dealId })
}

async function assertContact(tx: Tx, id: string | null | undefined): Promise<void> {
  if (id === null || id === undefined) return
  const contact = await tx.sql.selectFrom('contact').select('id').where('id', '=', id).executeTakeFirst()
  if (contact === undefined) throw notFound('Contact', encodeId('contact', id))
}

/** An amount without a currency is in the one it had, else in the workspace's. */
async function valued(tx: Tx, given: GivenAmount | null, had?: string): Promise<MoneyValue | null> {
  if (given === null) return null
  const currency = given.currency ?? had
  if (currency !== undefined) return { micros: given.micros, currency }
  const workspace = await tx.sql.selectFrom('workspace').select('currency').executeTakeFirstOrThrow()
  return { micros: given.micros, currency: workspace.currency }
}

const dayText = (day: Date | null | undefined) => (day instanceof Date ? day.toISOString().slice(0, 10) : day)

const amountOf = (deal: DealRow) => moneyOf(deal.amountMicros, deal.currency)

const amountText = (amount: MoneyValue | null): string | null => (amount === null ? null : moneyText(amount))

const idText = (kind: string, id: string | null): string | null => (id === null ? null : encodeId(kind, id))
