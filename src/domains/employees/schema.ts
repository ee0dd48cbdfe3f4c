import DataLoader from 'dataloader'
import { Actor } from '../../platform/graphql/actor.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import type { GraphQLContext } from '../../platform/graphql/context.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import { Money } from '../../platform/graphql/money.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { loadById, node } from '../../platform/graphql/node.ts'
import { byIdField, eventNode, nodeField, optionalNodeField } from '../../platform/graphql/node-field.ts'
import { PeriodInput, periodOf } from '../../platform/graphql/period.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import type { Activity, EmployeeState } from './activity.ts'
import { EmployeeRoleEnum } from './enums.ts'
import { employeeEvents } from './events.ts'
import { loadActivities, loadSpending } from './loaders.ts'
import {
  type Autonomy,
  changeEmployeeStatusInput,
  createEmployeeInput,
  EMPLOYEE_TOOLS,
  type EmployeeStatus,
  updateEmployeeInput,
} from './model.ts'
import { createEmployee, offboardEmployee, pauseEmployee, resumeEmployee, updateEmployee } from './service.ts'

// ------------------------------------------------------------------ types

const EmployeeStatusEnum = describeEnum<EmployeeStatus>('EmployeeStatus', 'Whether an employee takes work.', {
  ACTIVE: 'Takes work and does it.',
  PAUSED: 'Takes none until it is resumed.',
  OFFBOARDED: 'Has left for good.',
})

const AutonomyEnum = describeEnum<Autonomy>(
  'Autonomy',
  'How far an employee goes without asking, from least to most.',
  {
    OBSERVE: 'Reads and reports, changes nothing.',
    DRAFT: 'Asks before every act.',
    SUPERVISED: 'Acts inside the house; asks before sending, spending and deleting.',
    AUTONOMOUS: 'Acts within its tools and budget.',
  },
)

const EmployeeStateEnum = describeEnum<EmployeeState>('EmployeeState', 'What an employee is about.', {
  IDLE: 'Has nothing to do.',
  WORKING: 'Works, or is about to.',
  WAITING: 'Waits for somebody or something.',
  STUCK:
    'Gets no further: no step finished for as long as the workspace’s `stuckAfter`, or what it waits for is overdue.',
  FAILED: 'Could not do the last thing it was given.',
  PAUSED: 'Was told to stop.',
})

const EmployeeActivity = builder.objectRef<Activity>('EmployeeActivity').implement({
  description: 'What an employee is doing at this moment.',
  fields: (t) => ({
    state: t.expose('state', { type: EmployeeStateEnum, description: 'What it is about.' }),
    text: t.exposeString('text', { description: 'The same in words: `Waiting for Ada since 09:41`.' }),
    since: t.expose('since', { type: 'DateTime', description: 'Since when.' }),
    waitingFor: t.field({
      type: Actor,
      nullable: true,
      description: 'Who can go on; null when it waits for nobody.',
      resolve: ({ waitingFor }) => waitingFor,
    }),
    approval: t.field(
      optionalNodeField('Approval', 'What it asked for and waits for.', ({ approvalId }: Activity) => approvalId),
    ),
  }),
})

const activityOf = (id: string, ctx: GraphQLContext): Promise<Activity> =>
  ctx.loaders
    .get(
      'employee activity',
      () =>
        new DataLoader<string, Activity>(async (ids) => {
          // Since when somebody is paused is read from the log.
          await ctx.feed.ownChangesLogged()
          const found = await ctx.db.read(ctx.workspaceId, (sql) => loadActivities(sql, ids, ctx.clock.now()))
          return ids.map((each) => found.get(each) ?? new Error(`no activity of employee ${each}`))
        }),
    )
    .load(id)

const Employee = builder.prismaNode('Employee', {
  ...node('Employee', { kind: 'employee', name: 'name' }),
  permission: 'EMPLOYEES_READ',
  description: 'A worker: instructions, tools and a model that thinks.',
  fields: (t) => ({
    name: t.exposeString('name'),
    title: t.exposeString('title'),
    role: t.expose('role', { type: EmployeeRoleEnum, description: 'What it is hired for.' }),
    status: t.expose('status', { type: EmployeeStatusEnum, description: 'Whether it takes work.' }),
    autonomy: t.expose('autonomy', { type: AutonomyEnum, description: 'How far it goes without asking.' }),
    email: t.expose('email', { type: 'EmailAddress', nullable: true }),
    instructions: t.exposeString('instructions'),
    tools: t.exposeStringList('tools'),
    model: t.exposeString('model', { nullable: true }),
    version: t.exposeInt('version'),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was hired.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When anything about it changed last.' }),
    activity: t.field({
      type: EmployeeActivity,
      description: 'What it is doing now, in one line: `Waiting for Ada since 09:41`.',
      select: { id: true },
      resolve: ({ id }, _args, ctx) => activityOf(id, ctx),
    }),
    currentRun: t.field({
      ...optionalNodeField('Run', 'The run that `activity` is about; null when it is idle.', () => null),
      select: { id: true },
      resolve: async ({ id }, _args, ctx, info) => {
        const { runId } = await activityOf(id, ctx)
        return runId === null ? null : await loadById('Run', runId, ctx, info)
      },
    }),
    goals: t.relation('goals', {
      nullable: true,
      description: 'What it is to reach and to keep, the most important first.',
      query: { orderBy: [{ priority: 'desc' }, { id: 'asc' }] },
    }),
    spent: t.field({
      type: Money,
      description: 'What its runs that began in the period have cost in model calls.',
      args: { period: t.arg({ type: PeriodInput, required: true, description: 'Which period.' }) },
      select: { id: true },
      resolve: async ({ id }, { period }, ctx) => {
        const { from, to } = periodOf(period, ctx.clock.now())
        const key = period.last ?? `${from.toISOString()} ${to.toISOString()}`
        const micros = await ctx.loaders
          .get(
            `employee spent ${key}`,
            () =>
              new DataLoader<string, bigint>(async (ids) => {
                const found = await ctx.db.read(ctx.workspaceId, (sql) => loadSpending(sql, ids, { from, to }))
                return ids.map((each) => found.get(each) ?? 0n)
              }),
          )
          .load(id)
        return { micros, currency: 'USD' }
      },
    }),
    events: t.field(timeline('employee', 'What happened to it, oldest first.')),
  }),
})

// ------------------------------------------------------------------ queries

const employeeFilter = by.filterOf('Employee', 'employee', {
  id: by.id('employee', { description: 'By its id.' }),
  name: by.text({ column: 'name', folded: 'nameFolded', search: 'employee_ids' }, { description: 'By its name.' }),
  role: by.oneOf('role', EmployeeRoleEnum, { description: 'By what it is hired for.' }),
  status: by.oneOf('status', EmployeeStatusEnum, { description: 'By whether it takes work.' }),
  autonomy: by.oneOf('autonomy', AutonomyEnum, { description: 'By how far it goes without asking.' }),
  createdAt: by.dateTime('createdAt', { description: 'By when it was hired.' }),
})

const employeeList = listOf('Employee', {
  table: 'employee',
  model: 'Employee',
  type: Employee,
  filter: employeeFilter,
  order: {
    NAME: { description: 'Its name.', columns: [{ column: 'nameFolded' }] },
    CREATED: { description: 'When it was hired.', columns: [{ column: 'createdAt' }] },
  },
  defaultOrder: [{ column: 'createdAt', direction: 'ASC' }],
})

builder.queryField('employees', (t) => t.field(employeeList.all({ description: 'Employees, the oldest first.' })))
builder.queryField('employee', (t) => t.field(byIdField('Employee', 'An employee by its id.')))

// ------------------------------------------------------------------ mutations

const payload = nodeField(
  'Employee',
  'The employee as it is now.',
  ({ employeeId }: { employeeId: string }) => employeeId,
)
const outcome = ({ id }: { readonly id: string }) => ({ employeeId: id })

const TOOLS = `Names of the tools it may use, of: ${EMPLOYEE_TOOLS.join(', ')}.`
const EMAIL = 'The address its mail comes from, through a mail server of the workspace’s own, and is answered at.'
const INSTRUCTIONS = 'Standing instructions, in plain language; 20,000 characters at most.'
const MODEL = 'The model it thinks with; null is the workspace’s default.'

mutation('createEmployee', {
  description: 'Hires an employee; it takes work at once.',
  permission: 'EMPLOYEES_WRITE',
  input: (t) => ({
    id: t.id({ description: 'Made by you, if you like: sending twice makes one.' }),
    name: t.string({ required: true, description: 'What colleagues call it.' }),
    role: t.field({ type: EmployeeRoleEnum, required: true, description: 'What it is hired for.' }),
    title: t.string({ required: true, description: 'Its job title.' }),
    autonomy: t.field({ type: AutonomyEnum, required: true, description: 'How far it goes without asking.' }),
    email: t.field({ type: 'EmailAddress', description: EMAIL }),
    instructions: t.string({ description: INSTRUCTIONS }),
    tools: t.stringList({ description: TOOLS }),
    model: t.string({ description: MODEL }),
  }),
  parse: createEmployeeInput,
  verb: async (tx, input) => outcome(await createEmployee(tx, input)),
  payload: (t) => ({ employee: t.field(payload) }),
})

mutation('updateEmployee', {
  description:
    'Changes an employee: it gets a new version, runs that have begun keep theirs. What is left out stays as it is, null clears.',
  permission: 'EMPLOYEES_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The employee.' }),
    ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
    name: t.string({ description: 'What colleagues call it. Cannot be cleared.' }),
    role: t.field({ type: EmployeeRoleEnum, description: 'What it is hired for. Cannot be cleared.' }),
    title: t.string({ description: 'Its job title. Cannot be cleared.' }),
    autonomy: t.field({ type: AutonomyEnum, description: 'How far it goes without asking. Cannot be cleared.' }),
    email: t.field({ type: 'EmailAddress', description: EMAIL }),
    instructions: t.string({ description: `${INSTRUCTIONS} Cannot be cleared: write an empty text.` }),
    tools: t.stringList({ description: `${TOOLS} Cannot be cleared: give an empty list.` }),
    model: t.string({ description: MODEL }),
  }),
  parse: updateEmployeeInput,
  verb: async (tx, input) => outcome(await updateEmployee(tx, input)),
  payload: (t) => ({ employee: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

const STATUS_CHANGES = {
  pauseEmployee: {
    description: 'Stops an employee: it takes no work, and what it is doing stops at the next boundary.',
    verb: pauseEmployee,
  },
  resumeEmployee: {
    description: 'Lets a paused employee work again, and what stood still go on.',
    verb: resumeEmployee,
  },
  offboardEmployee: {
    description: 'Lets an employee go, for good: its open runs are cancelled.',
    verb: offboardEmployee,
  },
}
for (const [name, { description, verb }] of Object.entries(STATUS_CHANGES)) {
  mutation(name, {
    description,
    permission: 'EMPLOYEES_WRITE',
    input: (t) => ({
      id: t.id({ required: true, description: 'The employee.' }),
      ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
    }),
    parse: changeEmployeeStatusInput,
    verb: async (tx, input) => outcome(await verb(tx, input)),
    payload: (t) => ({ employee: t.field(payload) }),
    errors: ['NOT_FOUND'],
  })
}

// ------------------------------------------------------------------ events

const details = eventDetails(employeeEvents, {
  created: (t) => ({ employee: t.field(eventNode('Employee', 'The new employee.')) }),
  updated: (t) => ({ employee: t.field(eventNode('Employee', 'The employee.')) }),
  paused: (t) => ({ employee: t.field(eventNode('Employee', 'The employee.')) }),
  resumed: (t) => ({ employee: t.field(eventNode('Employee', 'The employee.')) }),
  offboarded: (t) => ({ employee: t.field(eventNode('Employee', 'The employee that left.')) }),
})

topic('employeePaused', details.paused, { description: 'Employees that are told to stop.' })
topic('employeeResumed', details.resumed, { description: 'Employees that work again.' })
