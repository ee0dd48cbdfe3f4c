// What browsers are told with every answer of every door, of the built program, in production behind https and while one
// develops.

import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { openHouse } from './house.ts'

const production = openHouse({
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://cadre.example',
  METRICS_TOKEN: 'only-for-prometheus',
})
const development = openHouse()

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

interface Request {
  readonly method?: string
  readonly headers?: object
  readonly body?: string
}

/** By Node's own client: `fetch` hides what a browser would see of some answers. */
async function at(url: string, path: string, init: Request = {}) {
  const { hostname, port } = new URL(url)
  const { method = 'GET', headers = {}, body } = init
  const asked = request({ hostname, port, path, method, headers: { ...headers } })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage]
  if (String(response.headers['content-type']).includes('event-stream')) response.destroy()
  else await text(response)
  return { status: response.statusCode ?? 0, headers: response.headers }
}

/** What is written to a raw connection, answered with its status line and headers. */
async function raw(url: string, sent: string): Promise<Answer> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end(sent)
  const [head = ''] = (await text(socket)).split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line) => line.split(/: (.*)/)).map(([name = '', value]) => [name.toLowerCase(), value])
  return { status: Number(first.split(' ')[1]), headers: Object.fromEntries(headers) }
}

function expectGuarded({ headers }: Answer, https: boolean): void {
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': expect.stringMatching(/^(no-referrer|same-origin)$/),
    'permissions-policy': expect.stringContaining('camera=()'),
    'cache-control': expect.any(String),
    'content-security-policy': expect.stringMatching(/^default-src 'none'.*frame-ancestors 'none'/),
  })
  expect(headers['strict-transport-security']).toBe(https ? 'max-age=31536000' : undefined)
  expect(headers).not.toHaveProperty('x-powered-by')
  expect(headers).not.toHaveProperty('server')
}

const PAGE = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const JSON_BODY = { 'content-type': 'application/json', accept: 'application/graphql-response+json' }
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13'

const ASKED: readonly (readonly [string, string, Request?])[] = [
  ['the start page', '/', { headers: PAGE }],
  ['the reference', '/docs', { headers: PAGE }],
  ['the schema', '/schema.graphql'],
  ['the configuration of code generation', '/codegen.ts'],
  ['what doors there are', '/openapi.json'],
  ['whether it lives', '/health/live'],
  ['whether it is ready', '/health/ready'],
  ['the metrics', '/metrics', { headers: { authorization: 'Bearer only-for-prometheus' } }],
  ['the metrics without their token', '/metrics'],
  ['a form that is not there', '/f/nobody/nothing', { headers: PAGE }],
  ['a page that is not there', '/nothing', { headers: PAGE }],
  ['an address that is not there', '/nothing'],
  ['a method that is wrong', '/health/live', { method: 'POST' }],
  ['an address that is none', '//%'],
  ['GraphQL in a browser', '/graphql', { headers: PAGE }],
  ['a query', '/graphql', { method: 'POST', headers: JSON_BODY, body: '{"query":"{ __typename }"}' }],
  ['a query that is refused', '/graphql', { method: 'POST', headers: JSON_BODY, body: '{"query":"{"}' }],
  ['a body of another type', '/graphql', { method: 'POST', body: 'query' }],
  ['a body that is too large', '/graphql', { method: 'POST', headers: JSON_BODY, body: 'x'.repeat(1_100_000) }],
  ['a wrong key', '/graphql', { method: 'POST', headers: { ...JSON_BODY, authorization: 'Bearer x' }, body: '{}' }],
  ['a stream', '/graphql?query={__typename}', { headers: { accept: 'text/event-stream' } }],
  [
    'a preflight from elsewhere',
    '/graphql',
    { method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } },
  ],
]

describe.each([
  ['in production, behind https', production, true],
  ['while one develops', development, false],
])('%s', (_where, house, https) => {
  test.each(ASKED.map(([what, path, init]) => ({ what, path, init })))('$what is guarded', async ({ path, init }) => {
    expectGuarded(await at(house.server.url, path, init), https)
  })

  test('every door that says of itself what it is, is guarded', async () => {
    const { paths } = (await (await fetch(`${house.server.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, unknown>>
    }
    const doors = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ path, method })),
    )
    expect(doors.length).toBeGreaterThan(5)
    for (const { path, method } of doors) {
      const address = path.replaceAll(/\{\w+\}/g, 'book-a-demo')
      expectGuarded(await at(house.server.url, address, { method: method.toUpperCase() }), https)
    }
  })

  test('a connection that becomes no WebSocket is guarded, and one that is no HTTP', async () => {
    const host = new URL(house.server.url).host
    const { url } = house.server
    const elsewhere = await raw(url, `GET /elsewhere HTTP/1.1\r\nHost: ${host}\r\n${UPGRADE}\r\n\r\n`)
    const keyless = await raw(url, `GET /graphql HTTP/1.1\r\nHost: ${host}\r\n${UPGRADE}\r\n\r\n`)
    const nonsense = await raw(url, 'nonsense\r\n\r\n')
    expect([elsewhere.status, keyless.status, nonsense.status]).toEqual([404, 400, 400])
    for (const answer of [elsewhere, keyless, nonsense]) expectGuarded(answer, https)
  })

  test('what is for one credential is kept by nobody', async () => {
    const { url, key } = house.server
    const headers = { ...JSON_BODY, authorization: `Bearer ${key}` }
    const asked = { method: 'POST', headers, body: '{"query":"{ viewer { workspace { name } } }"}' }
    expect((await at(url, '/graphql', asked)).headers['cache-control']).toBe('no-store')
    const stream = { ...asked, headers: { ...headers, accept: 'text/event-stream' } }
    expect((await at(url, '/graphql', stream)).headers['cache-control']).toBe('no-store, no-transform')
  })
})
