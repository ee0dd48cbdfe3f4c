import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { ask, createDeal, type House, type SampleServer, serveSample } from './server.ts'

let server: SampleServer
let acme: House

// With one connection: a dry run that took a second one would wait for itself.
beforeAll(async () => {
  server = await serveSample({ appConnections: 1 })
  acme = await server.house()
})
afterAll(async () => {
  await server.close()
  expect(server.logged).toEqual([])
})

const CREATED = `__typename
  ... on CreateDealPayload {
    cursor
    deal { id name stage { name } owner { name } runs { totalCount nodes { title } } timeline { nodes { summary } } }
  }
  ... on UserError { code message }
  ... on InvalidInputError { issues { field code } }`
const MOVED = `__typename
  ... on MoveDealPayload { cursor deal { id version stage { name } } }
  ... on UserError { code message }
  ... on ConflictError { reason current { id } }
  ... on NotFoundError { id }`

const TRY_CREATE = `mutation ($input: CreateDealInput!) { createDeal(input: $input) @dryRun { ${CREATED} } }`
const NOTHING = { rows: {}, effects: [], approvals: [], cost: { amount: '0.00', currency: 'USD' } }
const ROWS = {
  deal: { inserted: 1, updated: 0, deleted: 0 },
  event_outbox: { inserted: 1, updated: 0, deleted: 0 },
}

/** What there is of deals and events. */
async function everything(): Promise<unknown> {
  const { rows } = await server.db.system.query(
    'select (select count(*) from event_outbox) + (select count(*) from event_log) as events',
  )
  const deals = await server.db.read(acme.id, (sql) => sql.selectFrom('deal').selectAll().orderBy('id').execute())
  const claims = await server.db.read(acme.id, (sql) => sql.selectFrom('idempotencyClaim').selectAll().execute())
  return { events: rows, deals, claims }
}

test('a dry run answers with the payload, tells what it would write, and keeps nothing of it', async () => {
  const before = await everything()
  const { data: now } = await ask(server, acme.key, '{ cursor }')
  const { data, errors, extensions } = await ask(server, acme.key, TRY_CREATE, {
    input: { name: 'Tried', stage: acme.open },
  })
  expect(errors).toBeUndefined()
  expect(data.createDeal).toEqual({
    __typename: 'CreateDealPayload',
    cursor: now.cursor,
    deal: {
      id: expect.stringMatching(/^deal_/),
      name: 'Tried',
      stage: { name: 'Open' },
      owner: null,
      runs: { totalCount: 0, nodes: [] },
      timeline: { nodes: [] },
    },
  })
  expect(extensions.dryRun).toEqual({ ...NOTHING, rows: ROWS })
  expect(extensions.cost?.requested).toBeGreaterThan(0)
  expect(await everything()).toEqual(before)
  const { data: later } = await ask(server, acme.key, 'query ($id: ID!) { deal(id: $id) { id } }', {
    id: data.createDeal.deal.id,
  })
  expect(later.deal).toBeNull()
})

test('in one document some are tried and some are done, in their order, each seeing what was done before it', async () => {
  const id = encodeId('deal', newId())
  const variables = { make: { id, name: 'Mixed', stage: acme.open }, move: { id, stage: acme.won } }
  const text = `mutation ($make: CreateDealInput!, $move: MoveDealInput!, $never: Boolean = false) {
    early: moveDeal(input: $move) @dryRun { ${MOVED} }
    tried: createDeal(input: $make) @dryRun { ${CREATED} }
    ...Rest
    skipped: moveDeal(input: $move) @include(if: $never) { __typename }
  }
  fragment Rest on Mutation {
    made: createDeal(input: $make) { ${CREATED} }
    ... { late: moveDeal(input: $move) @dryRun { ${MOVED} } }
  }`
  const key = { 'idempotency-key': randomUUID() }
  const { data, extensions } = await ask(server, acme.key, text, variables, key)
  expect(Object.keys(data)).toEqual(['early', 'tried', 'made', 'late'])
  expect(data.early).toMatchObject({ __typename: 'NotFoundError', id })
  expect(data.tried.deal).toMatchObject({ id, name: 'Mixed' })
  expect(data.made.deal).toMatchObject({ id, name: 'Mixed' })
  expect(data.late.deal).toEqual({ id, version: 2, stage: { name: 'Won' } })
  expect(extensions.dryRun).toEqual({
    early: NOTHING,
    tried: { ...NOTHING, rows: ROWS },
    late: { ...NOTHING, rows: { ...ROWS, deal: { inserted: 0, updated: 1, deleted: 0 } } },
  })
  const { data: read } = await ask(server, acme.key, 'query ($id: ID!) { deal(id: $id) { version } }', { id })
  expect(read.deal).toEqual({ version: 1 })
  // The header's key is that of the one that was done, by the name it has among all.
  const again = await ask(server, acme.key, text, variables, key)
  expect(again.data.made.cursor).toBe(data.made.cursor)
  const { data: claimed } = await ask(
    server,
    acme.key,
    'mutation ($make: CreateDealInput!) { createDeal(input: $make) { ... on CreateDealPayload { cursor } } }',
    variables,
    { 'idempotency-key': `${key['idempotency-key']}:made` },
  )
  expect(claimed.createDeal.cursor).toBe(data.made.cursor)
})

test('a failure takes the whole answer with it, and what was to come after it is not tried', async () => {
  const { plain } = await server.key(acme, ['DEALS_READ'])
  const text = `mutation ($input: CreateDealInput!) {
    one: createDeal(input: $input) @dryRun { ... on CreateDealPayload { deal { name } } ... on UserError { code } }
    two: createDeal(input: $input) @dryRun { ... on CreateDealPayload { cursor } ... on UserError { code } }
  }`
  const input = { name: 'Refused', stage: acme.open }
  const anonymous = await ask(server, undefined, text, { input })
  expect(anonymous.data).toBeNull()
  expect(anonymous.errors).toMatchObject([{ path: ['one'], extensions: { code: 'UNAUTHENTICATED' } }])
  expect(anonymous.extensions.dryRun).toEqual({ one: NOTHING })
  const forbidden = await ask(server, plain, text, { input })
  expect(forbidden.data).toEqual({ one: { code: 'FORBIDDEN' }, two: { code: 'FORBIDDEN' } })
})

test('every refusal is that of the real thing, and tells that nothing would be written', async () => {
  const id = await createDeal(server, acme, 'Refuses')
  const before = await everything()
  const move = (dry: string) => `mutation ($input: MoveDealInput!) { moveDeal(input: $input) ${dry} { ${MOVED} } }`
  const create = (dry: string) =>
    `mutation ($input: CreateDealInput!) { createDeal(input: $input) ${dry} { ${CREATED} } }`
  for (const [text, input] of [
    [move, { id, stage: acme.won, ifVersion: 7 }],
    [move, { id: encodeId('deal', newId()), stage: acme.won }],
    [move, { id, stage: encodeId('stage', newId()) }],
    [create, { id, name: 'Taken', stage: acme.open }],
    [create, { name: ' ', stage: acme.open }],
    [create, { name: 'x', stage: 'nothing' }],
  ] as const) {
    const real = await ask(server, acme.key, text(''), { input })
    const dry = await ask(server, acme.key, text('@dryRun'), { input })
    expect(dry.data).toEqual(real.data)
    expect(Object.values(real.data)[0]).toMatchObject({ __typename: expect.stringMatching(/Error$/) })
    expect(dry.extensions.dryRun).toEqual(NOTHING)
  }
  expect(await everything()).toEqual(before)
})

test('an idempotency key is neither used up nor answered from, and a bad one is refused as ever', async () => {
  const headers = { 'idempotency-key': randomUUID() }
  const input = { name: 'Keyed', stage: acme.open }
  const make = `mutation ($input: CreateDealInput!) { createDeal(input: $input) { ${CREATED} } }`
  await ask(server, acme.key, TRY_CREATE, { input: { name: 'Another', stage: acme.open } }, headers)
  const made = await ask(server, acme.key, make, { input }, headers)
  expect(made.data.createDeal.deal).toMatchObject({ name: 'Keyed' })
  const tried = await ask(server, acme.key, TRY_CREATE, { input }, headers)
  expect(tried.data.createDeal.deal.id).not.toBe(made.data.createDeal.deal.id)
  expect(tried.extensions.dryRun).toMatchObject({ rows: ROWS })
  const long = await ask(server, acme.key, TRY_CREATE, { input }, { 'idempotency-key': 'x'.repeat(201) })
  expect(long.data.createDeal).toMatchObject({ issues: [{ field: 'Idempotency-Key', code: 'TOO_LONG' }] })
})

test('a dry run that may not show all of its payload is rolled back too, and the next one is whole', async () => {
  const { plain } = await server.key(acme, ['DEALS_WRITE'])
  const text = `mutation ($input: CreateDealInput!) {
    createDeal(input: $input) @dryRun { ... on CreateDealPayload { deal { name stage { name } } } }
  }`
  const input = { name: 'Half shown', stage: acme.open }
  const before = await everything()
  const { errors } = await ask(server, plain, text, { input })
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  expect(await everything()).toEqual(before)
  const { data } = await ask(server, acme.key, text, { input })
  expect(data.createDeal.deal).toEqual({ name: 'Half shown', stage: { name: 'Open' } })
})

test('the directive is refused wherever it would be overlooked', async () => {
  const input = { name: 'Overlooked', stage: acme.open }
  const before = await everything()
  for (const text of [
    `mutation ($input: CreateDealInput!) { createDeal(input: $input) { ... on CreateDealPayload { deal @dryRun { id } } } }`,
    `mutation ($input: CreateDealInput!) { createDeal(input: $input) { __typename @dryRun } }`,
    `query ($input: CreateDealInput) { cursor @dryRun }`,
    `mutation ($input: CreateDealInput!) @dryRun { createDeal(input: $input) { __typename } }`,
  ]) {
    const { data, errors } = await ask(server, acme.key, text, { input })
    expect({ data, code: errors?.[0].extensions.code }).toEqual({ data: undefined, code: 'INVALID_INPUT' })
  }
  expect(await everything()).toEqual(before)
})

test('a name in the answer that is an object’s own is only a name', async () => {
  const text = `mutation ($input: CreateDealInput!) {
    __proto__: createDeal(input: $input) @dryRun { ... on CreateDealPayload { deal { name } } }
    b: createDeal(input: $input) @dryRun { __typename }
  }`
  const { data, extensions } = await ask(server, acme.key, text, { input: { name: 'Proto', stage: acme.open } })
  expect(Object.entries(data)).toEqual([
    ['__proto__', { deal: { name: 'Proto' } }],
    ['b', { __typename: 'CreateDealPayload' }],
  ])
  expect(Object.keys(extensions.dryRun as object)).toEqual(['__proto__', 'b'])
})

test('many at once over one connection are answered one after the other', async () => {
  const id = await createDeal(server, acme, 'Crowded')
  const text = `mutation ($input: MoveDealInput!) { moveDeal(input: $input) @dryRun { ${MOVED} } }`
  const answers = await Promise.all(
    Array.from({ length: 25 }, () => ask(server, acme.key, text, { input: { id, stage: acme.won } })),
  )
  for (const { data } of answers) expect(data.moveDeal.deal).toEqual({ id, version: 2, stage: { name: 'Won' } })
})
