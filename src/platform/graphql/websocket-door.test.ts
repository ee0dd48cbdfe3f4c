import { once } from 'node:events'
import { buildSchema } from 'graphql'
import pino from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import WebSocket from 'ws'
import { openAdmission } from '../../../test/support/admission.ts'
import type { Authenticator, Identity } from '../auth/authenticate.ts'
import type { IdentityWatch } from '../auth/identity-watch.ts'
import { type HttpServer, openHttpServer } from '../http/server.ts'
import { systemClock } from '../lib/clock.ts'
import type { Services } from './context-factory.ts'
import { createEngine } from './engine.ts'
import { defaultLimits } from './limits.ts'
import { type WebSocketDoorOptions, webSocketDoor } from './websocket-door.ts'

const log = pino({ level: 'silent' })
const ANONYMOUS: Identity = { viewer: { kind: 'anonymous' }, workspaceId: undefined }
const SYSTEM: Identity = { viewer: { kind: 'system' }, workspaceId: undefined }
let server: HttpServer

async function serve(
  authenticate: Authenticator['authenticate'],
  options: Partial<WebSocketDoorOptions> = {},
): Promise<void> {
  const engine = createEngine({
    schema: buildSchema('type Query { a: Int }'),
    limits: defaultLimits,
    introspection: true,
    log,
    clock: systemClock,
  })
  const sockets = webSocketDoor({
    admission: openAdmission(engine),
    services: { log } as Services,
    authenticator: { authenticate, authenticateCookie: authenticate },
    watch: { add: () => () => {}, close: () => {} },
    maxMessageBytes: 1_000,
    trustProxy: 0,
    ...options,
  })
  server = await openHttpServer({
    routes: [],
    sockets,
    log,
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1_000,
    trustProxy: 0,
  })
}
afterEach(() => server.close())

const open = (): WebSocket => new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')

/** A socket after its `connection_init`: its first message, or the code it was closed with. */
async function greet(socket = open()): Promise<unknown> {
  const first = new Promise((resolve) => {
    socket.once('message', (data) => resolve((JSON.parse(String(data)) as { type: string }).type))
    socket.once('close', (code) => resolve(code))
  })
  await once(socket, 'open')
  socket.send('{"type":"connection_init"}')
  return await first
}

test('a socket that goes away while its key is looked up is not watched', async () => {
  let found = (_identity: Identity): void => {}
  const add = vi.fn<IdentityWatch['add']>(() => () => {})
  const asked = new Promise<void>((resolve) => {
    void serve(
      () => {
        resolve()
        return new Promise((answer) => {
          found = answer
        })
      },
      { watch: { add, close: () => {} } },
    ).then(() => {
      const socket = open()
      socket.once('open', () => socket.send('{"type":"connection_init"}'))
      void asked.then(() => socket.close())
    })
  })
  await asked
  // The server is done with the socket when it can be closed; only then the look-up ends.
  await server.close()
  found(SYSTEM)
  await new Promise((resolve) => setImmediate(resolve))
  expect(add).not.toHaveBeenCalled()
})

test('an address has so many sockets without a key, and gets a place again when one closes', async () => {
  await serve(async () => ANONYMOUS, { maxAnonymousPerAddress: 2 })
  const first = open()
  expect([await greet(first), await greet(), await greet()]).toEqual(['connection_ack', 'connection_ack', 1013])
  first.close()
  await once(first, 'close')
  await expect.poll(() => greet()).toBe('connection_ack')
})

test('sockets with a key are not counted as without', async () => {
  await serve(async () => SYSTEM, { maxAnonymousPerAddress: 0 })
  expect(await greet()).toBe('connection_ack')
})

test('a process has so many sockets, and answers others with 503', async () => {
  await serve(async () => SYSTEM, { maxSockets: 1 })
  expect(await greet()).toBe('connection_ack')
  const [err] = (await once(open(), 'error')) as [Error]
  expect(err.message).toContain('503')
})

test('a socket that floods is closed, with pings as with operations, and no other with it', async () => {
  await serve(async () => ANONYMOUS, { maxMessages: 20 })
  for (const message of ['{"type":"ping"}', '{"type":"subscribe","id":"1","payload":{"query":"{ a }"}}']) {
    const calm = open()
    expect(await greet(calm)).toBe('connection_ack')
    const socket = open()
    expect(await greet(socket)).toBe('connection_ack')
    const closed = once(socket, 'close')
    // An id may come again when its operation is over: each of these is one of its own.
    for (let n = 0; n < 20; n++) socket.send(message.replace('"1"', `"${n}"`))
    expect((await closed)[0]).toBe(4429)
    expect(calm.readyState).toBe(calm.OPEN)
    calm.close()
  }
})

test('a socket without a key that asks nothing is closed', async () => {
  await serve(async () => ANONYMOUS, { anonymousIdleMs: 50 })
  const socket = open()
  expect(await greet(socket)).toBe('connection_ack')
  const [code] = await once(socket, 'close')
  expect(code).toBe(1000)
})
