import type { Kysely } from 'kysely'
import type { Tables } from '../../platform/db/tables.ts'
import type { WaitingKind } from '../runs/model.ts'
import { settingsOf } from '../settings/model.ts'
import { type Activity, type ActivityFacts, activityOf } from './activity.ts'
import { employeeEvents } from './events.ts'
import type { EmployeeStatus } from './model.ts'

/** What employees are doing, by row id. One statement, served by indexes however many runs there are. */
export async function loadActivities(
  sql: Kysely<Tables>,
  ids: readonly string[],
  now: Date,
): Promise<Map<string, Activity>> {
  const rows = await sql
    .selectFrom('employee')
    .innerJoin('workspace', 'workspace.id', 'employee.workspaceId')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('run')
          .select(['run.id', 'run.title', 'run.startedAt'])
          .whereRef('run.employeeId', '=', 'employee.id')
          .where('run.status', '=', 'RUNNING')
          .orderBy('run.createdAt', 'desc')
          .limit(1)
          .as('running'),
      (join) => join.onTrue(),
    )
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('runStep')
          .select((select) => select.fn.max('runStep.finishedAt').as('lastStepAt'))
          .whereRef('runStep.runId', '=', 'running.id')
          .as('step'),
      (join) => join.onTrue(),
    )
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('run')
          .select(['run.id', 'run.title', 'run.createdAt'])
          .whereRef('run.employeeId', '=', 'employee.id')
          .where('run.status', '=', 'QUEUED')
          .orderBy('run.createdAt')
          .limit(1)
          .as('queued'),
      (join) => join.onTrue(),
    )
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('run')
          .leftJoin('member', 'member.id', 'run.waitingMemberId')
          .select([
            'run.id',
            'run.waitingKind',
            'run.waitingSince',
            'run.wakeAt',
            'run.deadline',
            'member.id as memberId',
            'member.name as memberName',
          ])
          .whereRef('run.employeeId', '=', 'employee.id')
          .where('run.status', '=', 'WAITING')
          .orderBy('run.createdAt')
          .limit(1)
          .as('waiting'),
      (join) => join.onTrue(),
    )
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('approval')
          .select(['approval.id', 'approval.expiresAt'])
          .whereRef('approval.runId', '=', 'waiting.id')
          .where('approval.status', '=', 'PENDING')
          .orderBy('approval.requestedAt')
          .limit(1)
          .as('asked'),
      (join) => join.onTrue(),
    )
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('run')
          .select(['run.id', 'run.title', 'run.status', 'run.reasonText', 'run.finishedAt'])
          .whereRef('run.employeeId', '=', 'employee.id')
          .where('run.finishedAt', 'is not', null)
          .orderBy('run.createdAt', 'desc')
          .limit(1)
          .as('last'),
      (join) => join.onTrue(),
    )
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('eventLog')
          .select('eventLog.occurredAt')
          .whereRef('eventLog.subjectId', '=', 'employee.id')
          .where('eventLog.type', 'in', [employeeEvents.paused.type, employeeEvents.offboarded.type])
          .orderBy('eventLog.position', 'desc')
          .limit(1)
          .as('stopped'),
      (join) => join.on('employee.status', '!=', 'ACTIVE'),
    )
    .where('employee.id', 'in', ids)
    .select([
      'employee.id',
      'employee.status',
      'employee.createdAt',
      'employee.updatedAt',
      'workspace.timeZone',
      'workspace.settings',
      'running.id as runningId',
      'running.title as runningTitle',
      'running.startedAt as runningStartedAt',
      'step.lastStepAt',
      'queued.id as queuedId',
      'queued.title as queuedTitle',
      'queued.createdAt as queuedCreatedAt',
      'waiting.id as waitingId',
      'waiting.waitingKind',
      'waiting.waitingSince',
      'waiting.wakeAt',
      'waiting.deadline',
      'waiting.memberId',
      'waiting.memberName',
      'asked.id as approvalId',
      'asked.expiresAt as approvalExpiresAt',
      'last.id as lastId',
      'last.title as lastTitle',
      'last.status as lastStatus',
      'last.reasonText as lastReasonText',
      'last.finishedAt as lastFinishedAt',
      'stopped.occurredAt as stoppedAt',
    ])
    .execute()
  return new Map(
    rows.map((row) => {
      const facts: ActivityFacts = {
        status: row.status as EmployeeStatus,
        createdAt: row.createdAt,
        // The event comes into the log a moment after the change.
        statusSince: row.stoppedAt ?? row.updatedAt,
        timeZone: row.timeZone,
        stuckAfterMs: settingsOf(row.settings).stuckAfter,
        running:
          row.runningId === null || row.runningTitle === null || row.runningStartedAt === null
            ? null
            : {
                id: row.runningId,
                title: row.runningTitle,
                startedAt: row.runningStartedAt,
                lastStepAt: row.lastStepAt,
              },
        queued:
          row.queuedId === null || row.queuedTitle === null || row.queuedCreatedAt === null
            ? null
            : { id: row.queuedId, title: row.queuedTitle, createdAt: row.queuedCreatedAt },
        waiting:
          row.waitingId === null || row.waitingKind === null || row.waitingSince === null
            ? null
            : {
                id: row.waitingId,
                kind: row.waitingKind as WaitingKind,
                since: row.waitingSince,
                wakeAt: row.wakeAt,
                deadline: row.deadline,
                memberId: row.memberId,
                memberName: row.memberName,
                approvalId: row.approvalId,
                approvalExpiresAt: row.approvalExpiresAt,
              },
        last:
          row.lastId === null || row.lastTitle === null || row.lastFinishedAt === null
            ? null
            : {
                id: row.lastId,
                title: row.lastTitle,
                failed: row.lastStatus === 'FAILED',
                reasonText: row.lastReasonText,
                finishedAt: row.lastFinishedAt,
              },
      }
      return [row.id, activityOf(facts, now)]
    }),
  )
}

/** What employees' runs that began in a period have cost, in micro-dollars, by row id; without a run: left out. */
export async function loadSpending(
  sql: Kysely<Tables>,
  ids: readonly string[],
  period: { readonly from: Date; readonly to: Date },
): Promise<Map<string, bigint>> {
  const rows = await sql
    .selectFrom('run')
    .select(['employeeId', (eb) => eb.cast<string>(eb.fn.sum('costMicros'), 'text').as('spent')])
    .where('employeeId', 'in', ids)
    .where('createdAt', '>=', period.from)
    .where('createdAt', '<', period.to)
    .groupBy('employeeId')
    .execute()
  return new Map(rows.map((row) => [row.employeeId, BigInt(row.spent)]))
}
