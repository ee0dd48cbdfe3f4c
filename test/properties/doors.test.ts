// The doors that are not GraphQL, and what comes before any of them: addresses, headers, bodies, bytes.

import { connect } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { holds, MARK, openHouse, sound } from './house.ts'
import { anyJson, anyText } from './wild-values.ts'

const house = openHouse()
const form = (slug: string): string => `${house.served.url}/f/${MARK.toLowerCase()}/${slug}`

const TYPES = [
  'application/json',
  'application/problem+json',
  'application/json; charset=utf-16',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'multipart/form-data',
  'text/plain',
  'application/graphql',
  ';',
  '/',
  'application/json; charset="',
]

const ANSWERS = [
  'email',
  'name',
  'company',
  'budget',
  'wants_call',
  '_id',
  '_token',
  '_referrer',
  '__proto__',
  'toString',
]

/** Objects of JSON whose members stand in the text itself: `__proto__` among them is one of its own. */
const answers: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(fc.oneof(fc.constantFrom(...ANSWERS), anyText), fc.oneof(anyJson, fc.constantFrom('a@b.example', '7'))),
  )
  .map((members) => `{${members.map((pair) => pair.map((each) => JSON.stringify(each)).join(':')).join(',')}}`)

const fields: fc.Arbitrary<string> = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...ANSWERS), anyText), anyText))
  .map((pairs) => pairs.map((pair) => pair.map((each) => escape(each)).join('=')).join('&'))

const bodies: fc.Arbitrary<string | Uint8Array<ArrayBuffer>> = fc.oneof(
  answers,
  fields,
  anyJson.map((value) => JSON.stringify(value) ?? ''),
  anyText,
  fc.uint8Array({ maxLength: 100 }).map((bytes) => new Uint8Array(bytes)),
  fc.constantFrom('%', '%zz=%', '&&&===', `--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na\r\n--x--`),
)

const headers = fc.record(
  {
    accept: fc.constantFrom('application/json', 'text/html', '*/*', 'text/event-stream', ';q=', 'text/html;q=x'),
    cookie: fc.constantFrom('a=b', '=', ';;;', '__proto__=1', `a=${'x'.repeat(4_000)}`, '%', 'a="'),
    'idempotency-key': fc.constantFrom('x', '"', '""', ' ', 'submission_', `${'k'.repeat(300)}`, 'ÿ'),
    'accept-language': fc.constantFrom('de', '*', 'x-', 'de;q=9', '-'.repeat(100), 'en-u-ca-'),
    'accept-encoding': fc.constantFrom('gzip', 'br;q=0', '*', 'identity;q=0', ';'),
    'if-none-match': fc.constantFrom('*', '"', 'W/"x"'),
    range: fc.constantFrom('bytes=0-', 'bytes=9-1', 'x'),
    origin: fc.constantFrom('null', 'https://evil.example', 'http://localhost', 'x'),
    'x-request-id': fc.constantFrom('a b', 'x'.repeat(300), 'ok-1'),
    'x-forwarded-for': fc.constantFrom('', ',,,', '::ffff:1.2.3', 'evil'),
    host: fc.constantFrom('evil.example', 'localhost:99999', '[::1'),
  },
  { requiredKeys: [] },
)

test('no body makes a fault at a form’s door, whatever it is said to be', async () => {
  const slugs = fc.constantFrom('worked', 'asking', 'paused', 'archived', 'draft', 'none').map((slug) => `fuzz-${slug}`)
  await holds(fc.tuple(slugs, bodies, fc.constantFrom(...TYPES), headers), 150, async ([slug, body, type, more]) => {
    const init = { method: 'POST', headers: { ...more, 'content-type': type }, body, redirect: 'manual' } as const
    await sound(await fetch(form(slug), init), house)
  })
})

test('no body makes a fault at the door of GraphQL', async () => {
  const requests = fc.oneof(
    bodies,
    fc
      .record(
        {
          query: fc.oneof(fc.constant('query A { __typename }'), anyText, anyJson),
          operationName: anyJson,
          variables: anyJson,
          extensions: anyJson,
        },
        { requiredKeys: [] },
      )
      .map((request) => JSON.stringify(request)),
  )
  const types = fc.oneof({ weight: 4, arbitrary: fc.constant('application/json') }, fc.constantFrom(...TYPES))
  await holds(fc.tuple(requests, types, headers), 150, async ([body, type, more]) => {
    const authorization = `Bearer ${house.key}`
    const init = { method: 'POST', headers: { ...more, authorization, 'content-type': type }, body }
    await sound(await fetch(house.endpoint, init), house)
  })
})

const PATHS = [
  '',
  'graphql',
  'docs',
  'docs/permissions',
  'f',
  'f/fuzz',
  'f/fuzz/fuzz-worked',
  'health/ready',
  'metrics',
  'openapi.json',
  'schema.graphql',
]
const PARTS = [
  '%',
  '%00',
  '%2e%2e',
  '..',
  '%ff',
  '%c0%af',
  '%',
  '//',
  '?',
  '?a=%',
  '?query=%7B',
  '?schema&schema',
  '#',
  '\\',
  '%E2%82',
  ';',
  '?variables=%5B',
]

const targets = fc
  .tuple(
    fc.constantFrom(...PATHS),
    fc.array(fc.oneof(fc.constantFrom(...PARTS), anyText.map(escape)), { maxLength: 3 }),
  )
  .map(
    ([path, parts]) =>
      `/${[path, ...parts].join(fc.sample(fc.constantFrom('/', ''), { seed: parts.length, numRuns: 1 })[0])}`,
  )

/** Sends bytes as they are, and gives back what came until the other side closed. Whoever `hangs` up sends no more. */
const send = (bytes: string | Uint8Array, hangs = false): Promise<string> =>
  new Promise((resolve) => {
    const { port, hostname } = new URL(house.served.url)
    let text = ''
    const socket = connect(Number(port), hostname, () => (hangs ? socket.end(bytes) : socket.write(bytes)))
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', () => resolve(text))
    socket.on('close', () => resolve(text))
  })

test('no address makes a fault', async () => {
  const methods = fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'TRACE')
  await holds(
    fc.tuple(methods, targets, fc.constantFrom('text/html', '*/*')),
    200,
    async ([method, target, accept]) => {
      const text = await send(
        `${method} ${target.replace(/\s/g, '+')} HTTP/1.1\r\nHost: a\r\nAccept: ${accept}\r\nConnection: close\r\n\r\n`,
      )
      expect(text).toMatch(/^HTTP\/1.1 [1-4]/)
      expect(house.served.lines).toEqual([])
    },
  )
})

test('no bytes make a fault: what is no HTTP is refused as that', async () => {
  const heads = [
    'GET / HTTP/1.1\r\n',
    'POST /graphql HTTP/1.1\r\nHost: a\r\n',
    'GET /graphql HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n',
    'PRI * HTTP/2.0\r\n',
    '',
  ]
  const rest = [
    'Content-Length: 5\r\nContent-Length: 6\r\n\r\n',
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n',
    'Transfer-Encoding : chunked\r\n\r\n',
    'Content-Length: -1\r\n\r\n',
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n',
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: x,,\r\n\r\n\xff\xff',
    'A\0: b\r\n\r\n',
    '\r\n',
  ]
  const bytes = fc.oneof(
    fc.tuple(fc.constantFrom(...heads), fc.constantFrom(...rest)).map((parts) => Buffer.from(parts.join(''), 'latin1')),
    fc.uint8Array({ maxLength: 60 }),
  )
  await holds(bytes, 80, async (sent) => {
    expect(await send(sent, true)).not.toMatch(/HTTP\/1.1 5/)
    expect(house.served.lines).toEqual([])
  })
})
