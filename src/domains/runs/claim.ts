import { sql } from 'kysely'
import { type Given, statement } from '../../platform/db/statement.ts'
import { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import type { NewEvent } from '../../platform/events/event.ts'
import { loseHeld } from '../budgets/service.ts'
import { announceEnd } from './ending.ts'
import type { Fence } from './journal.ts'
import { holdEmployeeStatus, parkRun } from './journal.ts'
import { MAX_TAKEOVERS, type RunEnd, type RunPriority, type RunStatus, type RunTrigger, type RunWait } from './model.ts'
import { listSteps, type StoredStep } from './steps.ts'
import { CANCELLED, closeOpenSteps } from './waiting.ts'

/** A run that this process now works, with all that going on needs. */
export interface ClaimedRun {
  readonly fence: Fence
  readonly id: string
  readonly trigger: RunTrigger
  readonly title: string
  readonly priority: RunPriority
  readonly deadline: Date | null
  readonly submissionId: string | null
  readonly dealId: string | null
  readonly employeeId: string
  readonly employeeName: string
  /** The employee's definition at the version the run began with. */
  readonly definition: Readonly<Record<string, unknown>>
  readonly steps: readonly StoredStep[]
}

export type Claim =
  | { readonly kind: 'CLAIMED'; readonly run: ClaimedRun }
  /** Nothing to do: the segment has been worked, or is not the run's present one. */
  | { readonly kind: 'SETTLED' }
  /** The claim itself ended or parked the run. */
  | { readonly kind: 'CLOSED' }

export interface SegmentClaim {
  readonly runId: string
  readonly segment: number
  readonly executorId: string
  /** The claimant's last try at this run failed by a fault of its own, not by the database's: it counts as a take-over. */
  readonly afterFault?: boolean | undefined
}

/**
 * Makes this process the one that works the run, by raising its attempt; whoever worked it before loses its fence. A run
 * found RUNNING is taken over: an act that was sent but not confirmed becomes UNKNOWN and is never repeated, held budget is
 * lost. A cancelled or overdue run, one of an offboarded employee or one that was taken over three times without a new
 * entry (POISON) ends here; one of a paused employee waits. Call it first in its transaction; it acts as the employee.
 * Throws for a run that is not there: whatever hides it, its segment is not done.
 */
export async function claimSegment(outer: Tx, claim: SegmentClaim): Promise<Claim> {
  const [row] = await outer.run(lockForClaim, { runId: claim.runId })
  if (row === undefined) throw new Error(`the run ${claim.runId} cannot be seen`)
  if (row.segment !== claim.segment) return { kind: 'SETTLED' }
  const status = row.status as RunStatus
  if (status !== 'QUEUED' && status !== 'RUNNING') return { kind: 'SETTLED' }

  const tx: Tx = {
    ...outer,
    viewer: { kind: 'employee', employeeId: row.employeeId, name: row.employeeName, runId: row.id },
  }
  const takenOver = status === 'RUNNING'
  // A process that stopped in good order has given the run back: nobody was brought down by it.
  const isOther = (row.executorId !== null && row.executorId !== claim.executorId) || claim.afterFault === true
  const takeovers = takenOver && isOther ? row.takeovers + 1 : row.takeovers
  const fence: Fence = { runId: row.id, attempt: row.attempt + 1, seq: row.nextSeq, writes: row.writes }
  const employeeStatus =
    row.employeeStatus === 'PAUSED' ? await holdEmployeeStatus(tx, row.employeeId) : row.employeeStatus
  const end = endOnClaim({ ...row, employeeStatus }, takeovers)
  tx.write(writeClaim, {
    id: row.id,
    status: end?.status ?? 'RUNNING',
    reason: end?.reason ?? null,
    reasonText: end?.text ?? row.reasonText,
    finishedAt: end === undefined ? null : tx.now,
    attempt: fence.attempt,
    executorId: claim.executorId,
    takeovers,
    startedAt: row.startedAt ?? tx.now,
  })

  const events: NewEvent[] = []
  const about = { subject: { kind: 'run', id: row.id }, runId: row.id } as const
  if (takenOver) events.push(...(await doubtSentEffects(tx, row.id)))
  if (end !== undefined) {
    await closeOpenSteps(tx, row.id, end)
    await announceEnd(tx, { ...row, end }, events)
    if (takenOver) await loseHeld(tx, row.id)
    return { kind: 'CLOSED' }
  }
  if (row.startedAt === null) {
    events.push({ type: 'run.started', ...about, data: { employeeId: row.employeeId } })
  } else if (takenOver) {
    events.push({ type: 'run.resumed', ...about, data: { employeeId: row.employeeId, takenOver: true } })
  }
  if (employeeStatus === 'PAUSED') {
    await parkRun(tx, fence, row, PAUSED_WAIT, events)
    if (takenOver) await loseHeld(tx, row.id)
    return { kind: 'CLOSED' }
  }
  appendEvents(tx, events)
  const steps = row.nextSeq === 0 ? [] : await listSteps(tx, row.id)
  if (takenOver) await loseHeld(tx, row.id)
  return {
    kind: 'CLAIMED',
    run: {
      fence,
      id: row.id,
      trigger: row.trigger as RunTrigger,
      title: row.title,
      priority: row.priority as RunPriority,
      deadline: row.deadline,
      submissionId: row.submissionId,
      dealId: row.dealId,
      employeeId: row.employeeId,
      employeeName: row.employeeName,
      definition: row.definition as Readonly<Record<string, unknown>>,
      steps,
    },
  }
}

const lockForClaim = statement((template, input: { readonly runId: string }) =>
  template
    .selectFrom('run')
    .innerJoin('employee', 'employee.id', 'run.employeeId')
    .innerJoin('employeeVersion', (join) =>
      join
        .onRef('employeeVersion.employeeId', '=', 'run.employeeId')
        .onRef('employeeVersion.version', '=', 'run.employeeVersion'),
    )
    .select([
      'run.id',
      'run.status',
      'run.segment',
      'run.attempt',
      'run.nextSeq',
      'run.writes',
      'run.takeovers',
      'run.executorId',
      'run.trigger',
      'run.title',
      'run.priority',
      'run.deadline',
      'run.submissionId',
      'run.dealId',
      'run.employeeId',
      'run.startedAt',
      'run.cancelRequestedAt',
      'run.reasonText',
      'employee.name as employeeName',
      'employee.status as employeeStatus',
      'employeeVersion.definition',
      sql<boolean>`coalesce(run.deadline <= clock_timestamp(), false)`.as('isPastDeadline'),
    ])
    .where('run.id', '=', input.runId)
    .forUpdate('run'),
)

interface ClaimRow {
  readonly id: string
  readonly status: string
  readonly reason: string | null
  readonly reasonText: string | null
  readonly finishedAt: Date | null
  readonly attempt: number
  readonly executorId: string
  readonly takeovers: number
  readonly startedAt: Date
}

const writeClaim = statement((template, input: ClaimRow & Given) =>
  template
    .updateTable('run')
    .set({
      status: input.status,
      reason: input.reason,
      reasonText: input.reasonText,
      finishedAt: input.finishedAt,
      attempt: input.attempt,
      executorId: input.executorId,
      takeovers: input.takeovers,
      startedAt: input.startedAt,
      updatedAt: input.now,
    })
    .where('id', '=', input.id),
)

/**
 * A process that stops gives back a run it works: whoever goes on has not taken it over from a process it brought down. The
 * caller writes nothing more for it. A run that is worked elsewhere, waits or is over is left alone.
 */
export async function releaseRun(tx: Tx, runId: string, executorId: string): Promise<void> {
  await tx.sql
    .updateTable('run')
    .set({ executorId: null, updatedAt: tx.now })
    .where('id', '=', runId)
    .where('executorId', '=', executorId)
    .where('status', '=', 'RUNNING')
    .execute()
}

/** A paused employee's run stands still until somebody resumes the employee. */
export const PAUSED_WAIT: RunWait = { kind: 'PERSON', text: 'The employee is paused.' }
export const OFFBOARDED_END: RunEnd = {
  status: 'CANCELLED',
  reason: 'CANCELLED_BY',
  text: 'The employee was offboarded.',
}
export const DEADLINE_END: RunEnd = { status: 'EXPIRED', reason: 'DEADLINE', text: 'Its deadline passed.' }

function endOnClaim(
  row: {
    readonly cancelRequestedAt: Date | null
    readonly reasonText: string | null
    readonly isPastDeadline: boolean
    readonly employeeStatus: string
  },
  takeovers: number,
): RunEnd | undefined {
  if (row.cancelRequestedAt !== null) {
    return { status: 'CANCELLED', reason: 'CANCELLED_BY', text: row.reasonText ?? CANCELLED }
  }
  if (row.employeeStatus === 'OFFBOARDED') return OFFBOARDED_END
  if (row.isPastDeadline) return DEADLINE_END
  if (takeovers >= MAX_TAKEOVERS) {
    const text = `It was taken over ${MAX_TAKEOVERS} times without getting any further.`
    return { status: 'FAILED', reason: 'POISON', text }
  }
  return undefined
}

/** What the model is told of an act of which nobody knows whether it happened. */
export const UNKNOWN_OUTPUT = {
  error: {
    code: 'UNKNOWN_OUTCOME',
    message: 'The process stopped between sending and confirming. It may have been sent; it was not sent again.',
  },
} as const

/** Sent by a process that did not live to hear the answer: nobody knows, so nobody repeats it. */
async function doubtSentEffects(tx: Tx, runId: string): Promise<NewEvent[]> {
  const doubted = await tx.sql
    .updateTable('effect')
    .set({ status: 'UNKNOWN', error: UNKNOWN_OUTPUT.error.message, updatedAt: tx.now })
    .where('runId', '=', runId)
    .where('status', '=', 'SENT')
    .returning(['seq', 'tool'])
    .execute()
  for (const { seq } of doubted) {
    const step = await tx.sql
      .selectFrom('runStep')
      .select(['data', 'approvalId'])
      .where('runId', '=', runId)
      .where('seq', '=', seq)
      .executeTakeFirstOrThrow()
    const data = { ...(step.data as Readonly<Record<string, unknown>>), output: UNKNOWN_OUTPUT, isError: true }
    await tx.sql
      .updateTable('runStep')
      .set({ status: 'FAILED', data: json(data), finishedAt: tx.now })
      .where('runId', '=', runId)
      .where('seq', '=', seq)
      .execute()
  }
  return doubted.map(({ seq, tool }) => ({
    type: 'effect.unknown',
    subject: { kind: 'run', id: runId },
    runId,
    data: { seq, tool },
  }))
}
