import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Content, hashedFile, sendContent } from './content.ts'
import { inlineSource, pageHeaders } from './page-policy.ts'
import { type HttpServer, openHttpServer } from './server.ts'

const TEXT = 'Every word of it counts. '.repeat(200)
const script = hashedFile('hello.js', 'text/javascript; charset=utf-8', `console.log(${JSON.stringify(TEXT)})`)

const contents: Readonly<Record<string, Content>> = {
  '/document': { type: 'text/plain; charset=utf-8', body: TEXT, keep: 'ASKING' },
  '/own': { type: 'text/html; charset=utf-8', body: TEXT, keep: 'NOBODY', headers: { vary: 'accept' } },
  '/short': { type: 'text/plain; charset=utf-8', body: 'Short.', keep: 'ASKING' },
  '/picture': { type: 'image/png', body: Buffer.alloc(4_000), keep: 'ASKING' },
  '/gone': { status: 410, type: 'text/plain; charset=utf-8', body: TEXT, keep: 'ASKING' },
}

let server: HttpServer

beforeAll(async () => {
  server = await openHttpServer({
    routes: [
      script.route,
      ...Object.entries(contents).map(([path, content]) => ({
        method: 'GET' as const,
        path,
        handler: (exchange: Parameters<typeof sendContent>[0]) => sendContent(exchange, content),
      })),
    ],
    log: pino({ level: 'silent' }),
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1_000,
    trustProxy: 0,
  })
})
afterAll(() => server.close())

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** As it goes over the wire: fetch would decompress it. */
const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(`${server.url}${path}`, { method, headers }, (response) => {
      buffer(response).then((body) => resolve({ status: response.statusCode, headers: response.headers, body }), reject)
    })
    request.on('error', reject)
    request.end()
  })

describe('compression', () => {
  test.each([
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['br;q=0, gzip;q=0.5', 'gzip', gunzipSync],
    ['*', 'br', brotliDecompressSync],
  ])('is what the caller can read: %s', async (accepted, encoding, decompress) => {
    for (const path of ['/document', '/own']) {
      const { headers, body } = await get(path, { 'accept-encoding': accepted })
      expect(headers['content-encoding']).toBe(encoding)
      expect(headers.vary).toContain('accept-encoding')
      expect(Number(headers['content-length'])).toBe(body.length)
      expect(body.length).toBeLessThan(TEXT.length / 4)
      expect(decompress(body).toString()).toBe(TEXT)
    }
  })

  test.each([[undefined], ['identity'], ['br;q=0, gzip;q=0'], ['zstd']])(
    'is left out for a caller that reads none of it: %s',
    async (accepted) => {
      const answer = await get('/document', accepted === undefined ? {} : { 'accept-encoding': accepted })
      expect(answer.headers['content-encoding']).toBeUndefined()
      expect(answer.headers.vary).toContain('accept-encoding')
      expect(answer.body.toString()).toBe(TEXT)
    },
  )

  test('is left out where it would gain nothing', async () => {
    for (const path of ['/short', '/picture']) {
      expect((await get(path, { 'accept-encoding': 'br, gzip' })).headers['content-encoding']).toBeUndefined()
    }
  })
})

describe('what may be kept', () => {
  test('is not sent again to who has it, however it was compressed, and is once it is another', async () => {
    const { headers } = await get('/document', { 'accept-encoding': 'br' })
    const tag = headers.etag ?? ''
    expect(headers['cache-control']).toBe('no-cache')
    for (const known of [tag, `"other", ${tag}`, tag.replace('W/', ''), '*']) {
      const again = await get('/document', { 'if-none-match': known, 'accept-encoding': 'gzip' })
      expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, tag])
    }
    expect((await get('/document', { 'if-none-match': '"other"' })).status).toBe(200)
    expect((await get('/short')).headers.etag).not.toBe(tag)
  })

  test('is for ever where the name says what is in it', async () => {
    expect(script.path).toMatch(/^\/assets\/hello\.[0-9a-f]{16}\.js$/)
    const { headers, body } = await get(script.path, { 'accept-encoding': 'br' })
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(brotliDecompressSync(body).toString()).toContain(TEXT)
    expect(hashedFile('hello.js', 'text/javascript', 'something else').path).not.toBe(script.path)
    expect((await get(script.path.replace(/\.[0-9a-f]{16}/, '.0123456789abcdef'))).status).toBe(404)
  })

  test('is nothing of what was made for one reader, and no answer that says that something is wrong', async () => {
    const own = await get('/own')
    expect([own.headers['cache-control'], own.headers.etag]).toEqual(['no-store', undefined])
    expect(own.headers.vary).toContain('accept')
    const gone = await get('/gone', { 'if-none-match': '*' })
    expect([gone.status, gone.headers.etag]).toEqual([410, undefined])
  })

  test('has the same headers without its body for HEAD', async () => {
    const whole = await get('/document', { 'accept-encoding': 'br' })
    const head = await get('/document', { 'accept-encoding': 'br' }, 'HEAD')
    expect([head.status, head.body.length]).toEqual([200, 0])
    for (const name of ['etag', 'content-length', 'content-encoding', 'content-type'] as const) {
      expect(head.headers[name]).toBe(whole.headers[name])
    }
  })
})

test('a policy allows what it names and nothing else', () => {
  const headers = pageHeaders({ styles: [inlineSource('b{}')], connections: ["'self'"] })
  expect(headers['content-security-policy']).toBe(
    "default-src 'none'; style-src 'sha256-7yqHVAesot11p6HczDsgKRipvI5UPgs97z80zNXlans='; connect-src 'self'; " +
      "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  )
  expect(headers['referrer-policy']).toBe('no-referrer')
})
