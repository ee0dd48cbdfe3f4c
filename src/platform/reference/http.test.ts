import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTemporaryFolder } from '../../../test/support/temporary-folder.ts'
import { type HttpServer, openHttpServer } from '../http/server.ts'
import { referenceRoutes } from './http.ts'

const folder = openTemporaryFolder('cadre-reference-http-')
const serve = (path: string): Promise<HttpServer> =>
  openHttpServer({
    routes: referenceRoutes(path),
    log: pino({ level: 'silent' }),
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1_000,
    trustProxy: 0,
  })

let server: HttpServer

beforeAll(async () => {
  const files = { 'index.html': 'Start', 'queries.html': 'All', 'queries/deals.html': 'Deals', 'search.json': '[]' }
  mkdirSync(join(folder, 'queries'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  server = await serve(folder)
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

test.each([
  ['/docs', 'Start', 'text/html; charset=utf-8'],
  ['/docs/queries', 'All', 'text/html; charset=utf-8'],
  ['/docs/queries/deals', 'Deals', 'text/html; charset=utf-8'],
  ['/docs/search.json', '[]', 'application/json; charset=utf-8'],
])('%s is answered with the file that was built for it', async (path, text, type) => {
  const answer = await fetch(`${server.url}${path}`)
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([200, type, text])
})

test('only a page carries a policy, which lets it load what is its own', async () => {
  const policyOf = async (path: string) =>
    (await fetch(`${server.url}${path}`)).headers.get('content-security-policy') ?? ''
  expect(await policyOf('/docs')).toContain("script-src 'self'")
  expect(await policyOf('/docs/search.json')).not.toContain("script-src 'self'")
})

test.each(['/docs/nothing', '/docs/queries/nothing', '/docs/queries%2fdeals/..%2fsecret', '/docs/..%2fsecret.txt'])(
  '%s was not built, and is not found',
  async (path) => {
    expect((await fetch(`${server.url}${path}`)).status).toBe(404)
  },
)

test('a reference that was not built says what builds it', async () => {
  const unbuilt = await serve(join(folder, 'nowhere'))
  const answer = await fetch(`${unbuilt.url}/docs`)
  expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('npm run build')])
  await unbuilt.close()
})
