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
import { appendEvents } from '../../platform/events/append.ts'
import { AppError, conflict, invalidInput, isAppError, notFound } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import type { Risk } from '../../platform/tools/tool.ts'
import { type EndedRun, lockRun, resumeRun } from '../runs/service.ts'
import {
  APPROVAL_EXPIRES_AFTER_MS,
  type ApprovalStatus,
  canApprovalGo,
  type DecideApprovalInput,
  type ExpiryAction,
} from './model.ts'
import { type Review, review, shownHash } from './review.ts'

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
      expiresAt: sql<Date>`clock_timestamp() + ${APPROVAL_EXPIRES_AFTER_MS} * interval '1 millisecond'`,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  await appendEvents(tx, [
    {
      type: 'approval.requested',
      subject: { kind: 'approval', id: approvalId },
      subjectVersion: 1,
      runId: request.runId,
      data: { tool: request.tool, risk: request.risk },
    },
  ])
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

const CHANGED = 'What the approver was shown has changed since.'

/** Names the edited arguments' faults under `editedInput`, where the caller wrote them. */
async function reviewEdited(tx: Tx, approval: LockedApproval, editedInput: unknown): Promise<Review> {
  try {
    return await review(tx, { ...approval, input: editedInput })
  } catch (err) {
    if (!isAppError(err) || err.code === 'UNAVAILABLE') throw err
    const issues = err.details.issues ?? [{ path: [], code: 'NOT_ALLOWED' as const, message: err.message }]
    throw invalidInput(issues.map((issue) => ({ ...issue, path: ['editedInput', ...issue.path] })))
  }
}

/** The act as it would be now, if that is still what was shown; undefined when it is not, or has become impossible. */
async function reviewAgain(tx: Tx, approval: LockedApproval): Promise<Review | undefined> {
  try {
    const now = await review(tx, { ...approval, input: approval.editedInput ?? approval.input })
    return shownHash(approval.tool, now) === approval.shownHash ? now : undefined
  } catch (err) {
    if (isAppError(err) && err.code !== 'UNAVAILABLE') return undefined
    throw err
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

async function lockRow(tx: Tx, approvalId: string) {
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

type LockedApproval = Awaited<ReturnType<typeof lockRow>>

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

async function move(tx: Tx, approval: LockedApproval, to: ApprovalStatus, columns: Move): Promise<void> {
  if (!canApprovalGo(approval.status, to)) throw new Error(`an approval does not go from ${approval.status} to ${to}`)
  await tx.sql
    .updateTable('approval')
    .set({ ...columns, status: to, version: approval.version + 1, updatedAt: tx.now })
    .where('id', '=', approval.id)
    .execute()
  await appendEvents(tx, [
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

async function expire(tx: Tx, approval: LockedApproval): Promise<void> {
  if (approval.onExpiry === 'APPROVE') await move(tx, approval, 'APPROVED', { decidedAt: tx.now })
  else await move(tx, approval, 'EXPIRED', {})
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

/** Due at once at most per pass. */
const BATCH = 50

/** One pass over approvals nobody decided in time; returns how many it closed. Any number of processes may sweep. */
export async function sweepApprovals(db: Database, contextOf: (workspaceId: string) => Ctx): Promise<number> {
  const due = await db.systemSql
    .selectFrom('approval')
    .select(['workspaceId', 'id'])
    .where('status', '=', 'PENDING')
    .where('expiresAt', '<=', sql<Date>`now()`)
    .orderBy('expiresAt')
    .limit(BATCH)
    .execute()
  let closed = 0
  for (const { workspaceId, id } of due) {
    closed += await db.inTransaction(contextOf(workspaceId), async (tx) => {
      const { approval, run } = await lockApproval(tx, id)
      if (approval.status !== 'PENDING' || !approval.isExpired) return 0
      await expire(tx, approval)
      await resumeWhenSettled(tx, run)
      return 1
    })
  }
  return closed
}
