import { requirePermission } from '../../platform/auth/permissions.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { conflict, invalidInput, notFound } from '../../platform/lib/errors.ts'
import { fold } from '../../platform/lib/fold.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import type { OwnerId } from '../contacts/model.ts'
import { ownerColumns } from '../contacts/service.ts'
import { dealEvents } from './events.ts'
import { amountColumns, amountData, type GivenAmount } from './model.ts'

export interface OpenDealInput {
  /** Row id of the submission it comes of. */
  readonly submissionId: string
  /** 2 to 255 characters. */
  readonly name: string
  readonly amount: GivenAmount | undefined
  /** The submission's contact unless told. */
  readonly contactId: string | undefined
  /** An OPEN stage; the first one of the form's pipeline unless told. */
  readonly stageId: string | undefined
  readonly owner: OwnerId | undefined
}

export interface OpenedDeal {
  readonly id: string
  readonly stageId: string
  readonly stageName: string
  /** False when the submission had its deal already: nothing was written then. */
  readonly created: boolean
}

/**
 * Opens the deal of a submission. There is one at most: however often and from wherever it is called, the first deal
 * stays and is given back. Needs DEALS_WRITE. Three statements. NOT_FOUND for the submission and the contact;
 * INVALID_INPUT for a stage that is not OPEN or of another pipeline than the form's, or none where the form has no pipeline.
 */
export async function openDealForSubmission(tx: Tx, input: OpenDealInput): Promise<OpenedDeal> {
  requirePermission(tx.viewer, 'DEALS_WRITE')
  const found = await look(tx, input)
  if (found.dealId !== null && found.dealStageId !== null) {
    return { id: found.dealId, stageId: found.dealStageId, stageName: found.dealStageName ?? '', created: false }
  }
  if (input.contactId !== undefined && found.contactId === null) {
    throw notFound('Contact', encodeId('contact', input.contactId))
  }
  const { stageId, stageName } = found
  if (stageId === null || stageName === null) throw stageError(input, found.pipelineId)
  const id = newId()
  const amount =
    input.amount === undefined
      ? null
      : { micros: input.amount.micros, currency: input.amount.currency ?? found.workspaceCurrency }
  const inserted = await tx.sql
    .insertInto('deal')
    .values({
      workspaceId: tx.workspaceId,
      id,
      name: input.name,
      nameFolded: fold(input.name),
      ...amountColumns(amount),
      stageId,
      contactId: found.contactId,
      submissionId: input.submissionId,
      ...ownerColumns(input.owner),
      stageChangedAt: tx.now,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .onConflict((onConflict) => onConflict.columns(['workspaceId', 'submissionId']).doNothing())
    .returning('id')
    .executeTakeFirst()
  // Another transaction opened it between the look and the insert, which waited for it to end.
  if (inserted === undefined) return await openDealForSubmission(tx, input)
  appendEvents(tx, [
    {
      type: dealEvents.created.type,
      subject: { kind: 'deal', id },
      subjectVersion: 1,
      data: { stageId, submissionId: input.submissionId, ...amountData(amount) },
    },
  ])
  return { id, stageId, stageName, created: true }
}

/** All that opening rests on, in one statement: the submission, its deal if it has one, stage, contact and currency. */
async function look(tx: Tx, { submissionId, contactId, stageId }: OpenDealInput) {
  const found = await tx.sql
    .selectFrom('submission')
    .innerJoin('form', 'form.id', 'submission.formId')
    .innerJoin('workspace', 'workspace.id', 'submission.workspaceId')
    .leftJoin('deal', 'deal.submissionId', 'submission.id')
    .leftJoin('stage as dealStage', 'dealStage.id', 'deal.stageId')
    .leftJoin('contact', (join) =>
      contactId === undefined
        ? join.onRef('contact.id', '=', 'submission.contactId')
        : join.on('contact.id', '=', contactId),
    )
    .leftJoinLateral(
      (eb) => {
        const open = eb
          .selectFrom('stage')
          .select(['stage.id as stageId', 'stage.name as stageName'])
          .where('stage.kind', '=', 'OPEN')
          .orderBy('stage.position')
          .limit(1)
        return (
          stageId === undefined
            ? open.whereRef('stage.pipelineId', '=', 'form.pipelineId')
            : open
                .where('stage.id', '=', stageId)
                .where((or) =>
                  or.or([or('form.pipelineId', 'is', null), or('stage.pipelineId', '=', or.ref('form.pipelineId'))]),
                )
        ).as('chosen')
      },
      (join) => join.onTrue(),
    )
    .where('submission.id', '=', submissionId)
    .select([
      'form.pipelineId',
      'workspace.currency as workspaceCurrency',
      'deal.id as dealId',
      'deal.stageId as dealStageId',
      'dealStage.name as dealStageName',
      'contact.id as contactId',
      'chosen.stageId',
      'chosen.stageName',
    ])
    .executeTakeFirst()
  if (found === undefined) throw notFound('Submission', encodeId('submission', submissionId))
  return found
}

function stageError(input: OpenDealInput, pipelineId: string | null) {
  if (input.stageId !== undefined) {
    return invalidInput([
      { path: ['stage'], code: 'NOT_ALLOWED', message: "A deal begins in an OPEN stage of its form's pipeline." },
    ])
  }
  return pipelineId === null
    ? invalidInput([{ path: ['stage'], code: 'REQUIRED', message: 'The form has no pipeline, so name a stage.' }])
    : conflict('ILLEGAL_TRANSITION', "The form's pipeline has no OPEN stage.")
}
