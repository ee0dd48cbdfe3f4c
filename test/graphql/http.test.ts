import { request as httpRequest } from 'node:http'
import { buildClientSchema, getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { systemContext } from '../support/context.ts'
import { ask, type House, type SampleServer, serveSample } from './server.ts'

let server: SampleServer
let acme: House

beforeAll(async () => {
  server = await serveSample({
    limits: { maxTokens: 1_000, maxAliases: 10, maxDepth: 7, maxDirectives: 10, maxCost: 500 },
  })
  acme = await server.house()
})
beforeEach(() => {
  server.logged.length = 0
})
afterAll(() => server.close())

const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(`${server.http.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${acme.key}`, ...headers },
    body,
  })

describe('a bad request', () => {
  test.each([
    ['that is no JSON', '{"query": ', 400],
    ['that is no object', '"text"', 400],
    ['that is a batch', '[{"query":"{ __typename }"}]', 400],
    ['with an unknown parameter', '{"query":"{ __typename }","extra":1}', 400],
    ['without a query', '{}', 400],
    ['with variables that are none', '{"query":"{ __typename }","variables":[1]}', 400],
    ['with an operation name that is no text', '{"query":"{ __typename }","operationName":7}', 400],
    ['with an operation name that is a list', '{"query":"{ __typename }","operationName":["A"]}', 400],
  ])('%s is answered with a clear error and not logged', async (_what, body, status) => {
    const response = await post(body, { accept: 'application/graphql-response+json' })
    expect(response.status).toBe(status)
    const { errors, data } = (await response.json()) as {
      errors: { message: string; extensions: object }[]
      data?: unknown
    }
    expect(data).toBeUndefined()
    expect(errors[0]).toMatchObject({ message: expect.any(String), extensions: { code: 'INVALID_INPUT' } })
    expect(server.logged).toEqual([])
  })

  test.each([
    ['an unknown field', '{ deals { nodes { colour } } }', {}],
    ['a syntax error', '{ deals { ', {}],
    ['a variable of the wrong type', 'query ($first: Int) { deals(first: $first) { totalCount } }', { first: 'ten' }],
    ['a literal of the wrong type', '{ deals(first: "ten") { totalCount } }', {}],
    ['a moment that is none', '{ deals(filter: { createdAt: { gt: "yesterday" } }) { totalCount } }', {}],
    [
      'a moment that is none, in a variable',
      'query ($m: DateTimeOrDuration) { deals(filter: { createdAt: { gt: $m } }) { totalCount } }',
      { m: '31.12.2025' },
    ],
    ['an operation that is not there', 'query A { __typename } query B { __typename }', {}],
  ])('with %s is INVALID_INPUT and not logged', async (_what, query, variables) => {
    const { status, errors, data } = await ask(server, acme.key, query, variables)
    expect(status).toBe(400)
    expect(data).toBeUndefined()
    expect(errors?.[0].extensions.code).toBe('INVALID_INPUT')
    expect(errors?.[0].message).not.toContain('Internal')
    expect(server.logged).toEqual([])
  })

  test('as a form of another site would send it is refused', async () => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'text/plain',
      'application/graphql',
    ]) {
      expect((await post('query={__typename}', { 'content-type': type })).status).toBe(415)
    }
  })

  test('with a body above the limit is 413, announced or not, and its body is never held', async () => {
    const announced = await post(JSON.stringify({ query: 'x'.repeat(10 * 1024 * 1024) }))
    expect(announced.status).toBe(413)
    expect(await announced.json()).toMatchObject({
      errors: [{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'SIZE' } }],
    })
    const { hostname, port } = new URL(server.http.url)
    const streamed = await new Promise<number>((resolve, reject) => {
      const request = httpRequest({
        hostname,
        port,
        path: '/graphql',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      })
      request.on('response', (response) => resolve(response.statusCode ?? 0))
      request.on('error', reject)
      const chunk = Buffer.alloc(20_000, 'x')
      const write = (left: number) => {
        if (left === 0 || request.destroyed) return
        request.write(chunk, () => setImmediate(() => write(left - 1)))
      }
      write(20)
    })
    expect(streamed).toBe(413)
    expect(server.logged).toEqual([])
  })

  test('that changes something with GET is refused, and one that reads is answered', async () => {
    const get = (query: string) =>
      fetch(`${server.http.url}/graphql?query=${encodeURIComponent(query)}`, {
        headers: { authorization: `Bearer ${acme.key}`, accept: 'application/json' },
      })
    const mutation = await get(`mutation { createDeal(input: { name: "GET", stage: "${acme.open}" }) { __typename } }`)
    expect(mutation.status).toBe(405)
    expect(mutation.headers.get('allow')).toBe('POST')
    expect(await (await get('{ __typename }')).json()).toMatchObject({ data: { __typename: 'Query' } })
  })
})

describe('a credential', () => {
  test('that is unknown, malformed or expired is 401, never anonymous', async () => {
    const expired = await server.key(acme, ['DEALS_READ'], new Date(Date.now() - 1_000))
    for (const authorization of [
      `Bearer cadre_test_${'x'.repeat(32)}`,
      'Bearer nonsense',
      'Basic abc',
      `Bearer ${expired.plain}`,
    ]) {
      for (const accept of ['application/json', 'application/graphql-response+json']) {
        const response = await post('{"query":"{ __typename }"}', { authorization, accept })
        expect(response.status).toBe(401)
        expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] })
      }
    }
    expect(server.logged).toEqual([])
  })

  test('that is missing leaves only what is public', async () => {
    const { errors, data } = await ask(server, undefined, '{ __typename cursor }')
    expect(errors?.[0]).toMatchObject({ path: ['cursor'], extensions: { code: 'UNAUTHENTICATED' } })
    expect(data).toBeNull()
  })

  test('of a workspace that is suspended is 401', async () => {
    const house = await server.house('Suspended')
    expect((await ask(server, house.key, '{ deals { totalCount } }')).errors).toBeUndefined()
    await server.db.inTransaction(systemContext(server.db, house.id), (tx) =>
      tx.sql.updateTable('workspace').set({ status: 'SUSPENDED' }).where('id', '=', house.id).execute(),
    )
    await expect.poll(async () => (await ask(server, house.key, '{ __typename }')).status).toBe(401)
  })

  test('that is revoked is refused soon, and its use was noted', async () => {
    const { plain, id } = await server.key(acme, ['DEALS_READ'])
    expect((await ask(server, plain, '{ deals { totalCount } }')).errors).toBeUndefined()
    const used = async () =>
      await server.db.read(acme.id, (db) =>
        db.selectFrom('apiKey').select('lastUsedAt').where('id', '=', id).executeTakeFirstOrThrow(),
      )
    await expect.poll(async () => (await used()).lastUsedAt).not.toBeNull()
    await server.db.inTransaction(systemContext(server.db, acme.id), (tx) =>
      tx.sql.updateTable('apiKey').set({ revokedAt: new Date() }).where('id', '=', id).execute(),
    )
    await expect.poll(async () => (await ask(server, plain, '{ __typename }')).status).toBe(401)
  })
})

describe('a limit', () => {
  test.each([
    ['tokens', 'TOKENS', `{ deals { nodes { ${'id '.repeat(1_200)} } } }`],
    ['aliases', 'ALIASES', `{ ${Array.from({ length: 11 }, (_, i) => `a${i}: __typename`).join(' ')} }`],
    ['directives', 'DIRECTIVES', `{ ${Array.from({ length: 11 }, () => '__typename @include(if: true)').join(' ')} }`],
    ['cost', 'COST', '{ deals(first: 100) { nodes { id name version createdAt stage { id } } } }'],
    ['cost of lists below lists', 'COST', '{ deals(first: 20) { nodes { runs(first: 20) { nodes { id title } } } } }'],
  ])('on %s refuses the operation before anything is executed', async (_what, limit, query) => {
    const { status, errors, data } = await ask(server, acme.key, query)
    expect(data).toBeUndefined()
    expect(status).toBe(400)
    expect(errors?.[0].extensions).toEqual({ code: 'LIMIT_EXCEEDED', limit })
  })

  test('on depth counts levels through fragments and lets introspection pass', async () => {
    const deep = `{ deals(first: 1) { nodes { runs(first: 1) { nodes { steps(first: 1) { ...Steps } } } } } }
      fragment Steps on StepConnection { edges { node { ...Step } } } fragment Step on Step { id }`
    const { errors } = await ask(server, acme.key, deep)
    expect(errors?.[0].message).toBe('The document has 8 levels; at most 7 are allowed.')
    const { data } = await ask(server, acme.key, getIntrospectionQuery())
    expect(() => buildClientSchema(data)).not.toThrow()
  })

  test('on cost stands in every answer, with what was asked for', async () => {
    const small = await ask(server, acme.key, '{ deals(first: 2) { nodes { id name } } }')
    expect(small.extensions.cost).toMatchObject({ requested: 5, limit: 1_000_000_000 })
    const large = await ask(server, acme.key, '{ deals(first: 100) { nodes { a: id b: id c: id d: id e: id } } }')
    expect(large.extensions.cost).toMatchObject({ requested: 501, limit: 1_000_000_000 })
  })

  test('on time ends an operation that takes too long', async () => {
    const hasty = await serveSample({ limits: { timeoutMs: 300 } })
    onTestFinished(() => hasty.close())
    const { errors } = await ask(hasty, (await hasty.house()).key, '{ never }')
    expect(errors?.[0]).toMatchObject({
      extensions: { code: 'LIMIT_EXCEEDED', limit: 'TIME' },
      message: expect.stringContaining('0.3 s'),
    })
  })
})

describe('a fault', () => {
  test('is shown as an internal error with the request’s id and logged once', async () => {
    const { data, errors } = await ask(server, acme.key, '{ boom __typename }', {}, { 'x-request-id': 'mine-1' })
    expect(data).toEqual({ boom: null, __typename: 'Query' })
    expect(errors).toEqual([
      {
        message: 'Internal error',
        path: ['boom'],
        locations: [{ line: 1, column: 3 }],
        extensions: { code: 'INTERNAL', requestId: 'mine-1' },
      },
    ])
    expect(server.logged).toMatchObject([{ level: 50, requestId: 'mine-1', path: 'boom' }])
    expect(JSON.stringify(errors)).not.toContain('secret detail')
  })
})

describe('the server', () => {
  test('gives back the request’s id, or one of its own when that would be no good in a log', async () => {
    const id = async (given: string) =>
      (await post('{"query":"{ __typename }"}', { 'x-request-id': given })).headers.get('x-request-id')
    expect(await id('abc-123')).toBe('abc-123')
    expect(await id('a b')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('is live and ready, knows no other address, and says which methods an address takes', async () => {
    const at = (path: string, method = 'GET') => fetch(server.http.url + path, { method })
    expect(await (await at('/health/live')).json()).toEqual({ status: 'ok' })
    expect((await at('/health/ready')).status).toBe(200)
    expect((await at('/nothing')).status).toBe(404)
    const wrong = await at('/health/live', 'POST')
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET'])
    expect((await at('/graphql', 'DELETE')).status).toBe(405)
  })

  test('shows browsers a page that needs no network', async () => {
    const response = await fetch(`${server.http.url}/graphql`, { headers: { accept: 'text/html,*/*' } })
    const page = await response.text()
    expect(response.headers.get('content-type')).toContain('text/html')
    expect(page).toMatch(/^<!doctype html>/i)
    expect(page).not.toMatch(/<(script|link)[^>]+(src|href)="?https?:/)
    expect(page).toContain('renderYogaGraphiQL')
  })
})

test('without introspection neither the schema nor near names are given away', async () => {
  const closed = await serveSample({ introspection: false })
  const house = await closed.house()
  const schema = await ask(closed, house.key, '{ __schema { types { name } } }')
  expect(schema.errors?.[0].extensions.code).toBe('INVALID_INPUT')
  const near = await ask(closed, house.key, '{ deal { id } dealz { id } }')
  expect(JSON.stringify(near.errors)).not.toMatch(/Did you mean/)
  await closed.close()
})

test('a server that closes lets requests under way finish and takes no new ones', async () => {
  let arrived = () => {}
  const reached = new Promise<void>((resolve) => {
    arrived = resolve
  })
  let goOn = () => {}
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const closing = await serveSample({
    routes: [
      {
        method: 'GET',
        path: '/held/{name}',
        handler: async ({ response, params }) => {
          arrived()
          await held
          response.end(`done ${params.name}`)
        },
      },
    ],
  })
  const answer = fetch(`${closing.http.url}/held/a%20b`).then((response) => response.text())
  await reached
  const closed = closing.close()
  expect(closing.http.stopping()).toBe(true)
  await expect(fetch(`${closing.http.url}/health/live`)).rejects.toThrow()
  goOn()
  expect(await answer).toBe('done a b')
  await closed
})
