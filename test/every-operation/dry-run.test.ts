import { randomUUID } from 'node:crypto'
import { type Client, createClient } from 'graphql-ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { RowsByTable } from '../../src/platform/db/row-counts.ts'
import type { DryRunReport } from '../../src/platform/graphql/dry-run.ts'
import { permissionsOfField } from '../../src/platform/graphql/permission-plugin.ts'
import type { Answer, Request } from './asker.ts'
import { type House, openHouse, type Workspace } from './house.ts'
import { documentOfMany, idPlacesOf, mutations, type Operation, payloadOf, placesOf } from './operations.ts'
import { outcomeOf } from './outcomes.ts'
import { findOwnCall, type OwnCall, requestOf } from './own-calls.ts'
import { makePlenty } from './plenty.ts'
import { selectionOf } from './selections.ts'
import { type Traces, tracesOf } from './traces.ts'

let house: House
let client: Client

beforeAll(async () => {
  house = await openHouse()
  await makePlenty(house.a)
  const { authorization } = house.a.all
  client = createClient({ url: house.narrowDoor, webSocketImpl: WebSocket, connectionParams: { authorization } })
})
afterAll(async () => {
  await client.dispose()
  await house.close()
})

const now = async (): Promise<Workspace> => ({ ...house.a, ids: await house.idsOf(house.a) })

/** With all that has been committed in the log already: nobody moves anything any more. */
async function settledTraces(): Promise<Traces> {
  await house.events.sequencer.sequencePass()
  return await tracesOf(house)
}

/** The server has read all that is in the log, so that its place there stays the same. */
async function readToTheEnd(): Promise<void> {
  const newest = house.db.systemSql.selectFrom('eventLog').select('outboxId').orderBy('position', 'desc').limit(1)
  const { outboxId } = await newest.executeTakeFirstOrThrow()
  await house.events.feed.waitFor(await house.events.feed.positionOf(outboxId))
}

interface SocketAnswer {
  readonly data?: Readonly<Record<string, unknown>> | null | undefined
  readonly errors?: unknown
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined
}

/** Over a WebSocket, and over one connection to the database. */
async function overSocket({ query, variables = {} }: Request): Promise<SocketAnswer> {
  for await (const result of client.iterate({ query, variables })) return result as SocketAnswer
  throw new Error('nothing was answered')
}

const reportIn = ({ text }: Answer): object =>
  (JSON.parse(text) as { extensions: { dryRun: object } }).extensions.dryRun

// What was written into the log is not in it yet, and may be when it is done.
const isOfLog = (typename: string): boolean => typename === 'EventConnection'

const shownOf = ({ field }: Operation): string => selectionOf(field.type, 1, isOfLog)

type Leaves = Readonly<Record<string, unknown>>

/** The values of an answer by their paths. */
function leavesOf(value: unknown, path = ''): Leaves {
  if (typeof value !== 'object' || value === null) return { [path]: value }
  const members = Object.entries(value).map(([key, member]) => leavesOf(member, path === '' ? key : `${path}.${key}`))
  return Object.assign({ [path]: Array.isArray(value) ? 'a list' : 'a thing' }, ...members)
}

const IN_LOG = /(^|_)cursor$/
const SECRET = /(^|_)secret$/

/** Two that were tried tell what is another each time, as ids and moments are; in all else they all are one. */
function expectAlike([first, second]: readonly [unknown, unknown], others: readonly [unknown, unknown]): void {
  const [one, again] = [leavesOf(first), leavesOf(second)]
  const differences = (other: Leaves) =>
    Object.keys(one).filter((path) => one[path] !== other[path] && !IN_LOG.test(path) && !SECRET.test(path))
  const changing = differences(again)
  const typesIn = (leaves: Leaves) => changing.map((path) => [path, typeof leaves[path]])
  for (const other of [again, ...others.map((each) => leavesOf(each))]) {
    expect(Object.keys(other)).toEqual(Object.keys(one))
    expect(differences(other).filter((path) => !changing.includes(path))).toEqual([])
    expect(typesIn(other)).toEqual(typesIn(one))
  }
  const [tried, done] = others.map((each) => leavesOf(each)) as [Leaves, Leaves]
  for (const path of Object.keys(one).filter((each) => SECRET.test(each))) {
    const shown = [one, again, tried, done].map((leaves) => typeof leaves[path])
    expect(shown).toEqual(['object', 'object', 'object', 'string'])
  }
}

/** That a report tells of every table what has become of it since. */
function expectToldRows(rows: RowsByTable | undefined, before: Traces, after: Traces): void {
  const { event_outbox: told, ...others } = rows ?? {}
  const grown = (table: string) => (after.tables[table]?.count ?? 0) - (before.tables[table]?.count ?? 0)
  expect({ events: told?.inserted ?? 0 }).toEqual({ events: grown('event_outbox') + grown('event_log') })
  const isLog = (table: string) => /^(event_|idempotency_claim$|dbos\.)/.test(table)
  for (const table of Object.keys(after.tables).filter((each) => !isLog(each))) {
    const { inserted = 0, updated = 0, deleted = 0 } = others[table] ?? {}
    const isChanged = before.tables[table]?.digest !== after.tables[table]?.digest
    expect({ table, grown: inserted - deleted }).toEqual({ table, grown: grown(table) })
    if (isChanged) expect({ table, written: inserted + updated + deleted }).not.toEqual({ table, written: 0 })
  }
}

/** That a report tells of every run that is put into the queue, and no cost where one is. */
function expectToldRuns({ effects, cost }: DryRunReport, before: Traces, after: Traces): void {
  const [was = 0, is = 0] = [before, after].map(({ tables }) => tables['dbos.workflow_status']?.count)
  expect(effects.filter(({ kind }) => kind === 'RUN_QUEUED')).toHaveLength(is - was)
  const works = effects.some(({ kind }) => kind === 'RUN_QUEUED' || kind === 'RUNS_WOKEN')
  expect(cost).toEqual(works ? undefined : { amount: '0.00', currency: 'USD' })
}

type Asker = Workspace['all']

/** Calls that must be refused: ids that are none, a text without end, and by who may not. */
function refusedCalls(operation: Operation): (readonly [Asker, Readonly<Record<string, unknown>>])[] {
  const { all, none } = house.a
  const ids = idPlacesOf(operation).filter(({ path }) => path.split('.').length === 2)
  const texts = placesOf(operation).filter(({ type }) => type.name === 'String')
  const isPublic = permissionsOfField(operation.field).includes('public')
  return [
    ...ids.map(({ path }) => [all, { [path]: 'nonsense' }] as const),
    ...texts.slice(0, 1).map(({ path }) => [all, { [path]: 'long '.repeat(20_000) }] as const),
    ...(isPublic ? [] : [none, house.anonymous].map((asker) => [asker, {}] as const)),
  ]
}

async function expectSameRefusals(operation: Operation, call: OwnCall): Promise<void> {
  const selection = selectionOf(operation.field.type, 0, (typename) => typename === payloadOf(operation))
  const calls = refusedCalls(operation)
  expect(calls.length).toBeGreaterThan(0)
  for (const [asker, more] of calls) {
    const { variables = {} } = requestOf('', operation, call, more)
    const ask = (directive: string) =>
      asker.ask({ query: documentOfMany(operation, { [operation.name]: directive }, selection), variables })
    const real = outcomeOf(operation, await ask(''))
    expect(real.code).toMatch(/^(INVALID_INPUT|FORBIDDEN|UNAUTHENTICATED|NOT_FOUND)$/)
    expect(outcomeOf(operation, await ask('@dryRun'))).toEqual(real)
  }
}

test('a visitor without a credential may try what is public, in the workspace that the address names', async () => {
  const query = `mutation ($input: SubmitFormInput!) {
    submitForm(input: $input) @dryRun { ... on SubmitFormPayload { id replayed cursor } ... on UserError { code message } }
  }`
  const input = { form: { path: '/f/aalto/aalto-worked' }, answers: { email: 'new@visitors.example' } }
  const before = await settledTraces()
  await readToTheEnd()
  const answer = await house.anonymous.ask({ query, variables: { input } })
  expect(answer.data).toEqual({
    submitForm: { id: expect.stringMatching(/^submission_/), replayed: false, cursor: house.events.feed.cursor() },
  })
  const report = reportIn(answer) as DryRunReport
  expect(report.rows).toMatchObject({ submission: { inserted: 1 }, run: { inserted: 1 } })
  expect(report.effects).toEqual([{ kind: 'RUN_QUEUED', id: expect.stringMatching(/^run_/) }])
  expect(report).not.toHaveProperty('cost')
  expect(await settledTraces()).toEqual(before)
})

for (const operation of mutations) {
  const { name } = operation

  test(`${name} is tried with the refusals and the payload that it has when it is done, and nothing is kept`, async () => {
    const { all } = house.a
    const call = await findOwnCall(operation, await now(), all, { changing: true })
    const { variables = {} } = requestOf('', operation, call)
    const key = randomUUID()
    const query = documentOfMany(operation, { [name]: '@dryRun' }, shownOf(operation))

    const before = await settledTraces()
    await expectSameRefusals(operation, call)
    const answer = await all.ask({ query, variables, headers: { 'idempotency-key': key } })
    const again = await overSocket({ query, variables })
    expect(await settledTraces()).toEqual(before)
    expect(outcomeOf(operation, answer)).toEqual({ code: 'DONE', message: '' })
    expect({ errors: answer.errors, overSocket: again.errors }).toEqual({ errors: [], overSocket: undefined })
    // A run that is made has another id each time.
    expect({ ...(again.extensions?.dryRun ?? {}), effects: [] }).toEqual({ ...reportIn(answer), effects: [] })

    // The same key for both: the one that is tried neither uses it up nor is answered from it.
    const both = { tried: `@dryRun @idempotent(key: "${key}")`, done: `@idempotent(key: "${key}")` }
    const whole = await all.ask({ query: documentOfMany(operation, both, shownOf(operation)), variables })
    const after = await settledTraces()
    const { tried: report } = reportIn(whole) as { tried: DryRunReport }
    expect(whole.errors).toEqual([])
    expect(after).not.toEqual(before)
    expectToldRows(report.rows, before, after)
    expectToldRuns(report, before, after)
    const { tried, done } = whole.data as Readonly<Record<string, unknown>>
    expect(done).toMatchObject({ __typename: payloadOf(operation) })
    expectAlike([(answer.data as Readonly<Record<string, unknown>>)[name], again.data?.[name]], [tried, done])
  })
}
