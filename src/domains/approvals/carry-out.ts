import type { Tx } from '../../platform/db/transaction.ts'
import type { EndedRun } from '../runs/service.ts'
import type { ApprovalStatus } from './model.ts'
import { CHANGED, lockRow, move, reviewAgain } from './rows.ts'

/** What the loop does with a decision: carries it out or learns why not. The caller holds the run's lock. */

/** What the loop finds when it comes back to an act that asked. */
export interface Verdict {
  readonly approvalId: string
  readonly status: ApprovalStatus
  /** The arguments to act with: the approver's, where there are any. */
  readonly input: unknown
  readonly edited: boolean
  readonly decisionReason: string | null
}

/**
 * Looks at a decision in the transaction that carries it out, under lock (the caller holds the run's). An approved act
 * whose shown values have changed since becomes STALE here and is not carried out.
 */
export async function redeemApproval(tx: Tx, approvalId: string): Promise<Verdict> {
  const approval = await lockRow(tx, approvalId)
  let { status } = approval
  if (status === 'APPROVED' && (await reviewAgain(tx, approval)) === undefined) {
    await move(tx, approval, 'STALE', { error: CHANGED })
    status = 'STALE'
  }
  return {
    approvalId,
    status,
    input: approval.editedInput ?? approval.input,
    edited: approval.editedInput !== null,
    decisionReason: approval.decisionReason,
  }
}

/** Records what became of an approved act, in the transaction that knows it. */
export async function settleApproval(
  tx: Tx,
  approvalId: string,
  outcome: { readonly status: 'EXECUTED' } | { readonly status: 'FAILED'; readonly error: string },
): Promise<void> {
  const approval = await lockRow(tx, approvalId)
  // It was settled by whoever took the run over in between.
  if (approval.status !== 'APPROVED') return
  await move(tx, approval, outcome.status, outcome.status === 'FAILED' ? { error: outcome.error.slice(0, 1_000) } : {})
}

/** A run that ended otherwise than well leaves nothing to decide: what is PENDING expires, what is APPROVED is not done. */
export async function closeApprovalsOf(tx: Tx, run: EndedRun): Promise<void> {
  if (run.end.status === 'SUCCEEDED') return
  const open = await tx.sql
    .selectFrom('approval')
    .select('id')
    .where('runId', '=', run.id)
    .where('status', 'in', ['PENDING', 'APPROVED'])
    .orderBy('id')
    .execute()
  for (const { id } of open) {
    const approval = await lockRow(tx, id)
    if (approval.status === 'PENDING') await move(tx, approval, 'EXPIRED', {})
    else if (approval.status === 'APPROVED') await move(tx, approval, 'FAILED', { error: run.end.text })
  }
}
