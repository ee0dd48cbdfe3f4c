import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { buildSchema } from 'graphql'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAdmission } from '../../../test/support/admission.ts'
import { createCors } from '../http/cors.ts'
import { comesFromHere } from '../http/from-here.ts'
import { type HttpServer, openHttpServer } from '../http/server.ts'
import { systemClock } from '../lib/clock.ts'
import type { Services } from './context-factory.ts'
import { createEngine } from './engine.ts'
import { graphqlRoute } from './http-door.ts'
import { defaultLimits } from './limits.ts'

const log = pino({ level: 'silent' })
const nobody = async () => ({ viewer: { kind: 'anonymous' }, workspaceId: undefined }) as const

let server: HttpServer

beforeAll(async () => {
  const route = graphqlRoute({
    admission: openAdmission(
      createEngine({
        schema: buildSchema('type Query { a: Int }'),
        limits: defaultLimits,
        introspection: true,
        log,
        clock: systemClock,
      }),
    ),
    services: { log } as Services,
    authenticator: { authenticate: nobody, authenticateCookie: nobody },
    watch: { add: () => () => {}, close: () => {} },
    graphiql: ({ isHere }) => (isHere ? { headers: '{"authorization":"Bearer demo-key-1"}' } : {}),
    closing: new AbortController().signal,
  })
  const cors = createCors({ origins: ['https://app.example.com'], loopback: true, setting: 'CORS_ORIGINS', log })
  server = await openHttpServer({
    routes: [route],
    log,
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1_000,
    trustProxy: 0,
    cors,
  })
})
afterAll(() => server.close())

interface Page {
  readonly headers: IncomingHttpHeaders
  readonly isPage: boolean
  /** Compared here: the page is megabytes long, and no help in a failure. */
  readonly signedIn: boolean
}

const open = (headers: Record<string, string>): Promise<Page> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(
      `${server.url}/graphql`,
      { headers: { accept: 'text/html', ...headers } },
      (response) => {
        text(response).then((body) => {
          const [isPage, signedIn] = [/^<!doctype html>/i.test(body), body.includes('demo-key-1')]
          resolve({ headers: response.headers, isPage, signedIn })
        }, reject)
      },
    )
    request.on('error', reject)
    request.end()
  })

describe('the page', () => {
  test('carries the key for a browser on this machine', async () => {
    for (const name of ['localhost', '127.0.0.1', '[::1]']) {
      const host = `${name}:${server.port}`
      expect((await open({ host })).signedIn).toBe(true)
      expect((await open({ host, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' })).signedIn).toBe(true)
    }
  })

  test.each([
    ['under a name of somebody else’s', { host: 'evil.example.com' }],
    ['under a name that begins as ours', { host: 'localhost.example.com' }],
    ['at another port', { host: 'localhost:1' }],
    ['through a proxy', { 'x-forwarded-for': '203.0.113.1' }],
    ['through a proxy that names the host', { 'x-forwarded-host': 'cadre.example.com' }],
    ['through a proxy of RFC 7239', { forwarded: 'for=203.0.113.1' }],
    ['from a page of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
    ['from another port of this machine', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' }],
    ['by a script', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }],
  ])('is without the key when it is asked for %s', async (_how, headers) => {
    const { isPage, signedIn } = await open({ host: `localhost:${server.port}`, ...headers })
    expect({ isPage, signedIn }).toEqual({ isPage: true, signedIn: false })
  })

  test('may be read by no other origin, also by one that may call the API', async () => {
    for (const origin of ['http://localhost:5173', 'https://app.example.com']) {
      expect((await open({ origin })).headers['access-control-allow-origin']).toBeUndefined()
      const answer = await fetch(`${server.url}/graphql?query={__typename}`, { headers: { origin } })
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
    }
  })
})

test('a request that came over the network does not come from here', () => {
  const from = (remoteAddress: string) =>
    comesFromHere({ headers: { host: 'localhost:4000' }, socket: { remoteAddress, localPort: 4_000 } as never })
  expect(['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.168.1.7', '::ffff:10.0.0.1'].map(from)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ])
})
