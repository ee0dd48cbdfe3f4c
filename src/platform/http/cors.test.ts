import type { IncomingMessage, ServerResponse } from 'node:http'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { createCors, isWebOrigin } from './cors.ts'

const APP = 'https://app.example.com'

type RuleAt = (path: string, origin: string) => Promise<boolean | undefined>

function open(loopback = false, ruleAt?: RuleAt) {
  const told: { readonly origin?: string; readonly setting?: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => told.push(JSON.parse(line)) })
  const cors = createCors({
    origins: [APP],
    loopback,
    ...(ruleAt === undefined ? {} : { ruleAt }),
    setting: 'CORS_ORIGINS',
    log,
  })
  const ask = async (origin: string | undefined, preflight = false) => {
    const headers = new Map<string, string>()
    let status: number | undefined
    const set = (name: string, value: string) => headers.set(name, value)
    const response = {
      appendHeader: set,
      setHeader: set,
      writeHead: (code: number, given: Record<string, string> = {}) => {
        status = code
        for (const [name, value] of Object.entries(given)) set(name, value)
        return response
      },
      end: () => {},
    }
    const request = {
      method: preflight ? 'OPTIONS' : 'POST',
      headers: {
        host: 'cadre.example.com',
        ...(origin === undefined ? {} : { origin }),
        ...(preflight ? { 'access-control-request-method': 'POST' } : {}),
      },
    }
    const url = new URL('https://cadre.example.com/graphql')
    const done = await cors(request as unknown as IncomingMessage, response as unknown as ServerResponse, url)
    return { done, status, allowed: headers.get('access-control-allow-origin'), headers }
  }
  return { ask, told }
}

test.each(['https://app.example', 'http://localhost:3000', 'https://app.example:8443', 'http://[::1]:3000'])(
  '%s is an origin',
  (text) => expect(isWebOrigin(text)).toBe(true),
)
test.each([
  '',
  'app.example',
  'https://app.example/',
  'https://*.app.example',
  'https://App.example',
  'ftp://app.example',
  'null',
])('%j is none', (text) => expect(isWebOrigin(text)).toBe(false))

describe('a page of another origin', () => {
  test('that is listed may call and read, and is told what it may send before it does', async () => {
    const { ask } = open()
    expect(await ask(APP)).toMatchObject({ done: false, status: undefined, allowed: APP })
    const preflight = await ask(APP, true)
    expect(preflight).toMatchObject({ done: true, status: 204, allowed: APP })
    expect(preflight.headers.get('access-control-allow-headers')).toContain('idempotency-key')
  })

  test('that is not listed reads nothing, and the log says once what to set', async () => {
    const { ask, told } = open()
    for (let n = 0; n < 3; n++)
      expect(await ask('https://evil.example')).toMatchObject({ done: false, allowed: undefined })
    expect(await ask('https://evil.example', true)).toMatchObject({ done: true, status: 403, allowed: undefined })
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({ origin: 'https://evil.example', setting: 'CORS_ORIGINS' })
  })

  test('that is our own is nothing to tell of', async () => {
    const { ask, told } = open()
    expect((await ask('https://cadre.example.com')).allowed).toBeUndefined()
    expect((await ask('http://cadre.example.com')).allowed).toBeUndefined()
    expect(told).toEqual([])
  })

  test.each(['http://localhost:5173', 'http://127.0.0.1:3000', 'http://[::1]:3000'])(
    'on this machine, %s, may call while one develops, and not otherwise',
    async (origin) => {
      expect((await open(true).ask(origin)).allowed).toBe(origin)
      expect((await open(false).ask(origin)).allowed).toBeUndefined()
    },
  )

  test.each(['null', 'http://localhost.evil.example', 'nonsense'])(
    'does not pass for this machine as %s',
    async (origin) => {
      expect((await open(true).ask(origin)).allowed).toBeUndefined()
    },
  )

  test('may call as somebody else says where they have a say, of whom the log knows nothing', async () => {
    const asked: string[] = []
    const { ask, told } = open(true, async (path, origin) => {
      asked.push(`${path} ${origin}`)
      return origin === APP || origin === 'http://localhost:3000' ? false : origin.endsWith('.acme') || undefined
    })
    expect(await ask('https://www.acme', true)).toMatchObject({ status: 204, allowed: 'https://www.acme' })
    for (const origin of [APP, 'http://localhost:3000']) {
      expect(await ask(origin, true)).toMatchObject({ status: 403, allowed: undefined })
    }
    expect((await ask('http://localhost:4000')).allowed).toBe('http://localhost:4000')
    expect(told).toEqual([])
    expect((await ask('https://evil.example')).allowed).toBeUndefined()
    expect(told).toHaveLength(1)
    await ask('https://cadre.example.com')
    expect(asked).toHaveLength(5)
    expect(asked[0]).toBe('/graphql https://www.acme')
  })

  test('is asked after by its absence, too: a program without one goes on as it is', async () => {
    const { done, allowed, headers } = await open().ask(undefined)
    expect({ done, allowed, vary: headers.get('vary') }).toEqual({ done: false, allowed: undefined, vary: 'origin' })
  })

  test('may send a key, and never what a browser has by itself: cookies, or a certificate', async () => {
    for (const preflight of [false, true]) {
      const { headers } = await open().ask(APP, preflight)
      expect(headers.has('access-control-allow-credentials')).toBe(false)
      expect(headers.get('access-control-allow-origin')).not.toBe('*')
      expect(headers.get('vary')).toBe('origin')
    }
    expect((await open().ask(APP, true)).headers.get('access-control-allow-headers')).toContain('authorization')
  })

  test('may call by the methods of the API, and read when to come again', async () => {
    const { headers } = await open().ask(APP, true)
    expect(headers.get('access-control-allow-methods')).toBe('GET, POST')
    expect(headers.get('access-control-max-age')).toBe('600')
    expect((await open().ask(APP)).headers.get('access-control-expose-headers')).toContain('retry-after')
  })
})
