import { type Given, statement } from '../../platform/db/statement.ts'
import { type JsonText, json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEffects, type NewEffect } from './effects.ts'
import { cutTitle, type StepKind, type StepStatus } from './model.ts'

/* The entries of a run's journal, as rows. Writing them is behind the run's fence: see `journal.ts`. */

/** One entry. `turn` counts model calls from 0; `callIndex` is the tool call's place in its turn. */
export interface NewStep {
  readonly seq: number
  readonly kind: StepKind
  readonly status: StepStatus
  readonly title: string
  readonly turn: number
  readonly callIndex?: number | undefined
  readonly data: Readonly<Record<string, unknown>>
  readonly costMicros?: bigint | undefined
  readonly startedAt: Date
  readonly approvalId?: string | undefined
}

const OPEN_STATUSES: ReadonlySet<StepStatus> = new Set(['RUNNING', 'WAITING'])

/** Appends steps, and the effects of those that acted. Behind `advanceRun`, which made room for their numbers. */
export function appendSteps(
  tx: Tx,
  runId: string,
  steps: readonly NewStep[],
  effects: readonly NewEffect[] = [],
): void {
  for (const step of steps) {
    tx.write(insertStep, {
      runId,
      seq: step.seq,
      kind: step.kind,
      status: step.status,
      title: cutTitle(step.title),
      turn: step.turn,
      callIndex: step.callIndex ?? null,
      data: json(step.data),
      costMicros: step.costMicros ?? 0n,
      startedAt: step.startedAt,
      finishedAt: OPEN_STATUSES.has(step.status) ? null : tx.now,
      approvalId: step.approvalId ?? null,
    })
  }
  appendEffects(tx, runId, effects)
}

interface StepRow {
  readonly runId: string
  readonly seq: number
  readonly kind: string
  readonly status: string
  readonly title: string
  readonly turn: number
  readonly callIndex: number | null
  readonly data: JsonText
  readonly costMicros: bigint
  readonly startedAt: Date
  readonly finishedAt: Date | null
  readonly approvalId: string | null
}

const insertStep = statement((template, input: StepRow & Given) =>
  template.insertInto('runStep').values({
    workspaceId: input.workspaceId,
    runId: input.runId,
    seq: input.seq,
    kind: input.kind,
    status: input.status,
    title: input.title,
    turn: input.turn,
    callIndex: input.callIndex,
    data: input.data,
    costMicros: input.costMicros,
    startedAt: input.startedAt,
    finishedAt: input.finishedAt,
    approvalId: input.approvalId,
  }),
)

/** Writes what has become of a step that was RUNNING or WAITING. */
export async function closeStep(
  tx: Tx,
  runId: string,
  step: {
    readonly seq: number
    readonly status: StepStatus
    readonly data: Readonly<Record<string, unknown>>
    readonly approvalId?: string | undefined
  },
): Promise<void> {
  await tx.sql
    .updateTable('runStep')
    .set({
      status: step.status,
      data: json(step.data),
      approvalId: step.approvalId ?? null,
      finishedAt: OPEN_STATUSES.has(step.status) ? null : tx.now,
    })
    .where('runId', '=', runId)
    .where('seq', '=', step.seq)
    .execute()
}

/** An entry of the journal as it was written. */
export interface StoredStep {
  readonly seq: number
  readonly kind: StepKind
  readonly status: StepStatus
  readonly title: string
  readonly turn: number
  readonly callIndex: number | null
  readonly data: Readonly<Record<string, unknown>>
  readonly startedAt: Date
  readonly approvalId: string | null
  /** Its row of the effect ledger, where it has one. */
  readonly effectStatus: string | null
}

/** What the run did and thought so far, in order. */
export async function listSteps(tx: Tx, runId: string): Promise<StoredStep[]> {
  const rows = await tx.sql
    .selectFrom('runStep')
    .leftJoin('effect', (join) =>
      join.onRef('effect.runId', '=', 'runStep.runId').onRef('effect.seq', '=', 'runStep.seq'),
    )
    .select([
      'runStep.seq',
      'runStep.kind',
      'runStep.status',
      'runStep.title',
      'runStep.turn',
      'runStep.callIndex',
      'runStep.data',
      'runStep.startedAt',
      'runStep.approvalId',
      'effect.status as effectStatus',
    ])
    .where('runStep.runId', '=', runId)
    .orderBy('runStep.seq')
    .execute()
  return rows.map((step) => ({
    ...step,
    kind: step.kind as StepKind,
    status: step.status as StepStatus,
    data: step.data as Readonly<Record<string, unknown>>,
  }))
}
