import { sql } from 'kysely'
import type { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { isAppError, notFound } from '../../platform/lib/errors.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { type ApprovalStatus, canApprovalGo, type ExpiryAction } from './model.ts'
import { type Review, review, shownHash } from './review.ts'

/** An approval's row: locking it, moving it on, and holding it against the world as it is now. */

export async function lockRow(tx: Tx, approvalId: string) {
  const approval = await tx.sql
    .selectFrom('approval')
    .select([
      'id',
      'runId',
      'employeeId',
      'tool',
      'input',
      'editedInput',
      'shownHash',
      'status',
      'onExpiry',
      'version',
      'decisionReason',
      sql<boolean>`expires_at <= clock_timestamp()`.as('isExpired'),
    ])
    .where('id', '=', approvalId)
    .forUpdate()
    .executeTakeFirst()
  if (approval === undefined) throw notFound('Approval', encodeId('approval', approvalId))
  return { ...approval, status: approval.status as ApprovalStatus, onExpiry: approval.onExpiry as ExpiryAction }
}

export type LockedApproval = Awaited<ReturnType<typeof lockRow>>

interface Move {
  readonly decidedBy?: ReturnType<typeof json>
  readonly decidedAt?: Date
  readonly decisionReason?: string | null
  readonly error?: string
  readonly editedInput?: ReturnType<typeof json>
  readonly title?: string
  readonly changes?: ReturnType<typeof json>
  readonly shownHash?: string
}

export async function move(tx: Tx, approval: LockedApproval, to: ApprovalStatus, columns: Move): Promise<void> {
  if (!canApprovalGo(approval.status, to)) throw new Error(`an approval does not go from ${approval.status} to ${to}`)
  await tx.sql
    .updateTable('approval')
    .set({ ...columns, status: to, version: approval.version + 1, updatedAt: tx.now })
    .where('id', '=', approval.id)
    .execute()
  appendEvents(tx, [
    {
      type: `approval.${to.toLowerCase()}`,
      subject: { kind: 'approval', id: approval.id },
      subjectVersion: approval.version + 1,
      runId: approval.runId,
      changes: [{ field: 'status', from: approval.status, to }],
      data: { tool: approval.tool, ...(columns.editedInput === undefined ? {} : { edited: true }) },
    },
  ])
}

export async function expire(tx: Tx, approval: LockedApproval): Promise<void> {
  if (approval.onExpiry === 'APPROVE') await move(tx, approval, 'APPROVED', { decidedAt: tx.now })
  else await move(tx, approval, 'EXPIRED', {})
}

/** The act as it would be now, if that is still what was shown; undefined when it is not, or has become impossible. */
export async function reviewAgain(tx: Tx, approval: LockedApproval): Promise<Review | undefined> {
  try {
    const now = await review(tx, { ...approval, input: approval.editedInput ?? approval.input })
    return shownHash(approval.tool, now) === approval.shownHash ? now : undefined
  } catch (err) {
    if (isAppError(err) && err.code !== 'UNAVAILABLE') return undefined
    throw err
  }
}

export const CHANGED = 'What the approver was shown has changed since.'
