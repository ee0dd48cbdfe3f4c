import { beforeAll, expect, test } from 'vitest'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import type { Tenant } from './house.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()
let iris: string

beforeAll(async () => {
  iris = await hire(acme)
})

async function hire(tenant: Tenant, name = 'Iris') {
  const input = { name, role: 'SDR', title: 'Sales development', autonomy: 'AUTONOMOUS' }
  const made = await tenant.mutate('createEmployee', input, 'employee { id }')
  return (made.employee as { id: string }).id
}

const meetings = {
  title: '10 meetings a week',
  kind: 'ACHIEVE',
  comparator: 'GTE',
  target: 10,
  unit: 'meetings',
  window: 'P7D',
}
const answered = { title: 'Answered within 2 h', kind: 'MAINTAIN', comparator: 'LTE', target: 2, unit: 'h' }

const set = async (input: Record<string, unknown> = meetings, tenant = acme, employee = iris) => {
  const made = await tenant.mutate('createGoal', { employee, ...input }, 'goal { id }')
  expect(made.__typename).toBe('CreateGoalPayload')
  return (made.goal as { id: string }).id
}
const measure = async (id: string, value: number) =>
  (await acme.mutate('recordGoalProgress', { id, value }, 'goal { status current baseline attainment met }')).goal

const timelineOf = async (id: string) => {
  const { goal } = await acme.query('query($id: ID!) { goal(id: $id) { timeline { nodes { type summary } } } }', { id })
  return (goal as { timeline: { nodes: { type: string; summary: string }[] } }).timeline.nodes
}

test('a goal is set with all that was given and stands with its employee, the most important first', async () => {
  const employee = await hire(acme, 'Marco')
  await set({ ...meetings, priority: 3 }, acme, employee)
  await set({ ...answered, priority: 9, dueAt: '2030-01-01T00:00:00Z', description: 'Every lead.' }, acme, employee)
  const { employee: found } = await acme.query(
    `query($id: ID!) { employee(id: $id) { goals { title description kind status priority comparator target unit window dueAt
      attainment met version owner { name } } } }`,
    { id: employee },
  )
  expect((found as { goals: unknown }).goals).toEqual([
    {
      ...answered,
      description: 'Every lead.',
      status: 'ON_TRACK',
      priority: 9,
      window: null,
      dueAt: '2030-01-01T00:00:00.000Z',
      attainment: null,
      met: null,
      version: 1,
      owner: { name: 'Marco' },
    },
    {
      ...meetings,
      description: '',
      status: 'ACTIVE',
      priority: 3,
      dueAt: null,
      attainment: null,
      met: null,
      version: 1,
      owner: { name: 'Marco' },
    },
  ])
})

test('a goal to be reached fills up as it is measured, and a person closes it', async () => {
  const id = await set()
  expect(await measure(id, 4)).toEqual({ status: 'ACTIVE', current: 4, baseline: null, attainment: 0.4, met: false })
  expect(await measure(id, 11)).toEqual({ status: 'ACTIVE', current: 11, baseline: null, attainment: 1, met: true })
  const achieved = await acme.mutate('achieveGoal', { id }, 'goal { status closedAt }')
  expect(achieved.goal).toEqual({ status: 'ACHIEVED', closedAt: expect.any(String) })
  expect(await timelineOf(id)).toEqual([
    { type: 'GOAL_CREATED', summary: 'Test key gave Iris the goal 10 meetings a week' },
    { type: 'GOAL_PROGRESSED', summary: 'Test key measured 10 meetings a week to 4 meetings' },
    { type: 'GOAL_PROGRESSED', summary: 'Test key measured 10 meetings a week from 4 to 11 meetings' },
    { type: 'GOAL_ACHIEVED', summary: 'Test key marked the goal 10 meetings a week as achieved' },
  ])
})

test('a goal to be kept stands by its last measurement, its first one being where it started', async () => {
  const id = await set(answered)
  expect(await measure(id, 6)).toEqual({ status: 'BREACHED', current: 6, baseline: 6, attainment: 0, met: false })
  expect(await measure(id, 4)).toEqual({ status: 'BREACHED', current: 4, baseline: 6, attainment: 0.5, met: false })
  expect(await measure(id, 2.1)).toMatchObject({ status: 'AT_RISK', met: false })
  expect(await measure(id, 2)).toMatchObject({ status: 'ON_TRACK', attainment: 1, met: true })
  expect((await timelineOf(id)).at(-1)?.summary).toBe(
    'Test key measured Answered within 2 h from 2.1 to 2 h, back on track',
  )
})

test('a goal to be kept is never completed', async () => {
  const id = await set(answered)
  for (const verb of ['achieveGoal', 'missGoal']) {
    expect(await acme.mutate(verb, { id })).toEqual({
      __typename: 'ConflictError',
      reason: 'ILLEGAL_TRANSITION',
      current: { id },
    })
  }
})

test('a blocked goal goes on where its figures say, and one that was given up is closed for good', async () => {
  const id = await set(answered)
  await measure(id, 6)
  const blocked = await acme.mutate('blockGoal', { id, reason: 'No inbox' }, 'goal { status statusReason }')
  expect(blocked.goal).toEqual({ status: 'BLOCKED', statusReason: 'No inbox' })
  expect(await measure(id, 1)).toMatchObject({ status: 'BLOCKED', current: 1 })
  const unblocked = await acme.mutate('unblockGoal', { id }, 'goal { status statusReason }')
  expect(unblocked.goal).toEqual({ status: 'ON_TRACK', statusReason: null })
  const abandoned = await acme.mutate('abandonGoal', { id, reason: 'Not ours' }, 'goal { status statusReason }')
  expect(abandoned.goal).toEqual({ status: 'ABANDONED', statusReason: 'Not ours' })
  const closed = { __typename: 'ConflictError', reason: 'CLOSED', current: { id } }
  expect(await acme.mutate('recordGoalProgress', { id, value: 1 })).toEqual(closed)
  expect(await acme.mutate('updateGoal', { id, title: 'Again' })).toEqual(closed)
  expect(await acme.mutate('unblockGoal', { id })).toMatchObject({ reason: 'ILLEGAL_TRANSITION' })
  expect((await timelineOf(id)).slice(-2).map(({ summary }) => summary)).toEqual([
    'Test key unblocked the goal Answered within 2 h',
    'Test key gave up the goal Answered within 2 h: Not ours',
  ])
})

test('in an update what is left out stays, null clears, and a kept goal is judged anew', async () => {
  const id = await set(answered)
  await measure(id, 3)
  const updated = await acme.mutate(
    'updateGoal',
    { id, ifVersion: 2, target: 4, unit: null, priority: 8 },
    'goal { title target unit priority status version }',
  )
  expect(updated.goal).toEqual({
    title: 'Answered within 2 h',
    target: 4,
    unit: null,
    priority: 8,
    status: 'ON_TRACK',
    version: 3,
  })
  expect(await acme.mutate('updateGoal', { id, ifVersion: 2, priority: 1 })).toMatchObject({ reason: 'STALE_VERSION' })
})

test('figures that do not go together are named, and nothing is written', async () => {
  const id = await set({ title: 'Explore', kind: 'EXPLORE' })
  const before = await acme.footprint()
  const issuesOf = async (input: Record<string, unknown>) =>
    (await acme.mutate('createGoal', { employee: iris, title: 'Odd', kind: 'ACHIEVE', ...input })).issues
  expect(await issuesOf({ target: 1 })).toEqual([{ field: 'comparator', code: 'REQUIRED' }])
  expect(await issuesOf({ comparator: 'GTE' })).toEqual([{ field: 'target', code: 'REQUIRED' }])
  expect(await issuesOf({ comparator: 'BETWEEN', target: 1 })).toEqual([{ field: 'targetMax', code: 'REQUIRED' }])
  expect(await issuesOf({ comparator: 'BETWEEN', target: 2, targetMax: 1 })).toEqual([
    { field: 'targetMax', code: 'TOO_SMALL' },
  ])
  expect(await issuesOf({ comparator: 'LTE', target: 2, targetMax: 3 })).toEqual([
    { field: 'targetMax', code: 'NOT_ALLOWED' },
  ])
  expect(await issuesOf({ priority: 11, title: 'x' })).toEqual([
    { field: 'title', code: 'TOO_SHORT' },
    { field: 'priority', code: 'TOO_LARGE' },
  ])
  expect(await acme.mutate('updateGoal', { id, target: 3 })).toMatchObject({ issues: [{ field: 'comparator' }] })
  expect(await acme.mutate('recordGoalProgress', { id, value: 3 })).toMatchObject({
    issues: [{ field: 'id', code: 'NOT_ALLOWED' }],
  })
  expect(await acme.mutate('blockGoal', { id, reason: ' ' })).toMatchObject({ issues: [{ field: 'reason' }] })
  const employee = encodeId('employee', newId())
  expect(await acme.mutate('createGoal', { ...meetings, employee })).toEqual({
    __typename: 'NotFoundError',
    id: employee,
  })
  expect(await acme.footprint()).toBe(before)
})

const inputs = (id: string): readonly [string, Record<string, unknown>][] => [
  ['updateGoal', { id, title: 'Mine' }],
  ['recordGoalProgress', { id, value: 1 }],
  ['achieveGoal', { id }],
  ['missGoal', { id }],
  ['abandonGoal', { id, reason: 'Mine' }],
  ['blockGoal', { id, reason: 'Mine' }],
  ['unblockGoal', { id }],
]

test('a key without the permission is refused each change, and nothing is written', async () => {
  const id = await set()
  const before = await acme.footprint()
  const reader = await acme.as(['GOALS_READ'])
  const forbidden = { __typename: 'ForbiddenError', needs: 'GOALS_WRITE' }
  expect(await reader.mutate('createGoal', { ...meetings, employee: iris })).toEqual(forbidden)
  for (const [verb, input] of inputs(id)) expect(await reader.mutate(verb, input)).toEqual(forbidden)
  expect(await acme.footprint()).toBe(before)
})

test('another workspace’s goal and employee are not found and not changed', async () => {
  const other = await house.workspace('Other')
  const employee = await hire(other)
  const id = await set(meetings, other, employee)
  const before = await other.footprint()
  for (const [verb, input] of inputs(id)) {
    expect(await acme.mutate(verb, input)).toEqual({ __typename: 'NotFoundError', id })
  }
  expect(await acme.mutate('createGoal', { ...meetings, employee })).toEqual({
    __typename: 'NotFoundError',
    id: employee,
  })
  expect(await other.footprint()).toBe(before)
})

test('goals are found by employee and status', async () => {
  const tenant = await house.workspace('Lists')
  const [a, b] = [await hire(tenant, 'Ann'), await hire(tenant, 'Ben')]
  const first = await set(meetings, tenant, a)
  const second = await set(answered, tenant, b)
  const ids = async (filter: string) => {
    const { goals } = await tenant.query(`{ goals(filter: { ${filter} }) { nodes { id } } }`)
    return (goals as { nodes: { id: string }[] }).nodes.map(({ id }) => id)
  }
  expect(await ids(`employee: { eq: "${a}" }`)).toEqual([first])
  expect(await ids('status: { eq: ON_TRACK }')).toEqual([second])
  expect(await ids('createdAt: { gte: "-PT1H" }')).toEqual([second, first])
})

test('who follows one employee’s goals is told when one of them is measured', async () => {
  const other = await hire(acme, 'Olga')
  const [mine, theirs] = [await set(), await set(meetings, acme, other)]
  const items = await acme.follow(`subscription { goalProgressed(employee: "${iris}") { goal { id } from to } }`)
  const next = items.next()
  await measure(theirs, 1)
  await measure(mine, 2)
  expect((await next).value).toEqual({ goalProgressed: { goal: { id: mine }, from: null, to: 2 } })
})
