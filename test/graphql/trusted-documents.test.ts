import { createHash } from 'node:crypto'
import { getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type House, type SampleServer, serveSample } from './server.ts'
import { eventsOf, RawSocket } from './wire.ts'

// Documents that are known before anybody asks, the same over HTTP, WebSocket and server-sent events.

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
// As code generation writes it: on one line, in an order of its own.
const DEALS = 'query Deals { deals(first: 1) { nodes { id name } totalCount } }'
const SAME_DEALS = `# The deals.
query Deals {
  deals(first: 1) { totalCount nodes { name, id } }
}`
const MOVED = 'subscription Moved { dealStageChanged { to { name } } }'
const WRITE = 'mutation Write($input: CreateDealInput!) { createDeal(input: $input) { __typename } }'
const ID = `sha256:${sha256(DEALS)}`
const known = new Map([
  [ID, DEALS],
  ['moved', MOVED],
  ['x-mine:write', WRITE],
])
const REFUSED = { code: 'INVALID_INPUT' }

let only: SampleServer
let both: SampleServer
let house: House
let openHouse: House

beforeAll(async () => {
  only = await serveSample({ documents: { known, only: true }, introspection: false })
  both = await serveSample({ documents: { known, only: false } })
  house = await only.house()
  openHouse = await both.house()
})
afterAll(async () => {
  await only?.close()
  await both?.close()
  expect([...only.logged, ...both.logged]).toEqual([])
})

const headersOf = (of: House) => ({
  'content-type': 'application/json',
  accept: 'application/graphql-response+json',
  authorization: `Bearer ${of.key}`,
})
async function post(at: SampleServer, of: House, body: object) {
  const response = await fetch(`${at.http.url}/graphql`, {
    method: 'POST',
    headers: headersOf(of),
    body: JSON.stringify(body),
  })
  // biome-ignore lint/suspicious/noExplicitAny: an answer's shape is what each test asks about.
  return { status: response.status, ...((await response.json()) as { data?: any; errors?: any[] }) }
}
async function get(at: SampleServer, of: House, parameters: Record<string, string>) {
  const { 'content-type': _, ...headers } = headersOf(of)
  const response = await fetch(`${at.http.url}/graphql?${new URLSearchParams(parameters)}`, { headers })
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  return { status: response.status, ...((await response.json()) as { data?: any; errors?: any[] }) }
}
const apollo = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: sha256(text) } })
const ANSWER = { status: 200, data: { deals: { totalCount: 0 } } }

describe.each([
  ['where only known documents are taken', () => [only, house] as const],
  ['where all documents are taken', () => [both, openHouse] as const],
])('%s', (_where, place) => {
  test.each([
    ['its digest', { documentId: ID }],
    ['its digest without a prefix', { documentId: ID.slice(7) }],
    ['an Apollo client’s hash', { extensions: apollo(DEALS) }],
    ['its digest, with its text', { documentId: ID, query: DEALS }],
    ['an Apollo client’s hash, with its text', { extensions: apollo(DEALS), query: DEALS }],
    ['its text', { query: DEALS }],
    ['its text in another order, with comments', { query: SAME_DEALS }],
  ])('a document is had by %s', async (_what, body) => {
    expect(await post(...place(), body)).toMatchObject(ANSWER)
  })

  test('a document is had with GET, and a mutation is not', async () => {
    expect(await get(...place(), { documentId: ID })).toMatchObject(ANSWER)
    expect(await get(...place(), { extensions: JSON.stringify(apollo(DEALS)) })).toMatchObject(ANSWER)
    expect(await get(...place(), { documentId: 'x-mine:write', variables: '{"input":{"name":"x"}}' })).toMatchObject({
      status: 400,
    })
    const variables = JSON.stringify({ input: { name: 'By GET', stage: place()[1].open } })
    expect((await get(...place(), { documentId: 'x-mine:write', variables })).status).toBe(405)
    expect(await post(...place(), { documentId: ID })).toMatchObject(ANSWER)
  })

  test('an id of one’s own names a mutation, with variables', async () => {
    const variables = { input: { name: 'Acme', stage: 'stage_none' } }
    const { data } = await post(...place(), { documentId: 'x-mine:write', variables })
    expect(data.createDeal.__typename).toMatch(/Error$/)
  })

  test.each([
    ['that nobody knows', { documentId: `sha256:${'0'.repeat(64)}` }],
    ['of another text', { documentId: ID, query: MOVED }],
    ['whose text was changed', { extensions: apollo(DEALS), query: `${DEALS.slice(0, -1)} cursor }` }],
    ['that is no text', { documentId: 7 }],
    ['that is empty', { documentId: '' }],
    ['of a property of every object', { documentId: '__proto__' }],
  ])('an id %s is one clear error', async (_what, body) => {
    const { status, data, errors } = await post(...place(), body)
    expect([status, data, errors?.length]).toEqual([400, undefined, 1])
    expect(errors?.[0].extensions).toEqual(REFUSED)
  })

  test('over a WebSocket an id is enough, or comes with an empty text', async () => {
    const [at, of] = place()
    const socket = await new RawSocket(at).opened({ authorization: `Bearer ${of.key}` })
    for (const payload of [
      { documentId: ID },
      { documentId: ID, query: '' },
      { query: '', extensions: apollo(DEALS) },
    ]) {
      socket.send({ type: 'subscribe', id: 'd', payload })
      expect(await socket.next()).toMatchObject({ type: 'next', payload: { data: ANSWER.data } })
      expect(await socket.next()).toMatchObject({ type: 'complete' })
    }
    socket.send({ type: 'subscribe', id: 'n', payload: { documentId: 'nothing' } })
    expect(await socket.next()).toMatchObject({ type: 'error', payload: [{ extensions: REFUSED }] })
    socket.socket.close()
  })

  test('over server-sent events an id is enough', async () => {
    const [at, of] = place()
    const authorization = `Bearer ${of.key}`
    const events = eventsOf(at, { documentId: ID }, { authorization })
    expect((await events.next()).value).toMatchObject({ event: 'next', data: { data: ANSWER.data } })
    const unknown = eventsOf(at, { documentId: 'nothing' }, { authorization })
    expect((await unknown.next()).value).toMatchObject({ data: { errors: [{ extensions: REFUSED }] } })
  })
})

describe('another document, where only known ones are taken,', () => {
  test.each([
    ['a field more', `${DEALS.slice(0, -1)} cursor }`],
    ['a variable in place of a value', 'query Deals($n: Int) { deals(first: $n) { nodes { id name } totalCount } }'],
    ['a value of its own', DEALS.replace('first: 1', 'first: 100')],
    ['a second operation beside', `${DEALS} query Other { cursor }`],
    ['a look at the schema', getIntrospectionQuery()],
    ['nothing but its type', '{ __typename }'],
    ['nonsense', '{ deals'],
    ['brackets without an end', `{ a(b: ${'['.repeat(30_000)}`],
  ])('with %s is refused', async (_what, query) => {
    const { status, data, errors } = await post(only, house, { query })
    expect([status, data, errors?.length]).toEqual([400, undefined, 1])
    expect(errors?.[0]).toMatchObject({ message: expect.stringContaining('known documents only'), extensions: REFUSED })
    const authorization = `Bearer ${house.key}`
    expect((await get(only, house, { query: query.slice(0, 5_000) })).errors?.[0].extensions).toEqual(REFUSED)
    const socket = await new RawSocket(only).opened({ authorization })
    socket.subscribe('s', query)
    expect(await socket.next()).toMatchObject({ type: 'error', payload: [{ extensions: REFUSED }] })
    socket.socket.close()
    const events = eventsOf(only, { query }, { authorization })
    expect((await events.next()).value).toMatchObject({ data: { errors: [{ extensions: REFUSED }] } })
  })
})

test('where all documents are taken, an Apollo client is told to send the whole text, and it is answered', async () => {
  const text = '{ deals(first: 2) { totalCount } }'
  const { errors } = await post(both, openHouse, { extensions: apollo(text) })
  expect(errors?.map(({ message }) => message)).toEqual(['PersistedQueryNotFound'])
  expect(await post(both, openHouse, { extensions: apollo(text), query: text })).toMatchObject(ANSWER)
})

test('the schema may be asked for where that is switched on, and nothing else is let in by it', async () => {
  const shown = await serveSample({ documents: { known, only: true }, introspection: true })
  const of = await shown.house()
  expect((await post(shown, of, { query: getIntrospectionQuery() })).data.__schema).toBeDefined()
  for (const query of [
    '{ __typename cursor }',
    '{ ...F } fragment F on Query { cursor }',
    '{ __schema { types { name } } cursor }',
  ]) {
    expect((await post(shown, of, { query })).errors?.[0].message).toContain('known documents only')
  }
  await shown.close()
})
