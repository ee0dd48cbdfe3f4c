import { randomUUID } from 'node:crypto'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { archiveForm } from '../../src/domains/forms/service.ts'
import { formRoutes } from '../../src/domains/submissions/http.ts'
import { databaseAnswers, healthRoutes } from '../../src/platform/http/health.ts'
import { openapiDocument, openapiRoute } from '../../src/platform/http/openapi.ts'
import type { Route } from '../../src/platform/http/router.ts'
import { type HttpServer, openHttpServer } from '../../src/platform/http/server.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { House } from '../forms/arrange.ts'
import { testLog } from '../support/context.ts'
import { openTestDatabase } from '../support/open-test-database.ts'

interface Described {
  readonly paths: Record<string, Record<string, { readonly responses?: Record<string, Answer> }>>
  readonly components: object
}
interface Answer {
  readonly content?: Record<string, { readonly schema: object }>
}

const { database, db } = openTestDatabase()
let server: HttpServer
let house: House
let stopping = false
let document: Described

beforeAll(async () => {
  const routes: Route[] = [
    ...healthRoutes([databaseAnswers(db.app)], () => stopping),
    ...formRoutes({ db, bell: { ring: () => {} }, clock: systemClock, log: testLog, secret: 'a secret of this test' }),
  ]
  server = await openHttpServer({
    routes: [...routes, openapiRoute(routes, '1.2.3')],
    log: testLog,
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 10_000,
    trustProxy: 0,
  })
  house = await House.open(db, database.url)
  document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Described
})
afterAll(async () => {
  await server?.close()
})

test('the description is valid OpenAPI 3.1, and describes every one of the doors', async () => {
  expect(await new Validator().validate(structuredClone(document) as never)).toEqual({ valid: true })
  expect(document).toMatchObject({ openapi: '3.1.1', info: { version: '1.2.3' } })
  expect(Object.keys(document.paths)).toEqual([
    '/health/live',
    '/health/ready',
    '/f/{workspace}/{form}',
    '/f/{workspace}/{form}/thanks',
    '/openapi.json',
  ])
})

test('a route that says nothing of itself is left out', () => {
  const handler = () => {}
  expect(openapiDocument([{ method: 'GET', path: '/inside', handler }], '1')).toMatchObject({ paths: {} })
})

/** Fails when the answer is none of those that stand in the description, by status, media type and shape. */
async function expectDescribed(path: string, method: string, answer: Response): Promise<void> {
  const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
  const text = await answer.text()
  const described = document.paths[path]?.[method]?.responses?.[answer.status]
  expect(described, `${method} ${path}: ${answer.status} ${text.slice(0, 200)}`).toBeDefined()
  if (type === '') return
  if (type === 'text/html' && answer.status >= 400) return
  const schema = described?.content?.[type]?.schema
  expect(schema, `${method} ${path}: ${answer.status} as ${type}`).toBeDefined()
  if (!type.endsWith('json') || schema === undefined) return
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const check = ajv.compile({ ...schema, components: document.components })
  expect([check(JSON.parse(text)), check.errors, text]).toEqual([true, null, text])
}

describe('what the doors answer is what the description says', () => {
  const path = '/f/{workspace}/{form}'
  const post = (form: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/f/${house.slug}/${form}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  test('for health', async () => {
    await expectDescribed('/health/live', 'get', await fetch(`${server.url}/health/live`))
    await expectDescribed('/health/ready', 'get', await fetch(`${server.url}/health/ready`))
    stopping = true
    const answer = await fetch(`${server.url}/health/ready`)
    stopping = false
    expect(answer.status).toBe(503)
    await expectDescribed('/health/ready', 'get', answer)
  })

  test('for a form, as a page and as a description', async () => {
    const { slug } = await house.form({ fields: [{ key: 'email', kind: 'EMAIL', label: 'E-mail', required: true }] })
    const at = `${server.url}/f/${house.slug}/${slug}`
    await expectDescribed(path, 'get', await fetch(at, { headers: { accept: 'text/html' } }))
    await expectDescribed(path, 'get', await fetch(`${at}?schema`))
    await expectDescribed(`${path}/thanks`, 'get', await fetch(`${at}/thanks`))
    const missing = await fetch(`${at}-not`, { headers: { accept: 'application/json' } })
    expect(missing.status).toBe(404)
    await expectDescribed(path, 'get', missing)
  })

  test('for what is sent: stored, sent again, wrong, unreadable, too large, of another kind, too late', async () => {
    const form = await house.form({ fields: [{ key: 'email', kind: 'EMAIL', label: 'E-mail', required: true }] })
    const key = { 'idempotency-key': randomUUID() }
    const sent: [number, Response][] = [
      [201, await post(form.slug, { email: 'ada@example.com' }, key)],
      [200, await post(form.slug, { email: 'ada@example.com' }, key)],
      [409, await post(form.slug, { email: 'bob@example.com' }, key)],
      [422, await post(form.slug, { email: 'ada@' })],
      [400, await post(form.slug, '{')],
      [415, await post(form.slug, 'x', { 'content-type': 'text/plain' })],
      [413, await post(form.slug, { email: 'x'.repeat(20_000) })],
      [404, await post('no-such-form', {})],
      [303, await post(form.slug, 'email=eve%40example.com', { 'content-type': 'application/x-www-form-urlencoded' })],
    ]
    await house.do((tx) => archiveForm(tx, { id: form.id }))
    sent.push([410, await post(form.slug, { email: 'ada@example.com' })])
    expect(sent.map(([, { status }]) => status)).toEqual(sent.map(([status]) => status))
    for (const [, answer] of sent) await expectDescribed(path, 'post', answer)
  })
})
