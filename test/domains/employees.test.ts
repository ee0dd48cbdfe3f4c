import { expect, test } from 'vitest'
import { startRun } from '../../src/domains/runs/service.ts'
import { decodeId, encodeId, newId } from '../../src/platform/lib/ids.ts'
import { whileHeld } from '../events/hold-sequencing.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()

const iris = { name: 'Iris', role: 'SDR', title: 'Sales development', autonomy: 'AUTONOMOUS' }

const hire = async (input: Record<string, unknown> = {}, tenant = acme) => {
  const made = await tenant.mutate('createEmployee', { ...iris, ...input }, 'employee { id }')
  return (made.employee as { id: string }).id
}
const rowId = (publicId: string) => decodeId('employee', publicId)

const employeeOf = async (id: string, selection: string, tenant = acme) =>
  (await tenant.query(`query($id: ID!) { employee(id: $id) { ${selection} } }`, { id })).employee as Record<
    string,
    unknown
  >

test('an employee is hired with all that was given and takes work at once', async () => {
  const made = await acme.mutate(
    'createEmployee',
    {
      ...iris,
      email: 'iris@acme.example',
      instructions: 'Be kind.',
      tools: ['open_deal', 'send_email'],
      model: 'claude',
    },
    'employee { name role title autonomy status email instructions tools model version }',
  )
  expect(made.employee).toEqual({
    ...iris,
    status: 'ACTIVE',
    email: 'iris@acme.example',
    instructions: 'Be kind.',
    tools: ['open_deal', 'send_email'],
    model: 'claude',
    version: 1,
  })
})

test('each change makes a version that keeps the definition, and runs can be pinned to every one', async () => {
  const id = await hire({ email: 'iris@acme.example' })
  const updated = await acme.mutate(
    'updateEmployee',
    { id, ifVersion: 1, title: 'Senior', email: null, tools: ['open_deal'] },
    'employee { title email tools name version }',
  )
  expect(updated.employee).toEqual({ title: 'Senior', email: null, tools: ['open_deal'], name: 'Iris', version: 2 })
  await acme.mutate('pauseEmployee', { id })
  const versions = await house.db.read(acme.id, (sql) =>
    sql
      .selectFrom('employeeVersion')
      .select(['version', 'definition'])
      .where('employeeId', '=', rowId(id))
      .orderBy('version')
      .execute(),
  )
  expect(versions).toMatchObject([
    { version: 1, definition: { title: 'Sales development', email: 'iris@acme.example', tools: [] } },
    { version: 2, definition: { title: 'Senior', email: null, tools: ['open_deal'], name: 'Iris' } },
    { version: 3, definition: { title: 'Senior' } },
  ])
  const { events } = await employeeOf(id, 'events { nodes { type summary changes { field from to } } }')
  expect((events as { nodes: unknown[] }).nodes).toMatchObject([
    { type: 'EMPLOYEE_CREATED', summary: 'Test key hired Iris' },
    {
      type: 'EMPLOYEE_UPDATED',
      summary: 'Test key changed Iris: title, its e-mail, its tools',
      changes: [
        { field: 'title', from: 'Sales development', to: 'Senior' },
        { field: 'email', to: null },
        { field: 'tools' },
      ],
    },
    { type: 'EMPLOYEE_PAUSED', summary: 'Test key paused Iris' },
  ])
})

test('an employee is paused, resumed and offboarded; what its status does not allow is a conflict', async () => {
  const id = await hire()
  const to = async (verb: string) => (await acme.mutate(verb, { id }, 'employee { status }')) as Record<string, unknown>
  const conflict = { __typename: 'ConflictError', reason: 'ILLEGAL_TRANSITION', current: { id } }
  expect(await to('resumeEmployee')).toEqual(conflict)
  expect((await to('pauseEmployee')).employee).toEqual({ status: 'PAUSED' })
  expect(await to('pauseEmployee')).toEqual(conflict)
  expect((await to('resumeEmployee')).employee).toEqual({ status: 'ACTIVE' })
  expect((await to('offboardEmployee')).employee).toEqual({ status: 'OFFBOARDED' })
  for (const verb of ['pauseEmployee', 'resumeEmployee', 'offboardEmployee']) expect(await to(verb)).toEqual(conflict)
  expect(await acme.mutate('updateEmployee', { id, name: 'Back' })).toMatchObject({ reason: 'CLOSED' })
})

test('offboarding cancels what the employee had to do', async () => {
  const id = await hire()
  const started = await house.db.inTransaction(acme.ctx, (tx) =>
    startRun(tx, { employeeId: rowId(id), trigger: 'PERSON', title: 'Work on Kite' }),
  )
  await acme.mutate('offboardEmployee', { id })
  const runs = await house.db.read(acme.id, (sql) =>
    sql.selectFrom('run').select(['id', 'status', 'reason']).where('employeeId', '=', rowId(id)).execute(),
  )
  expect(runs).toEqual([{ id: 'runId' in started && started.runId, status: 'CANCELLED', reason: 'CANCELLED_BY' }])
})

test('what an employee is doing is told in words, from its runs as they are', async () => {
  const id = await hire()
  const activity = async () => (await employeeOf(id, 'activity { state text waitingFor { name } }')).activity
  const setRun = (runId: string, values: object) =>
    house.db.inTransaction(acme.ctx, (tx) => tx.sql.updateTable('run').set(values).where('id', '=', runId).execute())
  expect(await activity()).toEqual({ state: 'IDLE', text: 'Idle', waitingFor: null })
  const started = await house.db.inTransaction(acme.ctx, (tx) =>
    startRun(tx, { employeeId: rowId(id), trigger: 'PERSON', title: 'Work on Kite' }),
  )
  const runId = 'runId' in started ? started.runId : ''
  expect(await activity()).toMatchObject({ state: 'WORKING', text: 'About to work on Kite' })
  const now = new Date()
  await setRun(runId, { status: 'RUNNING', startedAt: now })
  expect(await activity()).toMatchObject({ state: 'WORKING', text: 'Working on Kite' })
  expect((await employeeOf(id, 'currentRun { id }')).currentRun).toEqual({ id: encodeId('run', runId) })
  await setRun(runId, { startedAt: new Date(now.getTime() - 11 * 60_000) })
  expect(await activity()).toMatchObject({ state: 'STUCK' })
  const since = new Date('2026-01-02T09:41:00Z')
  await setRun(runId, { status: 'WAITING', waitingKind: 'PERSON', waitingSince: since, waitingMemberId: acme.memberId })
  expect(await activity()).toEqual({
    state: 'WAITING',
    text: 'Waiting for Ada since 2 Jan, 09:41',
    waitingFor: { name: 'Ada' },
  })
  const waited = { waitingKind: null, waitingSince: null, waitingMemberId: null }
  await setRun(runId, {
    ...waited,
    status: 'FAILED',
    reason: 'MODEL_REFUSED',
    reasonText: 'It refused.',
    finishedAt: now,
  })
  expect(await activity()).toMatchObject({ state: 'FAILED', text: 'Failed: It refused.' })
  expect((await employeeOf(id, 'activity { since }')).activity).toEqual({ since: now.toISOString() })
})

test('who pauses an employee once more is told since when at once, and not since the time before', async () => {
  const id = await hire({ name: 'Paused twice' })
  const paused = 'employee { activity { since } }'
  const before = await acme.mutate('pauseEmployee', { id }, paused)
  await acme.mutate('resumeEmployee', { id })
  const again = await whileHeld(house.db, () =>
    acme.query(`mutation { pauseEmployee(input: { id: "${id}" }) { ... on PauseEmployeePayload { ${paused} } } }`),
  )
  const since = (answer: unknown) => (answer as { employee: { activity: { since: string } } }).employee.activity.since
  expect(Date.parse(since(again.pauseEmployee))).toBeGreaterThan(Date.parse(since(before)))
})

test('a paused employee is paused since it was, also after it was changed', async () => {
  const id = await hire()
  const paused = await acme.mutate('pauseEmployee', { id }, 'employee { updatedAt }')
  const { updatedAt } = paused.employee as { updatedAt: string }
  await acme.mutate('updateEmployee', { id, title: 'On leave' })
  expect((await employeeOf(id, 'activity { state since }')).activity).toEqual({ state: 'PAUSED', since: updatedAt })
})

test('what an employee has spent is the cost of its runs that began in the period', async () => {
  const id = await hire()
  const insert = (createdAt: Date, costMicros: bigint) =>
    house.db.inTransaction(acme.ctx, async (tx) => {
      const started = await startRun(tx, { employeeId: rowId(id), trigger: 'PERSON', title: 'Work' })
      const runId = 'runId' in started ? started.runId : ''
      await tx.sql.updateTable('run').set({ createdAt, costMicros }).where('id', '=', runId).execute()
    })
  await insert(new Date(), 1_500_000n)
  await insert(new Date(Date.now() - 3_600_000), 250_000n)
  await insert(new Date('2026-01-02T00:00:00Z'), 7_000_000n)
  const spent = await employeeOf(
    id,
    `day: spent(period: { last: "P1D" }) { text currency }
     year: spent(period: { between: { from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z" } }) { micros }`,
  )
  expect(spent).toEqual({ day: { text: '$1.75', currency: 'USD' }, year: { micros: '7000000' } })
  const document = `query($id: ID!) { employee(id: $id) { spent(period: { last: "-P1D" }) { text } } }`
  expect(await acme.errorCodes(document, { id })).toEqual(['INVALID_INPUT'])
})

test('employees are found by name, role, status, autonomy and when they were hired', async () => {
  const tenant = await house.workspace('Lists')
  await hire({ name: 'Ïris', role: 'SDR' }, tenant)
  const marco = await hire({ name: 'Marco', role: 'SALES_AE', autonomy: 'DRAFT' }, tenant)
  await tenant.mutate('pauseEmployee', { id: marco })
  const names = async (filter: string) => {
    const { employees } = await tenant.query(
      `{ employees(filter: { ${filter} }, orderBy: [{ field: NAME }]) { nodes { name activity { state } } } }`,
    )
    return (employees as { nodes: { name: string }[] }).nodes.map(({ name }) => name)
  }
  expect(await names('')).toEqual(['Ïris', 'Marco'])
  expect(await names('name: { startsWith: "iri" }')).toEqual(['Ïris'])
  expect(await names('role: { eq: SALES_AE }')).toEqual(['Marco'])
  expect(await names('status: { in: [PAUSED] }')).toEqual(['Marco'])
  expect(await names('autonomy: { not: DRAFT }')).toEqual(['Ïris'])
  expect(await names('createdAt: { lt: "-PT1H" }')).toEqual([])
})

const VERBS = ['updateEmployee', 'pauseEmployee', 'resumeEmployee', 'offboardEmployee']

test('wrong fields are named, a stale version is a conflict, and nothing is written', async () => {
  const id = await hire()
  const before = await acme.footprint()
  expect(await acme.mutate('createEmployee', { ...iris, name: 'I', tools: ['launch_rocket'] })).toEqual({
    __typename: 'InvalidInputError',
    issues: [
      { field: 'name', code: 'TOO_SHORT' },
      { field: 'tools.0', code: 'NOT_ALLOWED' },
    ],
  })
  expect(await acme.mutate('updateEmployee', { id, name: null })).toEqual({
    __typename: 'InvalidInputError',
    issues: [{ field: 'name', code: 'REQUIRED' }],
  })
  for (const verb of VERBS) {
    expect(await acme.mutate(verb, { id, ifVersion: 7 })).toEqual({
      __typename: 'ConflictError',
      reason: 'STALE_VERSION',
      current: { id },
    })
  }
  expect(await acme.mutate('createEmployee', { ...iris, id })).toMatchObject({ reason: 'DUPLICATE' })
  expect(await acme.footprint()).toBe(before)
})

test('a key without the permission is refused each change, and nothing is written', async () => {
  const id = await hire()
  const before = await acme.footprint()
  const reader = await acme.as(['EMPLOYEES_READ'])
  const forbidden = { __typename: 'ForbiddenError', needs: 'EMPLOYEES_WRITE' }
  expect(await reader.mutate('createEmployee', iris)).toEqual(forbidden)
  for (const verb of VERBS) expect(await reader.mutate(verb, { id })).toEqual(forbidden)
  expect(await acme.footprint()).toBe(before)
})

test('another workspace’s employee is not found and not changed', async () => {
  const other = await house.workspace('Other')
  const id = await hire({}, other)
  const before = await other.footprint()
  for (const verb of VERBS) expect(await acme.mutate(verb, { id })).toEqual({ __typename: 'NotFoundError', id })
  expect(await other.footprint()).toBe(before)
  expect(await acme.query('query($id: ID!) { employee(id: $id) { id } node(id: $id) { id } }', { id })).toEqual({
    employee: null,
    node: null,
  })
})

test('who asks is told who they are, where, and with what permissions', async () => {
  const { viewer } = await (await acme.as(['WORKSPACE_READ'])).query(
    '{ viewer { actor { name kind } workspace { name timeZone currency } permissions } members { nodes { name role } } }',
  )
  expect(viewer).toEqual({
    actor: { name: 'Test key', kind: 'API_KEY' },
    workspace: { name: 'Acme', timeZone: 'UTC', currency: 'EUR' },
    permissions: ['WORKSPACE_READ'],
  })
})

test('an id nobody has is not found', async () => {
  const id = encodeId('employee', newId())
  expect(await acme.mutate('pauseEmployee', { id })).toEqual({ __typename: 'NotFoundError', id })
  expect(await acme.mutate('pauseEmployee', { id: 'Iris' })).toEqual({ __typename: 'NotFoundError', id: 'Iris' })
})
