/*
 * Asking, deciding, expiring. Everything here locks the run's row first and the approval's second, as the loop does.
 * The decision and the enqueueing of the run's next segment commit together.
 */

import { sql } from 'kysely'
import { requirePermission } from '../../platform/auth/permissions.ts'
import { storedActor } from '../../platform/auth/viewer.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Database } from '../../platform/db/database.ts'
import { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { dealWithDue } from '../../platform/durable/due-items.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { AppError, conflict, invalidInput, isAppError, notFound } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import type { Logger } from '../../platform/observability/logger.ts'
import type { Risk } from '../../platform/tools/tool.ts'
import { lockFreeRun, lockRun, resumeRun } from '../runs/service.ts'
import { readSettings } from '../settings/service.ts'
import type { DecideApprovalInput } from './model.ts'
import { type Review, review, shownHash } from './review.ts'
import { CHANGED, expire, type LockedApproval, lockRow, move, reviewAgain } from './rows.ts'

export { closeApprovalsOf, redeemApproval, settleApproval, type Verdict } from './carry-out.ts'
export { canonical, connectActReview, type Review, type ReviewAct } from './review.ts'

export interface ApprovalRequest {
  readonly runId: string
  readonly employeeId: string
  readonly turn: number
  readonly callIndex: number
  readonly tool: string
  readonly risk: Risk
  readonly review: Review
  /** Why a person is asked: the rule, and the employee's own words. */
  readonly reason: string
}

/** Whom runs wait for: the workspace's first owner. */
async function findApprover(tx: Tx): Promise<string | null> {
  const member = await tx.sql
    .selectFrom('member')
    .select('id')
    .where('role', '=', 'OWNER')
    .where('removedAt', 'is', null)
    .orderBy('createdAt')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return member?.id ?? null
}

/**
 * Asks. The caller holds the run's fence, writes the step that waits with the id that comes back, and parks the run in the
 * same transaction, for the member that is named.
 */
export async function requestApproval(
  tx: Tx,
  request: ApprovalRequest,
): Promise<{ readonly approvalId: string; readonly memberId: string | null }> {
  const approvalId = newId()
  const memberId = await findApprover(tx)
  const { approvalExpiry: expiresAfterMs } = await readSettings(tx)
  await tx.sql
    .insertInto('approval')
    .values({
      workspaceId: tx.workspaceId,
      id: approvalId,
      runId: request.runId,
      employeeId: request.employeeId,
      memberId,
      turn: request.turn,
      callIndex: request.callIndex,
      tool: request.tool,
      title: request.review.title,
      input: json(request.review.input),
      changes: json(request.review.changes),
      shownHash: shownHash(request.tool, request.review),
      reason: request.reason,
      risk: request.risk,
      requestedAt: tx.now,
      // By the clock that decides: the database's.
      expiresAt: sql<Date>`clock_timestamp() + ${expiresAfterMs} * interval '1 millisecond'`,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  appendEvents(tx, [
    {
      type: 'approval.requested',
      subject: { kind: 'approval', id: approvalId },
      subjectVersion: 1,
      runId: request.runId,
      data: { tool: request.tool, risk: request.risk },
    },
  ])
  tx.foretold?.approval({ tool: request.tool, title: request.review.title, risk: request.risk })
  return { approvalId, memberId }
}

/** What came of a decision. EXPIRED and STALE: it came too late, nothing will be done, and the run goes on knowing it. */
export interface Decided {
  readonly approvalId: string
  readonly status: 'APPROVED' | 'REJECTED' | 'EXPIRED' | 'STALE'
}

/**
 * Decides, by the database's clock and under lock. Approving binds to what was shown: when arguments, title or shown values
 * are different by now, the approval becomes STALE instead. Edited arguments are checked by the tool and what they would do
 * becomes what was shown. Needs APPROVALS_DECIDE; an employee never decides. CONFLICT (CLOSED) when it was decided before,
 * CONFLICT (STALE_VERSION) against `ifVersion`, INVALID_INPUT for arguments the tool refuses.
 */
export async function decideApproval(tx: Tx, input: DecideApprovalInput): Promise<Decided> {
  if (tx.viewer.kind === 'employee') {
    throw new AppError('FORBIDDEN', 'An employee does not decide approvals.', { needs: 'APPROVALS_DECIDE' })
  }
  requirePermission(tx.viewer, 'APPROVALS_DECIDE')
  if (input.editedInput != null && input.decision === 'REJECT') {
    throw invalidInput([
      { path: ['editedInput'], code: 'NOT_ALLOWED', message: 'Arguments can be edited only when approving.' },
    ])
  }
  const { approval, run } = await lockApproval(tx, input.id)
  const ref = { kind: 'approval', id: approval.id }
  if (approval.status !== 'PENDING') {
    throw conflict('CLOSED', `This approval is ${approval.status.toLowerCase()} already.`, ref)
  }
  if (input.ifVersion != null && input.ifVersion !== approval.version) {
    throw conflict('STALE_VERSION', 'This approval has changed since you read it.', ref)
  }
  if (approval.isExpired) {
    await expire(tx, approval)
    await resumeWhenSettled(tx, run)
    return { approvalId: approval.id, status: approval.onExpiry === 'APPROVE' ? 'APPROVED' : 'EXPIRED' }
  }
  const decided = {
    decidedBy: json(storedActor(tx.viewer)),
    decidedAt: tx.now,
    decisionReason: input.reason ?? null,
  }
  if (input.decision === 'REJECT') {
    await move(tx, approval, 'REJECTED', decided)
    await resumeWhenSettled(tx, run)
    return { approvalId: approval.id, status: 'REJECTED' }
  }
  const original = await reviewAgain(tx, approval)
  if (original === undefined) {
    await move(tx, approval, 'STALE', { error: CHANGED })
    await resumeWhenSettled(tx, run)
    return { approvalId: approval.id, status: 'STALE' }
  }
  const edited = input.editedInput == null ? undefined : await reviewEdited(tx, approval, input.editedInput)
  await move(tx, approval, 'APPROVED', {
    ...decided,
    ...(edited === undefined
      ? {}
      : {
          editedInput: json(edited.input),
          title: edited.title,
          changes: json(edited.changes),
          shownHash: shownHash(approval.tool, edited),
        }),
  })
  await resumeWhenSettled(tx, run)
  return { approvalId: approval.id, status: 'APPROVED' }
}

/** Names the edited arguments' faults under `editedInput`, where the caller wrote them. */
async function reviewEdited(tx: Tx, approval: LockedApproval, editedInput: unknown): Promise<Review> {
  try {
    return await review(tx, { ...approval, input: editedInput, edited: true })
  } catch (err) {
    if (!isAppError(err) || err.code === 'UNAVAILABLE') throw err
    const issues = err.details.issues ?? [{ path: [], code: 'NOT_ALLOWED' as const, message: err.message }]
    throw invalidInput(issues.map((issue) => ({ ...issue, path: ['editedInput', ...issue.path] })))
  }
}

async function findRunOf(tx: Tx, approvalId: string): Promise<string> {
  const found = await tx.sql.selectFrom('approval').select('runId').where('id', '=', approvalId).executeTakeFirst()
  if (found === undefined) throw notFound('Approval', encodeId('approval', approvalId))
  return found.runId
}

async function lockApproval(tx: Tx, approvalId: string) {
  const run = await lockRun(tx, await findRunOf(tx, approvalId))
  return { run, approval: await lockRow(tx, approvalId) }
}

/** The run goes on when nothing it asked is open any more. Its row is locked, so two last decisions do not miss each other. */
async function resumeWhenSettled(tx: Tx, run: Awaited<ReturnType<typeof lockRun>>): Promise<void> {
  if (run.status !== 'WAITING' || run.waitingKind !== 'APPROVAL') return
  const open = await tx.sql
    .selectFrom('approval')
    .select('id')
    .where('runId', '=', run.id)
    .where('status', '=', 'PENDING')
    .limit(1)
    .execute()
  if (open.length === 0) await resumeRun(tx, run)
}

/** Due at once at most per pass. */
const BATCH = 50

/**
 * One pass over approvals nobody decided in time; returns how many it closed. Any number of processes may sweep; an approval
 * whose run somebody has locked is left for the next pass.
 */
export function sweepApprovals(db: Database, contextOf: (workspaceId: string) => Ctx, log: Logger): Promise<number> {
  return dealWithDue({
    log,
    find: (seen) =>
      db.systemSql
        .selectFrom('approval')
        .select(['workspaceId', 'id'])
        .where('status', '=', 'PENDING')
        .where('expiresAt', '<=', sql<Date>`now()`)
        .$if(seen.length > 0, (query) => query.where('id', 'not in', seen))
        .orderBy('expiresAt')
        .limit(BATCH)
        .execute(),
    deal: ({ workspaceId, id }) =>
      db.inTransaction(contextOf(workspaceId), async (tx) => {
        const run = await lockFreeRun(tx, await findRunOf(tx, id))
        if (run === undefined) return false
        const approval = await lockRow(tx, id)
        if (approval.status !== 'PENDING' || !approval.isExpired) return false
        await expire(tx, approval)
        await resumeWhenSettled(tx, run)
        return true
      }),
  })
}
