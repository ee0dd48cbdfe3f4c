import type { StoredActor } from '../../platform/auth/viewer.ts'
import type { FieldChange } from '../../platform/events/event.ts'
import { Actor } from '../../platform/graphql/actor.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { eventDetails, FieldChangeType } from '../../platform/graphql/event.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { node } from '../../platform/graphql/node.ts'
import { byIdField, eventNode, nodeField } from '../../platform/graphql/node-field.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import type { Risk } from '../../platform/tools/tool.ts'
import { approvalEvents } from './events.ts'
import { type ApprovalDecision, type ApprovalStatus, decideApprovalInput, type ExpiryAction } from './model.ts'
import { decideApproval } from './service.ts'

// ------------------------------------------------------------------ types

const ApprovalStatusEnum = describeEnum<ApprovalStatus>('ApprovalStatus', 'Where an approval stands.', {
  PENDING: 'Somebody may decide.',
  APPROVED: 'It was allowed and is about to be done.',
  REJECTED: 'Somebody said no.',
  EXPIRED: 'Nobody decided in time, or the run ended first.',
  STALE: 'What was shown has changed since; it is not done.',
  EXECUTED: 'It was allowed and is done.',
  FAILED: 'It was allowed and went wrong, or nobody knows whether it happened.',
})

const RiskEnum = describeEnum<Risk>('Risk', 'What an act can do to the world.', {
  READ: 'Nothing: it looks.',
  INTERNAL_WRITE: 'Changes something inside the house.',
  EXTERNAL_SEND: 'Leaves the house.',
  SPEND: 'Costs money.',
  DESTRUCTIVE: 'Removes something.',
})

const ExpiryActionEnum = describeEnum<ExpiryAction>('ExpiryAction', 'What happens when nobody decides.', {
  REJECT: 'It is not done.',
  APPROVE: 'It is done.',
})

const ApprovalDecisionEnum = describeEnum<ApprovalDecision>('ApprovalDecisionKind', 'What somebody says to an act.', {
  APPROVE: 'Do it.',
  REJECT: 'Do not.',
})

const Approval = builder.prismaNode('Approval', {
  ...node('Approval', { kind: 'approval', name: 'title' }),
  permission: 'APPROVALS_READ',
  description: 'An act that an employee wants to do and may not do without asking.',
  fields: (t) => ({
    title: t.exposeString('title'),
    status: t.expose('status', { type: ApprovalStatusEnum, description: 'Where it stands.' }),
    risk: t.expose('risk', { type: RiskEnum, description: 'What it can do to the world.' }),
    employee: t.relation('employee', { nullable: true, description: 'Who asks.' }),
    run: t.relation('run', { nullable: true, description: 'The run that waits for it.' }),
    waitsFor: t.field({
      type: Actor,
      nullable: true,
      description: 'Who is meant to decide; others with the permission may, too.',
      select: { memberId: true },
      resolve: ({ memberId }) => (memberId === null ? null : { kind: 'MEMBER' as const, id: memberId }),
    }),
    tool: t.exposeString('tool'),
    input: t.field({
      type: 'JSON',
      description: 'The arguments, as the employee gave them.',
      select: { input: true },
      resolve: ({ input }) => input,
    }),
    editedInput: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The arguments as the approver changed them; null when they were left as they are.',
      select: { editedInput: true },
      resolve: ({ editedInput }) => editedInput,
    }),
    changes: t.field({
      type: [FieldChangeType],
      description: 'What will change or leave the house. The approval is bound to these values.',
      select: { changes: true },
      resolve: ({ changes }) => changes as unknown as FieldChange[],
    }),
    reason: t.exposeString('reason'),
    requestedAt: t.expose('requestedAt', { type: 'DateTime' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
    onExpiry: t.expose('onExpiry', {
      type: ExpiryActionEnum,
      description: 'What happens when nobody decides in time.',
    }),
    decidedBy: t.field({
      type: Actor,
      nullable: true,
      description: 'Who decided.',
      select: { decidedBy: true },
      resolve: ({ decidedBy }) => decidedBy as unknown as StoredActor | null,
    }),
    decidedAt: t.expose('decidedAt', { type: 'DateTime', nullable: true }),
    decisionReason: t.exposeString('decisionReason', { nullable: true }),
    error: t.exposeString('error', { nullable: true, description: 'Why it was not done although it was allowed.' }),
    version: t.exposeInt('version'),
    timeline: t.field(timeline('approval', 'What happened to it, oldest first.')),
  }),
})

// ------------------------------------------------------------------ queries

const approvalFilter = by.filterOf('Approval', 'approval', {
  id: by.id('approval', { description: 'By its id.' }),
  status: by.oneOf('status', ApprovalStatusEnum, { description: 'By where it stands.' }),
  employee: by.relation('employeeId', 'Employee', { description: 'By who asks.' }),
  run: by.id('run', { column: 'runId', description: 'By the run that waits for it.' }),
  requestedAt: by.dateTime('requestedAt', { description: 'By when it was asked.' }),
})

const approvalList = listOf('Approval', {
  table: 'approval',
  model: 'Approval',
  type: Approval,
  filter: approvalFilter,
  order: { REQUESTED: { description: 'When it was asked.', columns: [{ column: 'requestedAt' }] } },
  defaultOrder: [{ column: 'requestedAt', direction: 'DESC' }],
})

builder.queryField('approvals', (t) =>
  t.field(
    approvalList.all({
      description: 'What employees asked for, the newest first.',
      args: (arg) => ({
        status: arg.field({ type: [ApprovalStatusEnum], description: 'Only those that stand like this.' }),
      }),
      where: ({ status }) => (status == null ? undefined : { status: { in: status } }),
    }),
  ),
)
builder.queryField('approval', (t) => t.field(byIdField('Approval', 'An approval by its id.')))

// ------------------------------------------------------------------ mutations

mutation('decideApproval', {
  description:
    'Says yes or no to an act. What comes too late is not an error: the approval then says EXPIRED or STALE, and the act is not done.',
  permission: 'APPROVALS_DECIDE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The approval.' }),
    decision: t.field({ type: ApprovalDecisionEnum, required: true, description: 'Yes or no.' }),
    editedInput: t.field({
      type: 'JSON',
      description: 'Other arguments than the employee gave, whole; checked as its own are. Only with APPROVE.',
    }),
    reason: t.string({ description: 'Why; the employee reads it. 5,000 characters at most.' }),
    ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
  }),
  parse: decideApprovalInput,
  verb: async (tx, input) => {
    const { approvalId } = await decideApproval(tx, input)
    return { approvalId }
  },
  payload: (t) => ({
    approval: t.field(
      nodeField('Approval', 'The approval as it is now.', ({ approvalId }: { approvalId: string }) => approvalId),
    ),
  }),
  errors: ['NOT_FOUND'],
})

// ------------------------------------------------------------------ events

const approval = eventNode('Approval', 'The approval.')

const details = eventDetails(approvalEvents, {
  requested: (t) => ({ approval: t.field(approval) }),
  approved: (t) => ({ approval: t.field(approval) }),
  rejected: (t) => ({ approval: t.field(approval) }),
  expired: (t) => ({ approval: t.field(approval) }),
  stale: (t) => ({ approval: t.field(approval) }),
  executed: (t) => ({ approval: t.field(approval) }),
  failed: (t) => ({ approval: t.field(approval) }),
})

topic('approvalRequested', details.requested, { description: 'Employees that ask whether they may act.' })
topic('approvalExpired', details.expired, { description: 'What nobody decided in time.' })
