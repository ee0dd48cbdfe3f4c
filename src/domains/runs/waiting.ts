import { sql } from 'kysely'
import { requirePermission } from '../../platform/auth/permissions.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { enqueueSegment } from '../../platform/durable/enqueue.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { foretellEffect } from '../../platform/foretold.ts'
import { conflict, notFound } from '../../platform/lib/errors.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { announceEnd } from './ending.ts'
import { interruptLiveRun } from './live-runs.ts'
import { isTerminal, type RunEnd, type RunPriority, type RunStatus } from './model.ts'

/*
 * What happens to a run from outside its loop: a wait ends, somebody cancels it, its deadline passes. Each locks the run's
 * row first; whoever also locks an approval does so afterwards, as the loop does, so that none waits for the other.
 */

/** The run's row, locked. NOT_FOUND in the caller's words. */
export async function lockRun(tx: Tx, runId: string) {
  const run = await selectRun(tx, runId).forUpdate().executeTakeFirst()
  if (run === undefined) throw notFound('Run', encodeId('run', runId))
  return run
}

/** The run's row, locked; undefined when somebody else has it locked (or it is not there). For sweeps, which come again. */
export const lockFreeRun = (tx: Tx, runId: string): Promise<LockedRun | undefined> =>
  selectRun(tx, runId).forUpdate().skipLocked().executeTakeFirst()

const selectRun = (tx: Tx, runId: string) =>
  tx.sql
    .selectFrom('run')
    .select([
      'id',
      'status',
      'segment',
      'priority',
      'employeeId',
      'submissionId',
      'dealId',
      'waitingKind',
      'cancelRequestedAt',
      // By the database's clock, as the sweeps look for them.
      sql<boolean>`coalesce(wake_at <= clock_timestamp(), false)`.as('isAwake'),
      sql<boolean>`coalesce(deadline <= clock_timestamp(), false)`.as('isPastDeadline'),
    ])
    .where('id', '=', runId)

type LockedRun = Awaited<ReturnType<typeof lockRun>>

/**
 * Ends a run's wait: it is QUEUED again and its next segment enqueued, in this transaction. `run` is its locked row. A run
 * that does not wait (any more) is left as it is: whatever it was to learn, it reads from its journal and approvals.
 */
export async function resumeRun(tx: Tx, run: LockedRun): Promise<{ readonly resumed: boolean }> {
  if (run.status !== 'WAITING') return { resumed: false }
  const segment = run.segment + 1
  await tx.sql
    .updateTable('run')
    .set({
      status: 'QUEUED',
      segment,
      waitingKind: null,
      waitingMemberId: null,
      waitingSince: null,
      wakeAt: null,
      reasonText: null,
      updatedAt: tx.now,
    })
    .where('id', '=', run.id)
    .execute()
  appendEvents(tx, [
    {
      type: 'run.resumed',
      subject: { kind: 'run', id: run.id },
      runId: run.id,
      data: { employeeId: run.employeeId, waitedFor: run.waitingKind },
    },
  ])
  // A row's priority is one of the four: the database checks it.
  enqueueSegment(tx, { runId: run.id, segment, priority: run.priority as RunPriority })
  return { resumed: true }
}

/**
 * Stops a run. One that nobody works ends CANCELLED here and now; one that is being worked is told and ends itself with
 * its next journal entry, a model call in flight is aborted. Needs RUNS_WRITE. CONFLICT (CLOSED) when it is over already;
 * asking twice is asking once.
 */
export async function cancelRun(
  tx: Tx,
  input: { readonly runId: string; readonly reason?: string | undefined },
): Promise<{ readonly runId: string; readonly status: RunStatus }> {
  requirePermission(tx.viewer, 'RUNS_WRITE')
  const run = await lockRun(tx, input.runId)
  const status = run.status as RunStatus
  if (isTerminal(status)) {
    throw conflict('CLOSED', 'This run is over already.', { kind: 'run', id: run.id })
  }
  if (status === 'RUNNING') {
    if (run.cancelRequestedAt !== null) return { runId: run.id, status }
    await tx.sql
      .updateTable('run')
      .set({ cancelRequestedAt: tx.now, reasonText: input.reason ?? null, updatedAt: tx.now })
      .where('id', '=', run.id)
      .execute()
    appendEvents(tx, [
      {
        type: 'run.cancel_requested',
        subject: { kind: 'run', id: run.id },
        runId: run.id,
        data: { employeeId: run.employeeId },
      },
    ])
    interruptAfterwards(tx, run.id)
    return { runId: run.id, status }
  }
  await endIdleRun(tx, run, { status: 'CANCELLED', reason: 'CANCELLED_BY', text: input.reason ?? CANCELLED })
  return { runId: run.id, status: 'CANCELLED' }
}

export const CANCELLED = 'It was cancelled.'

function interruptAfterwards(tx: Tx, runId: string): void {
  tx.onCommit(() => interruptLiveRun(runId))
  foretellEffect(tx, { kind: 'RUN_INTERRUPTED', id: runId })
}

/** Ends a run that is QUEUED or WAITING, by its locked row. */
export async function endIdleRun(tx: Tx, run: LockedRun, end: RunEnd): Promise<void> {
  await tx.sql
    .updateTable('run')
    .set({ ...endColumns(tx, end), waitingKind: null, waitingMemberId: null, waitingSince: null, wakeAt: null })
    .where('id', '=', run.id)
    .where('status', 'in', ['QUEUED', 'WAITING'])
    .execute()
  await closeOpenSteps(tx, run.id, end)
  await announceEnd(tx, { ...run, end })
}

/** Acts that were decided or asked for but not done are not done any more; an act that was sent stays what it is. */
export async function closeOpenSteps(tx: Tx, runId: string, end: RunEnd): Promise<void> {
  await tx.sql
    .updateTable('effect')
    .set({ status: 'FAILED', error: end.text, updatedAt: tx.now })
    .where('runId', '=', runId)
    .where('status', '=', 'INTENDED')
    .execute()
  await tx.sql
    .updateTable('runStep')
    .set({ status: 'REFUSED', finishedAt: tx.now })
    .where('runId', '=', runId)
    .where('status', 'in', ['RUNNING', 'WAITING'])
    .execute()
}

/** What a run's row says once it is over. */
export const endColumns = (tx: Tx, end: RunEnd) => ({
  status: end.status,
  reason: end.reason,
  reasonText: end.text,
  finishedAt: tx.now,
  updatedAt: tx.now,
})

/**
 * All of an employee's open runs end CANCELLED (it was offboarded): what nobody works at once, what is being worked with
 * its next journal entry. In the caller's transaction.
 */
export async function cancelRunsOfEmployee(tx: Tx, employeeId: string, text: string): Promise<void> {
  const open = await tx.sql
    .selectFrom('run')
    .select('id')
    .where('employeeId', '=', employeeId)
    .where('status', 'in', ['QUEUED', 'RUNNING', 'WAITING'])
    .orderBy('id')
    .execute()
  for (const { id } of open) {
    const run = await lockRun(tx, id)
    if (run.status === 'RUNNING') {
      await tx.sql
        .updateTable('run')
        .set({ cancelRequestedAt: tx.now, reasonText: text })
        .where('id', '=', id)
        .execute()
      interruptAfterwards(tx, id)
    } else if (!isTerminal(run.status as RunStatus)) {
      await endIdleRun(tx, run, { status: 'CANCELLED', reason: 'CANCELLED_BY', text })
    }
  }
}

/**
 * The employee works again: what stood still because it was paused goes on, a batch at a time, with the next pass of the
 * sweep (a transaction enqueues at most about fifty segments).
 */
export async function wakeRunsOfEmployee(tx: Tx, employeeId: string): Promise<void> {
  const woken = await tx.sql
    .updateTable('run')
    .set({ waitingKind: 'TIME', wakeAt: tx.now, updatedAt: tx.now })
    .where('employeeId', '=', employeeId)
    .where('status', '=', 'WAITING')
    .where('waitingKind', '=', 'PERSON')
    .executeTakeFirst()
  foretellWoken(tx, woken)
}

/** There is more money: what waits for the budget goes on with the next pass of the sweep. */
export async function wakeRunsWaitingForBudget(tx: Tx): Promise<void> {
  const woken = await tx.sql
    .updateTable('run')
    .set({ wakeAt: tx.now, updatedAt: tx.now })
    .where('status', '=', 'WAITING')
    .where('waitingKind', '=', 'BUDGET')
    .executeTakeFirst()
  foretellWoken(tx, woken)
}

function foretellWoken(tx: Tx, { numUpdatedRows }: { readonly numUpdatedRows: bigint }): void {
  if (numUpdatedRows > 0n) foretellEffect(tx, { kind: 'RUNS_WOKEN', count: Number(numUpdatedRows) })
}
