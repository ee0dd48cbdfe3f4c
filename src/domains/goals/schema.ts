import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { node } from '../../platform/graphql/node.ts'
import { byIdField, eventNode, nodeField } from '../../platform/graphql/node-field.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { decodeId } from '../../platform/lib/ids.ts'
import { attainment, isMet, type Measure } from './attainment.ts'
import { goalEvents } from './events.ts'
import {
  type Comparator,
  createGoalInput,
  decideGoalInput,
  decideGoalWithReasonInput,
  type GoalKind,
  type GoalStatus,
  recordGoalProgressInput,
  updateGoalInput,
} from './model.ts'
import {
  abandonGoal,
  achieveGoal,
  blockGoal,
  createGoal,
  missGoal,
  recordGoalProgress,
  unblockGoal,
  updateGoal,
} from './service.ts'

// ------------------------------------------------------------------ types

const GoalKindEnum = describeEnum<GoalKind>('GoalKind', 'What is to be done about a goal.', {
  ACHIEVE: 'Reach it.',
  MAINTAIN: 'Keep it so.',
  PREVENT: 'See that it does not happen.',
  EXPLORE: 'Find out.',
})

const GoalStatusEnum = describeEnum<GoalStatus>('GoalStatus', 'Where a goal stands.', {
  ACTIVE: 'Is worked towards.',
  BLOCKED: 'Cannot be worked on at the moment.',
  ACHIEVED: 'Was reached.',
  MISSED: 'Was not reached.',
  ABANDONED: 'Was given up.',
  ON_TRACK: 'Is kept, as far as is known: also before the first measurement.',
  AT_RISK: 'Is hardly kept.',
  BREACHED: 'Is not kept.',
})

const ComparatorEnum = describeEnum<Comparator>('Comparator', 'How a measurement is held against the target.', {
  GTE: 'At least the target: more is better.',
  LTE: 'At most the target: less is better.',
  EQ: 'Exactly the target.',
  BETWEEN: 'Between `target` and `targetMax`.',
})

const MEASURE = { comparator: true, target: true, targetMax: true, baseline: true, current: true } as const

const measureOf = (goal: Omit<Measure, 'comparator'> & { readonly comparator: string | null }): Measure => ({
  ...goal,
  // A CHECK of the database lets nothing else be.
  comparator: goal.comparator as Comparator | null,
})

const Goal = builder.prismaNode('Goal', {
  ...node('Goal', { kind: 'goal', name: 'title' }),
  permission: 'GOALS_READ',
  description: 'What an employee is to reach or to keep.',
  fields: (t) => ({
    title: t.exposeString('title'),
    description: t.exposeString('description', { description: 'The same at length.' }),
    kind: t.expose('kind', { type: GoalKindEnum, description: 'What is to be done about it.' }),
    status: t.expose('status', { type: GoalStatusEnum, description: 'Where it stands.' }),
    statusReason: t.exposeString('statusReason', { nullable: true }),
    priority: t.exposeInt('priority'),
    owner: t.relation('employee', { nullable: true, description: 'Whose goal it is.' }),
    comparator: t.expose('comparator', {
      type: ComparatorEnum,
      nullable: true,
      description: 'How it is measured; null when it is not.',
    }),
    target: t.exposeFloat('target', { nullable: true }),
    targetMax: t.exposeFloat('targetMax', { nullable: true }),
    baseline: t.exposeFloat('baseline', { nullable: true }),
    current: t.exposeFloat('current', { nullable: true }),
    unit: t.exposeString('unit', { nullable: true }),
    window: t.expose('window', { type: 'Duration', nullable: true }),
    attainment: t.float({
      nullable: true,
      description: '0 to 1 towards the target, whichever way is better: a progress bar. Null before it is measured.',
      select: MEASURE,
      resolve: (goal) => attainment(measureOf(goal)),
    }),
    met: t.boolean({
      nullable: true,
      description: 'Whether the target is met now, by the comparator. Null before it is measured.',
      select: MEASURE,
      resolve: (goal) => isMet(measureOf(goal)),
    }),
    dueAt: t.expose('dueAt', { type: 'DateTime', nullable: true }),
    closedAt: t.expose('closedAt', { type: 'DateTime', nullable: true, description: 'When it was decided.' }),
    version: t.exposeInt('version'),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was set.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When anything about it changed last.' }),
    timeline: t.field(timeline('goal', 'What happened to it, oldest first.')),
  }),
})

// ------------------------------------------------------------------ queries

const goalFilter = by.filterOf('Goal', 'goal', {
  id: by.id('goal', { description: 'By its id.' }),
  employee: by.id('employee', { column: 'employeeId', description: 'By whose it is.' }),
  status: by.oneOf('status', GoalStatusEnum, { description: 'By where it stands.' }),
  createdAt: by.dateTime('createdAt', { description: 'By when it was set.' }),
})

const goalList = listOf('Goal', {
  table: 'goal',
  model: 'Goal',
  type: Goal,
  filter: goalFilter,
  order: { CREATED: { description: 'When it was set.', columns: [{ column: 'createdAt' }] } },
  defaultOrder: [{ column: 'createdAt', direction: 'DESC' }],
})

builder.queryField('goals', (t) => t.field(goalList.all({ description: 'Goals, the newest first.' })))
builder.queryField('goal', (t) => t.field(byIdField('Goal', 'A goal by its id.')))

// ------------------------------------------------------------------ mutations

const payload = nodeField('Goal', 'The goal as it is now.', ({ goalId }: { goalId: string }) => goalId)
const outcome = ({ id }: { readonly id: string }) => ({ goalId: id })

type InputBuilder = Parameters<Parameters<typeof mutation>[1]['input']>[0]

const figures = (t: InputBuilder) => ({
  comparator: t.field({ type: ComparatorEnum, description: 'How it is measured.' }),
  target: t.float({ description: 'What the measurement is held against.' }),
  targetMax: t.float({ description: 'The upper bound of BETWEEN.' }),
  baseline: t.float({ description: 'Where attainment counts from.' }),
  unit: t.string({ description: 'What is counted, for people: `meetings`, `h`, `%`.' }),
  window: t.field({ type: 'Duration', description: 'The period a measurement covers: `P7D`.' }),
  dueAt: t.field({ type: 'DateTime', description: 'When it is due.' }),
})

mutation('createGoal', {
  description: 'Gives an employee a goal.',
  permission: 'GOALS_WRITE',
  input: (t) => ({
    id: t.id({ description: 'Made by you, if you like: sending twice makes one.' }),
    employee: t.id({ required: true, description: 'Whose it is.' }),
    title: t.string({ required: true, description: 'What is to be reached, in one line.' }),
    description: t.string({ description: 'The same at length; 5,000 characters at most.' }),
    kind: t.field({ type: GoalKindEnum, required: true, description: 'What is to be done about it.' }),
    priority: t.int({ description: '1 (least) to 10 (most); 5 unless told.' }),
    ...figures(t),
  }),
  parse: createGoalInput,
  verb: async (tx, input) => outcome(await createGoal(tx, input)),
  payload: (t) => ({ goal: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

mutation('updateGoal', {
  description: 'Changes an open goal. What is left out stays as it is, null clears.',
  permission: 'GOALS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The goal.' }),
    ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
    employee: t.id({ description: 'Whose it is. Cannot be cleared.' }),
    title: t.string({ description: 'What is to be reached, in one line. Cannot be cleared.' }),
    description: t.string({ description: 'The same at length. Cannot be cleared: write an empty text.' }),
    priority: t.int({ description: '1 (least) to 10 (most). Cannot be cleared.' }),
    ...figures(t),
  }),
  parse: updateGoalInput,
  verb: async (tx, input) => outcome(await updateGoal(tx, input)),
  payload: (t) => ({ goal: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

const idAndVersion = (t: InputBuilder) => ({
  id: t.id({ required: true, description: 'The goal.' }),
  ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
})

mutation('recordGoalProgress', {
  description:
    'Records a measurement of an open goal. One that is to be kept stands ON_TRACK, AT_RISK or BREACHED by it; one that is to be reached is closed by `achieveGoal` or `missGoal`.',
  permission: 'GOALS_WRITE',
  input: (t) => ({
    ...idAndVersion(t),
    value: t.float({ required: true, description: 'What was measured, in the goal’s unit.' }),
  }),
  parse: recordGoalProgressInput,
  verb: async (tx, input) => outcome(await recordGoalProgress(tx, input)),
  payload: (t) => ({ goal: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

const DECISIONS = {
  achieveGoal: { description: 'Closes an active goal as reached.', verb: achieveGoal },
  missGoal: { description: 'Closes an active goal as not reached.', verb: missGoal },
  unblockGoal: { description: 'Says that a blocked goal can be worked on again.', verb: unblockGoal },
}
for (const [name, { description, verb }] of Object.entries(DECISIONS)) {
  mutation(name, {
    description,
    permission: 'GOALS_WRITE',
    input: idAndVersion,
    parse: decideGoalInput,
    verb: async (tx, input) => outcome(await verb(tx, input)),
    payload: (t) => ({ goal: t.field(payload) }),
    errors: ['NOT_FOUND'],
  })
}

const REASONED_DECISIONS = {
  abandonGoal: { description: 'Gives an open goal up.', verb: abandonGoal },
  blockGoal: { description: 'Says that a goal cannot be worked on at the moment.', verb: blockGoal },
}
for (const [name, { description, verb }] of Object.entries(REASONED_DECISIONS)) {
  mutation(name, {
    description,
    permission: 'GOALS_WRITE',
    input: (t) => ({
      ...idAndVersion(t),
      reason: t.string({ required: true, description: 'Why; 500 characters at most.' }),
    }),
    parse: decideGoalWithReasonInput,
    verb: async (tx, input) => outcome(await verb(tx, input)),
    payload: (t) => ({ goal: t.field(payload) }),
    errors: ['NOT_FOUND'],
  })
}

// ------------------------------------------------------------------ events

const figure = (value: unknown): number | null => (typeof value === 'number' ? value : null)

const details = eventDetails(goalEvents, {
  created: (t) => ({ goal: t.field(eventNode('Goal', 'The new goal.')) }),
  updated: (t) => ({ goal: t.field(eventNode('Goal', 'The goal.')) }),
  progressed: (t) => ({
    goal: t.field(eventNode('Goal', 'The goal.')),
    from: t.float({
      nullable: true,
      description: 'The measurement before; null for the first one.',
      resolve: ({ event }) => figure(event.data.from),
    }),
    to: t.float({ nullable: true, description: 'The measurement.', resolve: ({ event }) => figure(event.data.to) }),
  }),
  achieved: (t) => ({ goal: t.field(eventNode('Goal', 'The goal.')) }),
  missed: (t) => ({ goal: t.field(eventNode('Goal', 'The goal.')) }),
  blocked: (t) => ({ goal: t.field(eventNode('Goal', 'The goal.')) }),
  abandoned: (t) => ({ goal: t.field(eventNode('Goal', 'The goal.')) }),
})

topic('goalProgressed', details.progressed, {
  description: 'Goals as they are measured.',
  args: (t) => ({ employee: t.id({ description: 'Only goals of this employee.' }) }),
  where: ({ employee }) => {
    if (employee == null) return {}
    const employeeId = decodeId('employee', employee, 'Employee')
    return { matches: (event) => event.data.employeeId === employeeId }
  },
})
