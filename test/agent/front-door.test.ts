import { rmSync } from 'node:fs'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { type App, createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { PERMISSIONS, type Permission } from '../../src/platform/auth/viewer.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { testLog } from '../support/context.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { Office, type OfficeOptions } from './arrange.ts'

/** Runs, approvals and the budget as clients see them: a whole server that works runs, over HTTP and WebSocket. */

type Json = Record<string, unknown>

let database: TestDatabase
let folder: string
let app: App
beforeAll(async () => {
  database = await createTestDatabase()
  folder = openTemporaryFolder('cadre-front-door-')
  app = await createApp({
    config: loadConfig({ DATABASE_URL: database.url, PORT: '0', CADRE_DIR: folder }, false),
    log: testLog,
    urls: { appUrl: database.url, systemUrl: database.url, systemDirectUrl: database.url },
    serve: true,
    work: true,
    development: true,
  })
})
afterAll(async () => {
  await app.close()
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

async function keyOf(office: Office, permissions: readonly Permission[]): Promise<string> {
  const { key } = await office.do((tx) =>
    issueApiKey(tx, {
      memberId: office.memberId,
      name: 'Test key',
      permissions: [...permissions],
      environment: 'TEST',
      expiresAt: null,
    }),
  )
  return key
}

async function open(options: OfficeOptions = {}) {
  const office = await Office.open(app.db, database.url, options)
  const ask = async (query: string, variables: Json = {}, key?: string): Promise<{ data?: Json; errors?: Json[] }> => {
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key ?? (await all)}` },
      body: JSON.stringify({ query, variables }),
    })
    return (await response.json()) as { data?: Json; errors?: Json[] }
  }
  const all = keyOf(office, PERMISSIONS)
  const data = async (query: string, variables: Json = {}, key?: string): Promise<Json> => {
    const answer = await ask(query, variables, key)
    if (answer.errors !== undefined || answer.data === undefined) throw new Error(JSON.stringify(answer.errors))
    return answer.data
  }
  const follow = async (query: string, variables: Json): Promise<Json[]> => {
    const client = createClient({
      url: `${app.url}/graphql`.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${await all}` },
    })
    const items: Json[] = []
    for await (const { data: item, errors } of client.iterate({ query, variables })) {
      if (errors !== undefined) throw new Error(JSON.stringify(errors))
      items.push(item as Json)
    }
    await client.dispose()
    return items
  }
  const until = async (runId: string, status: string): Promise<void> => {
    while ((await office.run(runId)).status !== status) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { office, data, follow, until, key: (permissions: readonly Permission[]) => keyOf(office, permissions) }
}

const ERRORS = `
  ... on InvalidInputError { issues { field code message } }
  ... on ConflictError { reason message current { id } }
  ... on ForbiddenError { needs }
  ... on NotFoundError { id }`
const DECIDE = `mutation ($input: DecideApprovalInput!) { decideApproval(input: $input) { __typename
  ... on DecideApprovalPayload { cursor approval { status decisionReason decidedBy { kind name } } } ${ERRORS} } }`
const CANCEL = `mutation ($input: CancelRunInput!) { cancelRun(input: $input) { __typename
  ... on CancelRunPayload { cursor run { status reason reasonText } } ${ERRORS} } }`

describe('a run', () => {
  it('is watched from its first step to its end over a socket, and tells the same when it is read afterwards', async () => {
    const { office, data, follow } = await open()
    const { runId } = await office.lead({ wants_call: true })
    const updates = await follow(
      `subscription ($run: ID!) { runProgress(run: $run) { __typename
        ... on RunChanged { cursor run { status } }
        ... on StepChanged { cursor step { id index kind status title detail { __typename } } }
        ... on CaughtUp { cursor } } }`,
      { run: encodeId('run', runId) },
    )
    const seen = updates.map(({ runProgress }) => runProgress as Json & { step: Json; run: Json })
    expect(seen.filter((update) => update.__typename === 'CaughtUp')).toHaveLength(1)
    expect(seen.at(-1)).toMatchObject({ __typename: 'RunChanged', run: { status: 'SUCCEEDED' } })

    const { run } = await data(
      `query ($id: ID!) { run(id: $id) {
        status reason title trigger rehearsal model cost { micros currency } tokens { input output }
        employee { name } submission { id status run { id } } deal { name } waitingFor { name }
        steps(first: 50) { nodes { id index kind status title detail { __typename
          ... on ModelTurn { model text rehearsal tokens { input } }
          ... on ToolCall { tool input output isError decision rule effect { status target } approval { id } } } } }
        timeline(first: 50) { nodes { type summary } } } }`,
      { id: encodeId('run', runId) },
    )
    const read = run as Json & { steps: { nodes: Json[] }; timeline: { nodes: { summary: string }[] } }
    expect(read).toMatchObject({
      status: 'SUCCEEDED',
      reason: 'DONE',
      trigger: 'SUBMISSION',
      rehearsal: true,
      cost: { micros: '0', currency: 'USD' },
      employee: { name: 'Iris' },
      submission: { status: 'PROCESSED', run: { id: encodeId('run', runId) } },
      deal: { name: 'Nimbus Labs' },
    })
    const last = new Map(seen.flatMap(({ step }) => (step === undefined ? [] : [[step.id, step.title] as const])))
    expect([...last.keys()].sort()).toEqual(read.steps.nodes.map(({ id }) => id).sort())
    const email = read.steps.nodes.find(({ detail }) => (detail as Json).tool === 'send_email')
    expect(email).toMatchObject({
      status: 'DONE',
      detail: {
        decision: 'ALLOW',
        rule: 'autonomous_acts',
        effect: { status: 'CONFIRMED' },
        output: { via: 'FILE' },
        approval: null,
      },
    })
    expect(read.timeline.nodes.map(({ summary }) => summary)).toContain(
      'Iris finished: Work on Nimbus Labs from Book a demo',
    )
    await office.close()
  })

  it('that waits is cancelled through the API, once; a stranger’s or foreign one is not', async () => {
    const { office, data, until, key } = await open({ autonomy: 'SUPERVISED' })
    const { runId } = await office.lead({ wants_call: true })
    await until(runId, 'WAITING')
    const id = encodeId('run', runId)
    const cancel = async (input: Json, withKey?: string) => (await data(CANCEL, { input }, withKey)).cancelRun as Json

    expect(await cancel({ id }, await key(['RUNS_READ']))).toMatchObject({
      __typename: 'ForbiddenError',
      needs: 'RUNS_WRITE',
    })
    const other = await open()
    expect((await other.data(CANCEL, { input: { id } })).cancelRun).toMatchObject({ __typename: 'NotFoundError' })
    expect(await cancel({ id: encodeId('run', newId()) })).toMatchObject({ __typename: 'NotFoundError' })
    expect(await cancel({ id, reason: 'x'.repeat(1_001) })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ field: 'reason', code: 'TOO_LONG' }],
    })
    expect(await cancel({ id, reason: 'Not now.' })).toMatchObject({
      __typename: 'CancelRunPayload',
      run: { status: 'CANCELLED', reason: 'CANCELLED_BY', reasonText: 'Not now.' },
    })
    expect(await cancel({ id })).toMatchObject({ __typename: 'ConflictError', reason: 'CLOSED', current: { id } })
    await office.close()
    await other.office.close()
  })

  it('is found by status and employee, and a foreign one by nothing', async () => {
    const { office, data } = await open()
    const { runId } = await office.lead()
    const other = await open()
    const query = `query ($employee: ID!) { runs(filter: { employee: { id: { eq: $employee } } }) { totalCount nodes { id } } }`
    const employee = encodeId('employee', office.employeeId)
    expect(await data(query, { employee })).toMatchObject({
      runs: { totalCount: 1, nodes: [{ id: encodeId('run', runId) }] },
    })
    expect(await other.data(query, { employee })).toMatchObject({ runs: { totalCount: 0, nodes: [] } })
    expect(
      await other.data('query ($id: ID!) { run(id: $id) { id } node(id: $id) { id } }', { id: encodeId('run', runId) }),
    ).toEqual({
      run: null,
      node: null,
    })
    await office.close()
    await other.office.close()
  })
})

describe('an approval', () => {
  it('is listed, decided and carried out through the API', async () => {
    const { office, data, until, key } = await open({ autonomy: 'SUPERVISED' })
    const { runId } = await office.lead({ wants_call: true })
    await until(runId, 'WAITING')
    const { approvals } = (await data(
      `{ approvals(status: [PENDING]) { nodes { id title status risk tool input changes { field from to } reason onExpiry version
          waitsFor { name } employee { name } run { status waitingKind waitingFor { name } } } } }`,
    )) as { approvals: { nodes: (Json & { id: string; input: Json })[] } }
    const [approval] = approvals.nodes
    if (approval === undefined) throw new Error('nobody asked')
    expect(approval).toMatchObject({
      risk: 'EXTERNAL_SEND',
      waitsFor: { name: 'Ada' },
      employee: { name: 'Iris' },
      run: { status: 'WAITING', waitingKind: 'APPROVAL', waitingFor: { name: 'Ada' } },
    })
    const decide = async (input: Json, withKey?: string) =>
      (await data(DECIDE, { input }, withKey)).decideApproval as Json
    const { id } = approval

    expect(await decide({ id, decision: 'APPROVE' }, await key(['APPROVALS_READ']))).toMatchObject({
      __typename: 'ForbiddenError',
      needs: 'APPROVALS_DECIDE',
    })
    const other = await open()
    expect((await other.data(DECIDE, { input: { id, decision: 'APPROVE' } })).decideApproval).toMatchObject({
      __typename: 'NotFoundError',
    })
    expect(await decide({ id, decision: 'APPROVE', editedInput: { ...approval.input, subject: '' } })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ field: 'editedInput.subject' }],
    })
    expect(await decide({ id, decision: 'REJECT', editedInput: approval.input })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ field: 'editedInput' }],
    })
    expect((await office.approvals(runId)).map(({ status }) => status)).toEqual(['PENDING'])

    expect(await decide({ id, decision: 'APPROVE', reason: 'Go ahead.' })).toMatchObject({
      __typename: 'DecideApprovalPayload',
      approval: { status: 'APPROVED', decisionReason: 'Go ahead.', decidedBy: { kind: 'API_KEY', name: 'Test key' } },
    })
    await until(runId, 'SUCCEEDED')
    expect(await decide({ id, decision: 'REJECT' })).toMatchObject({
      __typename: 'ConflictError',
      reason: 'CLOSED',
      current: { id },
    })
    expect(await data('query ($id: ID!) { approval(id: $id) { status } }', { id })).toEqual({
      approval: { status: 'EXECUTED' },
    })
    await office.close()
    await other.office.close()
  })
})

describe('the budget', () => {
  it('of today is shown with what was spent, held and lost', async () => {
    const { office, data } = await open({ dailyBudgetMicros: 2_500_000n })
    await office.rows(
      `insert into budget_day (workspace_id, day, held_micros, settled_micros, lost_micros)
       values ($1, (now() at time zone 'utc')::date, 10, 20, 30)`,
    )
    expect(await data('{ budget { limit { text } spent { micros } held { micros } lost { micros } } }')).toEqual({
      budget: { limit: { text: '$2.50' }, spent: { micros: '20' }, held: { micros: '10' }, lost: { micros: '30' } },
    })
    await office.close()
  })
})
