import { sql } from 'kysely'
import { type Given, statement } from '../../platform/db/statement.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { enqueueSegment } from '../../platform/durable/enqueue.ts'
import { appendEvents } from '../../platform/events/append.ts'
import type { NewEvent } from '../../platform/events/event.ts'
import { notFound } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { cutTitle, type RunPriority, type RunTrigger } from './model.ts'

export interface StartRunInput {
  readonly employeeId: string
  readonly trigger: RunTrigger
  /** What it is about, in one line; cut at 255 characters. */
  readonly title: string
  readonly submissionId?: string
  readonly dealId?: string
  /** NORMAL unless told. */
  readonly priority?: RunPriority
  /** Past it the run is not worked any more and ends EXPIRED. */
  readonly deadline?: Date
  /** The caller's own events of this moment: they enter the log before `run.queued`, with the same statement. */
  readonly eventsBefore?: readonly NewEvent[]
}

/** The run, or why the employee takes no new ones; then nothing was written, `eventsBefore` neither. */
export type StartRunResult = { readonly runId: string } | { readonly refused: 'PAUSED' | 'OFFBOARDED' }

/**
 * Gives an employee something to do: writes the run, pinned to the employee's present version, announces it and
 * enqueues its first segment, all in the caller's transaction. The caller has checked who may (a submission's sender is
 * anonymous). Three statements: it stands in the way of every submission. NOT_FOUND for an employee that is not there.
 */
export async function startRun(tx: Tx, input: StartRunInput): Promise<StartRunResult> {
  const runId = newId()
  const priority = input.priority ?? 'NORMAL'
  const [started] = await tx.run(insertRun, {
    id: runId,
    employeeId: input.employeeId,
    trigger: input.trigger,
    title: cutTitle(input.title),
    priority,
    deadline: input.deadline ?? null,
    submissionId: input.submissionId ?? null,
    dealId: input.dealId ?? null,
  })
  if (started === undefined) return refusal(tx, input.employeeId)

  appendEvents(tx, [
    ...(input.eventsBefore ?? []),
    {
      type: 'run.queued',
      subject: { kind: 'run', id: runId },
      runId,
      data: { employeeId: input.employeeId, employeeVersion: started.employeeVersion, trigger: input.trigger },
    },
  ])
  enqueueSegment(tx, { runId, segment: 1, priority })
  return { runId }
}

interface NewRun {
  readonly id: string
  readonly employeeId: string
  readonly trigger: string
  readonly title: string
  readonly priority: string
  readonly deadline: Date | null
  readonly submissionId: string | null
  readonly dealId: string | null
}

/** The run, pinned to the employee's present version; no row for an employee that takes none. */
const insertRun = statement((template, input: NewRun & Given) =>
  template
    .insertInto('run')
    .columns([
      'workspaceId',
      'id',
      'employeeId',
      'employeeVersion',
      'trigger',
      'title',
      'priority',
      'deadline',
      'submissionId',
      'dealId',
      'createdAt',
      'updatedAt',
    ])
    .expression((eb) =>
      eb
        .selectFrom('employee')
        .where('employee.id', '=', input.employeeId)
        .where('employee.status', 'not in', ['PAUSED', 'OFFBOARDED'])
        .select([
          'employee.workspaceId',
          sql<string>`${input.id}::uuid`.as('id'),
          'employee.id as employeeId',
          'employee.version as employeeVersion',
          sql<string>`${input.trigger}::text`.as('trigger'),
          sql<string>`${input.title}::text`.as('title'),
          sql<string>`${input.priority}::text`.as('priority'),
          sql<Date | null>`${input.deadline}::timestamptz`.as('deadline'),
          sql<string | null>`${input.submissionId}::uuid`.as('submissionId'),
          sql<string | null>`${input.dealId}::uuid`.as('dealId'),
          sql<Date>`${input.now}::timestamptz`.as('createdAt'),
          sql<Date>`${input.now}::timestamptz`.as('updatedAt'),
        ]),
    )
    .returning('employeeVersion'),
)

async function refusal(tx: Tx, employeeId: string): Promise<StartRunResult> {
  const employee = await tx.sql.selectFrom('employee').select('status').where('id', '=', employeeId).executeTakeFirst()
  if (employee === undefined) throw notFound('Employee', encodeId('employee', employeeId))
  return { refused: employee.status === 'PAUSED' ? 'PAUSED' : 'OFFBOARDED' }
}
