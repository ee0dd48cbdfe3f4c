import { Actor } from '../../platform/graphql/actor.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import { Money } from '../../platform/graphql/money.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { loadBy, loadById, node, typeOf } from '../../platform/graphql/node.ts'
import { byIdField, nodeField } from '../../platform/graphql/node-field.ts'
import {
  cancelRunInput,
  type RunPriority,
  type RunReason,
  type RunStatus,
  type RunTrigger,
  type WaitingKind,
} from './model.ts'
import { cancelRun } from './service.ts'
import { stepList, TokenUsage } from './step-schema.ts'
import './event-details.ts'
import './progress-schema.ts'

// ------------------------------------------------------------------ types

const RunStatusEnum = describeEnum<RunStatus>('RunStatus', 'Where a run stands. The last four are final.', {
  QUEUED: 'It is its turn as soon as a worker is free.',
  RUNNING: 'It is being worked on.',
  WAITING: 'It cannot go on before something happens: see `waitingKind`.',
  SUCCEEDED: 'The employee came to the end of it.',
  FAILED: 'It could not be finished: see `reason`.',
  CANCELLED: 'Somebody stopped it.',
  EXPIRED: 'Its deadline passed.',
})

const RunReasonEnum = describeEnum<RunReason>('RunReason', 'Why a run ended.', {
  DONE: 'There was nothing left to do.',
  BUDGET_EXHAUSTED: 'One call alone may cost more than a whole day’s budget.',
  STEP_LIMIT: 'It took more turns than a run may.',
  MODEL_REFUSED: 'The model refused to answer.',
  MODEL_UNAVAILABLE: 'No model could be had.',
  CANCELLED_BY: 'Somebody stopped it, or the employee left.',
  STALE: 'What it was about had been settled otherwise.',
  POISON: 'It kept bringing down the processes that worked on it.',
  DEADLINE: 'Its deadline passed.',
})

const RunTriggerEnum = describeEnum<RunTrigger>('RunTrigger', 'What a run came of.', {
  SUBMISSION: 'A form was sent.',
  SCHEDULE: 'A schedule was due.',
  EVENT: 'Something happened that the employee watches.',
  PERSON: 'Somebody asked.',
  GOAL: 'A goal wanted work.',
  HAND_OVER: 'Another employee handed it over.',
})

const RunPriorityEnum = describeEnum<RunPriority>('RunPriority', 'Which runs are taken first.', {
  LOW: 'When nothing else is to be done.',
  NORMAL: 'In the order they come.',
  HIGH: 'Before the normal ones.',
  URGENT: 'Before all others.',
})

const WaitingKindEnum = describeEnum<WaitingKind>('WaitingKind', 'What a run waits for.', {
  APPROVAL: 'A person is to decide.',
  PERSON: 'A person is to do something: the employee is paused.',
  TIME: 'It goes on at `wakeAt`.',
  BUDGET: 'The budget of the day is used up; it goes on at `wakeAt`, or when there is more.',
})

const Run = builder.prismaNode('Run', {
  ...node('Run', { kind: 'run', name: 'title' }),
  permission: 'RUNS_READ',
  description: 'Something an employee has to do, or has done, step by step.',
  fields: (t) => ({
    title: t.exposeString('title'),
    status: t.expose('status', { type: RunStatusEnum, description: 'Where it stands.' }),
    reason: t.expose('reason', { type: RunReasonEnum, nullable: true, description: 'Why it ended; null until then.' }),
    reasonText: t.exposeString('reasonText', { nullable: true }),
    trigger: t.expose('trigger', { type: RunTriggerEnum, description: 'What it came of.' }),
    priority: t.expose('priority', { type: RunPriorityEnum, description: 'How soon it is taken.' }),
    deadline: t.expose('deadline', { type: 'DateTime', nullable: true }),
    employee: t.relation('employee', { nullable: true, description: 'Who works on it.' }),
    employeeVersion: t.exposeInt('employeeVersion', {
      description: 'The version of the employee it is worked by, whatever has become of the employee since.',
    }),
    waitingKind: t.expose('waitingKind', {
      type: WaitingKindEnum,
      nullable: true,
      description: 'What it waits for; null when it does not wait.',
    }),
    waitingFor: t.field({
      type: Actor,
      nullable: true,
      description: 'Who can let it go on; null when it waits for nobody.',
      select: { waitingMemberId: true },
      resolve: ({ waitingMemberId }) =>
        waitingMemberId === null ? null : { kind: 'MEMBER' as const, id: waitingMemberId },
    }),
    waitingSince: t.expose('waitingSince', { type: 'DateTime', nullable: true }),
    wakeAt: t.expose('wakeAt', { type: 'DateTime', nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was given to the employee.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true }),
    cost: t.field({
      type: Money,
      description: 'What its model calls have cost so far.',
      select: { costMicros: true },
      resolve: ({ costMicros }) => ({ micros: costMicros, currency: 'USD' }),
    }),
    tokens: t.field({
      type: TokenUsage,
      description: 'What its model calls have read and written so far.',
      select: { tokensInput: true, tokensOutput: true, tokensCacheRead: true, tokensCacheWrite: true },
      resolve: (run) => ({
        input: run.tokensInput,
        output: run.tokensOutput,
        cacheRead: run.tokensCacheRead,
        cacheWrite: run.tokensCacheWrite,
      }),
    }),
    model: t.exposeString('model', {
      nullable: true,
      description: 'The model that answered last; null before the first turn.',
    }),
    rehearsal: t.exposeBoolean('rehearsal'),
    submission: t.relation('submission', { nullable: true, description: 'The submission it works on.' }),
    deal: t.field({
      type: typeOf('Deal'),
      nullable: true,
      description: 'The deal it is about, or that came of its submission.',
      select: { dealId: true, submissionId: true },
      resolve: ({ dealId, submissionId }, _args, ctx, info) => {
        if (dealId !== null) return loadById('Deal', dealId, ctx, info)
        if (submissionId === null) return null
        return loadBy('Deal', { workspaceId_submissionId: { workspaceId: ctx.workspaceId, submissionId } }, ctx, info)
      },
    }),
    approvals: t.relation('approvals', {
      nullable: true,
      description: 'What it asked for, in order.',
      query: { orderBy: [{ turn: 'asc' }, { callIndex: 'asc' }] },
    }),
    steps: t.field(stepList.of('runId', { description: 'What was thought and done, in order.' })),
    timeline: t.field(timeline('run', 'What happened to it, oldest first.')),
  }),
})

// ------------------------------------------------------------------ lists

const runFilter = by.filterOf('Run', 'run', {
  id: by.id('run', { description: 'By its id.' }),
  status: by.oneOf('status', RunStatusEnum, { description: 'By where it stands.' }),
  employee: by.relation('employeeId', 'Employee', { description: 'By who works on it.' }),
  submission: by.relation('submissionId', 'Submission', {
    description: 'By the submission it works on.',
    nullable: true,
  }),
  createdAt: by.dateTime('createdAt', { description: 'By when it was given to the employee.' }),
})

const runList = listOf('Run', {
  table: 'run',
  model: 'Run',
  type: Run,
  filter: runFilter,
  order: { CREATED: { description: 'When it was given to the employee.', columns: [{ column: 'createdAt' }] } },
  defaultOrder: [{ column: 'createdAt', direction: 'DESC' }],
})

// ------------------------------------------------------------------ queries

builder.queryField('runs', (t) => t.field(runList.all({ description: 'Runs, the newest first.' })))
builder.queryField('run', (t) => t.field(byIdField('Run', 'A run by its id.')))
builder.prismaObjectField('Employee', 'runs', (t) =>
  t.field({
    ...runList.of('employeeId', { description: 'What it was given to do, the newest first.' }),
    nullable: true,
  }),
)

// ------------------------------------------------------------------ mutations

mutation('cancelRun', {
  description:
    'Stops a run. One that is being worked on ends with its next step; what it has done by then stays done. Its submission then needs a person.',
  permission: 'RUNS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The run.' }),
    reason: t.string({ description: 'Why, in your words; 1,000 characters at most.' }),
  }),
  parse: cancelRunInput,
  verb: async (tx, { id, reason }) => {
    const { runId } = await cancelRun(tx, { runId: id, reason: reason ?? undefined })
    return { runId }
  },
  payload: (t) => ({
    run: t.field(nodeField('Run', 'The run as it is now.', ({ runId }: { runId: string }) => runId)),
  }),
  errors: ['NOT_FOUND'],
})
