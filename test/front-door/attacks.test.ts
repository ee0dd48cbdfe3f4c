// What the usual scanners try on a GraphQL server (graphql-cop, InQL, CrackQL), tried on the built program as it runs in
// production, over HTTP and over a WebSocket.

import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { openHouse } from './house.ts'
import { complaintsOf } from './visitor.ts'

const house = openHouse({ NODE_ENV: 'production' })

interface Answer {
  readonly data?: unknown
  readonly errors?: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[]
  readonly extensions?: Readonly<Record<string, unknown>>
}

const at = (init: RequestInit & { readonly search?: string } = {}): Promise<Response> =>
  fetch(`${house.server.url}/graphql${init.search ?? ''}`, init)

const json = { 'content-type': 'application/json', accept: 'application/graphql-response+json' }

async function overHttp(
  query: string,
  variables: object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const body = JSON.stringify({ query, variables })
  const response = await at({ method: 'POST', headers: { ...json, ...headers }, body })
  return (await response.json()) as Answer
}

const sockets: WebSocket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate()
  // None of it is a fault of ours, and none of it is worth a line in the log.
  expect(complaintsOf(house.server.output)).toEqual([])
})

async function openSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`${house.server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  sockets.push(socket)
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init' }))
  await once(socket, 'message')
  return socket
}

async function overSocket(query: string, variables: object = {}): Promise<Answer> {
  const socket = await openSocket()
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query, variables } }))
  const [message] = (await once(socket, 'message')) as [Buffer]
  const { type, payload } = JSON.parse(String(message)) as { type: string; payload: unknown }
  return type === 'error' ? { errors: payload as NonNullable<Answer['errors']> } : (payload as Answer)
}

const times = (count: number, text: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ')

const DOCUMENTS = [
  ['alias overloading', `{ ${times(101, (n) => `a${n}: __typename`)} }`, 'LIMIT_EXCEEDED'],
  ['field duplication', `{ ${times(501, () => '__typename')} }`, 'LIMIT_EXCEEDED'],
  ['directive overloading', `{ __typename ${times(61, () => '@include(if: true)')} }`, 'LIMIT_EXCEEDED'],
  ['unknown directives in numbers', `{ __typename ${times(61, (n) => `@a${n}`)} }`, 'LIMIT_EXCEEDED'],
  [
    'circular introspection',
    `{ __schema { types { ${'fields { type { '.repeat(20)} name ${'} } '.repeat(20)} } } }`,
    'INVALID_INPUT',
  ],
  ['introspection', '{ __schema { types { name } } }', 'INVALID_INPUT'],
  ['introspection of a type', '{ __type(name: "Query") { fields { name } } }', 'INVALID_INPUT'],
  ['fragments in a circle', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }', 'INVALID_INPUT'],
  [
    'depth',
    `{ contacts { nodes { ${'deals { nodes { contact { '.repeat(6)} id ${'} } } '.repeat(6)} } } }`,
    'LIMIT_EXCEEDED',
  ],
  [
    'nested brackets',
    `{ deals(filter: ${'{ not: '.repeat(120)}{}${'}'.repeat(120)}) { totalCount } }`,
    'LIMIT_EXCEEDED',
  ],
  ['a document without an end', `{ ${'a '.repeat(40_000)} }`, 'LIMIT_EXCEEDED'],
  ['more items than anybody may ask for', '{ deals(first: 100) { nodes { runs(first: 100) { nodes { id } } } } }', ''],
] as const

describe.each([
  ['over HTTP', overHttp],
  ['over a WebSocket', overSocket],
])('%s', (_way, send) => {
  test.each(DOCUMENTS)('%s is refused before anything is executed', async (_name, query, code) => {
    const { data, errors } = await send(query)
    expect(data ?? null).toBeNull()
    const codes = errors?.map(({ extensions }) => extensions?.code) ?? []
    expect(codes.length).toBeGreaterThan(0)
    expect(codes.length).toBeLessThanOrEqual(11)
    if (code !== '') expect(codes).toContain(code)
    expect(JSON.stringify(errors)).not.toMatch(/node_modules|\.ts:|\bat \w+ \(/)
  })

  test('fragments that double at each level are the one field that they are, without being spread out', async () => {
    const levels = times(200, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`)
    const { data } = await send(`{ ...F0 } ${levels} fragment F200 on Query { __typename }`)
    expect(data).toEqual({ __typename: 'Query' })
  })

  test('a misspelt field is not helped along', async () => {
    const { errors } = await send('{ dealz { id } }')
    expect(errors?.[0]?.message).toContain('dealz')
    expect(JSON.stringify(errors)).not.toMatch(/did you mean|deals/i)
  })

  test.each([
    ['argument', '{ deals(frist: 1) { totalCount } }', {}],
    ['type', '{ viewer { ... on Dea { id } } }', {}],
    ['fragment', '{ deals { ...deal } } fragment Deals on DealConnection { totalCount }', {}],
    ['directive', '{ __typename @skp(if: true) }', {}],
    ['field of an input', '{ deals(filter: { nmae: { eq: "x" } }) { totalCount } }', {}],
    ['value of an enum', '{ approvals(status: [PENDIN]) { totalCount } }', {}],
    ['type of a variable', 'query ($f: DealFilte) { deals(filter: $f) { totalCount } }', {}],
    [
      'field in a variable',
      'query ($f: DealFilter) { deals(filter: $f) { totalCount } }',
      { f: { nmae: { eq: 'x' } } },
    ],
    [
      'value in a variable',
      'query ($s: [ApprovalStatus!]) { approvals(status: $s) { totalCount } }',
      { s: ['PENDIN'] },
    ],
  ])('a misspelt %s is not helped along', async (_what, query, variables) => {
    const { data, errors } = await send(query, variables)
    expect(data ?? null).toBeNull()
    expect(errors?.length).toBeGreaterThan(0)
    expect(JSON.stringify(errors)).not.toMatch(/did you mean/i)
  })

  test('a fault of the parser or of coercion tells nothing of the inside', async () => {
    for (const [query, variables] of [
      ['{ node(id: "x") { id } }', {}],
      ['query ($a: Nothing!) { __typename }', { a: 1 }],
      ['{ __typename', {}],
      ['\u0000', {}],
      ['query ($id: ID!) { node(id: $id) { id } }', { id: { $ne: null } }],
    ] as const) {
      const { errors } = await send(query, variables)
      expect(errors?.length).toBeGreaterThan(0)
      expect(JSON.stringify(errors)).not.toMatch(/node_modules|\.ts:|\bat \w+ \(|stack|INTERNAL/i)
    }
  })

  test('nothing is told of how an operation was executed', async () => {
    const { data, extensions } = await send('{ __typename }')
    expect(data).toEqual({ __typename: 'Query' })
    expect(Object.keys(extensions ?? {})).toEqual(['cost'])
  })
})

describe('what HTTP alone makes possible', () => {
  test('an array of operations is refused, and none of them is executed', async () => {
    const body = JSON.stringify(Array.from({ length: 10 }, () => ({ query: '{ __typename }' })))
    const response = await at({ method: 'POST', headers: json, body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'INVALID_INPUT' } }] })
  })

  test('a mutation with GET is refused, whatever the request says it accepts', async () => {
    const search = `?query=${encodeURIComponent('mutation { markInboxMessageRead(input: { id: "x" }) { __typename } }')}`
    for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
      const response = await at({ search, headers: { accept } })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    }
  })

  test.each(['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x', ''])(
    'a POST as a form of another site sends it (%j) is refused',
    async (type) => {
      const body = new Blob(['query=%7B__typename%7D'], { type })
      const response = await at({ method: 'POST', headers: type === '' ? {} : { 'content-type': type }, body })
      expect(response.status).toBe(415)
    },
  )

  test('a header that asks for traces gets none', async () => {
    const { extensions } = await overHttp(
      '{ __typename }',
      {},
      { 'x-apollo-tracing': '1', 'apollo-federation-include-trace': 'ftv1' },
    )
    expect(Object.keys(extensions ?? {})).toEqual(['cost'])
  })

  test('a browser gets no page to play with', async () => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
    const response = await at({ headers: { accept } })
    expect(response.headers.get('content-type')).toContain('json')
    expect(await response.text()).not.toMatch(/graphiql/i)
  })

  test('a method that is none of GraphQL’s is refused', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH']) expect((await at({ method })).status).toBe(405)
  })
})

describe('what a WebSocket alone makes possible', () => {
  test('an array of operations closes the socket', async () => {
    const socket = await openSocket()
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: [{ query: '{ __typename }' }] }))
    expect((await once(socket, 'close'))[0]).toBe(4400)
  })

  test.each([
    ['that is no JSON', '{'],
    ['that only a server sends', '{"type":"connection_ack"}'],
    ['that is an item', '{"type":"next","id":"1","payload":{}}'],
  ])('a message %s closes the socket', async (_what, message) => {
    const socket = await openSocket()
    socket.send(message)
    expect((await once(socket, 'close'))[0]).toBe(4400)
  })
})
