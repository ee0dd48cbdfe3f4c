/*
 * The journal of a run: what was thought and done, in order. It is the durable record; going on after a crash is reading
 * it, and what it holds is never paid or done again.
 *
 * The fence. A process that claims a run raises `attempt`; `next_seq` counts the entries and `writes` the writes. Every
 * write first does `update run set next_seq = …, writes = … where id = … and attempt = $mine and next_seq = $seq and
 * writes = $writes`: zero rows means that another process has taken the run over, so this one stops at once (`FenceLost`).
 * Every write leaves its trace in `writes`, so that one whose COMMIT went unanswered can be told from one that did not
 * happen. The update also locks the row, so that writes, cancellation and decisions on the run's approvals come one after
 * the other.
 *
 * One write is one transaction with its acts, effects, events and budget movement.
 */

import { type Kysely, sql } from 'kysely'
import { type Given, statement } from '../../platform/db/statement.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import type { NewEvent } from '../../platform/events/event.ts'
import { announceEnd, type EndedRun } from './ending.ts'
import type { RunEnd, RunWait } from './model.ts'
import { closeOpenSteps, endColumns } from './waiting.ts'

/** What a process writes a run's journal with: its own attempt, the entry that comes next, the writes there have been. */
export interface Fence {
  readonly runId: string
  readonly attempt: number
  readonly seq: number
  readonly writes: number
}

/** Another process works this run now, or the run is over: nothing more may be done for it here. */
export class FenceLost extends Error {
  constructor(fence: Fence) {
    super(`the run ${fence.runId} is no longer worked by attempt ${fence.attempt}`)
    this.name = 'FenceLost'
  }
}

export interface Tokens {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
}

/** What one write adds to its run. */
export interface Entry {
  /** How many steps it appends. */
  readonly steps: number
  readonly tokens?: Tokens | undefined
  readonly costMicros?: bigint | undefined
  /** Who answered; the first turn says it. */
  readonly model?: { readonly name: string; readonly rehearsal: boolean } | undefined
  /** The write is the run's last: follow it with `endRun`. */
  readonly end?: RunEnd | undefined
}

/** What the world wants of a run, read with every write: the loop ends itself when there is something. */
export interface Signals {
  /** Somebody wants it to stop; in their words, where they said any. */
  readonly cancelled: string | null
  readonly employeeStatus: string
  readonly deadline: Date | null
}

/** Passes the fence and adds the write's figures to the run. First statement of every write. Throws FenceLost. */
export async function advanceRun(tx: Tx, fence: Fence, entry: Entry): Promise<Signals> {
  const { tokens, costMicros, model, end, steps } = entry
  const [row] = await tx.run(end === undefined ? passFence : passFenceAndEnd, {
    ...fence,
    steps,
    tokensInput: tokens?.input ?? 0,
    tokensOutput: tokens?.output ?? 0,
    tokensCacheRead: tokens?.cacheRead ?? 0,
    tokensCacheWrite: tokens?.cacheWrite ?? 0,
    costMicros: costMicros ?? 0n,
    model: model?.name ?? null,
    rehearsal: model?.rehearsal ?? null,
    endStatus: end?.status ?? null,
    endReason: end?.reason ?? null,
    endText: end?.text ?? null,
  })
  if (row === undefined) throw new FenceLost(fence)
  return {
    cancelled: row.cancelRequestedAt === null ? null : (row.reasonText ?? 'It was cancelled.'),
    employeeStatus: row.employeeStatus ?? 'OFFBOARDED',
    deadline: row.deadline,
  }
}

interface Advance extends Fence {
  readonly steps: number
  readonly tokensInput: number
  readonly tokensOutput: number
  readonly tokensCacheRead: number
  readonly tokensCacheWrite: number
  readonly costMicros: bigint
  readonly model: string | null
  readonly rehearsal: boolean | null
  readonly endStatus: string | null
  readonly endReason: string | null
  readonly endText: string | null
}

const fenced = (template: Kysely<Tables>, input: Advance & Given) =>
  template
    .updateTable('run')
    .set((eb) => ({
      updatedAt: input.now,
      writes: eb('writes', '+', 1),
      nextSeq: eb('nextSeq', '+', input.steps),
      // Whoever gets further has not been brought down by the run.
      takeovers: sql<number>`case when ${input.steps}::int = 0 then takeovers else 0 end`,
      tokensInput: eb('tokensInput', '+', input.tokensInput),
      tokensOutput: eb('tokensOutput', '+', input.tokensOutput),
      tokensCacheRead: eb('tokensCacheRead', '+', input.tokensCacheRead),
      tokensCacheWrite: eb('tokensCacheWrite', '+', input.tokensCacheWrite),
      costMicros: eb('costMicros', '+', input.costMicros),
      model: sql<string | null>`coalesce(${input.model}::text, model)`,
      rehearsal: sql<boolean>`coalesce(${input.rehearsal}::boolean, rehearsal)`,
    }))
    .where('id', '=', input.runId)
    .where('attempt', '=', input.attempt)
    .where('nextSeq', '=', input.seq)
    .where('writes', '=', input.writes)
    .where('status', '=', 'RUNNING')
    .returning((eb) => [
      'cancelRequestedAt',
      'deadline',
      'reasonText',
      eb
        .selectFrom('employee')
        .select('employee.status')
        .whereRef('employee.id', '=', 'run.employeeId')
        .as('employeeStatus'),
    ])

const passFence = statement(fenced)
const passFenceAndEnd = statement((template, input: Advance & Given) =>
  fenced(template, input).set({
    status: input.endStatus as string,
    reason: input.endReason,
    reasonText: input.endText,
    finishedAt: input.now,
  }),
)

/**
 * What an employee that was seen PAUSED is now. Ask before parking a run for it, behind the run's fence: the employee
 * stays so until the transaction ends, and whoever resumes it afterwards finds the run parked.
 */
export async function holdEmployeeStatus(tx: Tx, employeeId: string): Promise<string> {
  const { status } = await tx.sql
    .selectFrom('employee')
    .select('status')
    .where('id', '=', employeeId)
    .forShare()
    .executeTakeFirstOrThrow()
  return status
}

/**
 * Tells everybody that the run is over: the second half of a write whose `advanceRun` had an `end`. Listeners first (its
 * submission, its approvals), then the log.
 */
export const announceRunEnd = (
  tx: Tx,
  run: Omit<EndedRun, 'end'>,
  end: RunEnd,
  eventsBefore: readonly NewEvent[],
): Promise<void> => announceEnd(tx, { ...run, end }, eventsBefore)

/** Ends a run from within a write that turned out to be its last. Throws FenceLost. */
export async function closeRun(
  tx: Tx,
  fence: Fence,
  run: Omit<EndedRun, 'end'>,
  end: RunEnd,
  eventsBefore: readonly NewEvent[],
): Promise<void> {
  const closed = await tx.sql
    .updateTable('run')
    .set(endColumns(tx, end))
    .where('id', '=', fence.runId)
    .where('attempt', '=', fence.attempt)
    .where('status', '=', 'RUNNING')
    .returning('id')
    .executeTakeFirst()
  if (closed === undefined) throw new FenceLost(fence)
  await closeOpenSteps(tx, fence.runId, end)
  await announceRunEnd(tx, run, end, eventsBefore)
}

/** Parks the run behind its fence: its segment ends and what ends the wait enqueues the next one. */
export async function parkRun(
  tx: Tx,
  fence: Fence,
  run: Pick<EndedRun, 'employeeId'>,
  wait: RunWait,
  eventsBefore: readonly NewEvent[],
): Promise<void> {
  const parked = await tx.sql
    .updateTable('run')
    .set({
      status: 'WAITING',
      waitingKind: wait.kind,
      waitingMemberId: wait.memberId ?? null,
      waitingSince: tx.now,
      wakeAt: wait.wakeAt ?? null,
      reasonText: wait.text,
      updatedAt: tx.now,
    })
    .where('id', '=', fence.runId)
    .where('attempt', '=', fence.attempt)
    .where('status', '=', 'RUNNING')
    .returning('id')
    .executeTakeFirst()
  if (parked === undefined) throw new FenceLost(fence)
  appendEvents(tx, [
    ...eventsBefore,
    {
      type: 'run.waiting',
      subject: { kind: 'run', id: fence.runId },
      runId: fence.runId,
      data: {
        employeeId: run.employeeId,
        kind: wait.kind,
        ...(wait.memberId === undefined ? {} : { memberId: wait.memberId }),
        ...(wait.wakeAt === undefined ? {} : { until: wait.wakeAt.toISOString() }),
      },
    },
  ])
}
