import { rmSync } from 'node:fs'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { builder } from '../../src/platform/graphql/builder.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { House } from '../forms/arrange.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

// What settings do at the front door of a server in production.

let database: TestDatabase
let folder: string
let app: App
const logged: { readonly level: number; readonly msg: string; readonly path?: string }[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  folder = openTemporaryFolder('cadre-settings-')
  const { url } = database
  const settings = { NODE_ENV: 'production', CORS_ORIGINS: 'https://app.example', PUBLIC_URL: 'https://cadre.example/' }
  app = await createApp({
    config: loadConfig({ ...settings, DATABASE_URL: url, PORT: '0', CADRE_DIR: folder }, false),
    log: pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) }),
    urls: { appUrl: url, systemUrl: url, systemDirectUrl: url },
    serve: true,
    work: false,
    development: false,
  })
})
afterAll(async () => {
  await app?.close()
  await database?.drop()
  rmSync(folder, { recursive: true, force: true })
})

test('pages of the origins in CORS_ORIGINS may call the server, those of others may not', async () => {
  const allowed = async (origin: string) =>
    (await fetch(`${app.url}/health/live`, { headers: { origin } })).headers.get('access-control-allow-origin')
  expect(await allowed('https://app.example')).toBe('https://app.example')
  expect(await allowed('https://other.example')).toBeNull()
  expect(await allowed('http://localhost:3000')).toBeNull()
})

test('a form says where the world finds it: at PUBLIC_URL', async () => {
  const house = await House.open(app.db, database.url)
  const form = await house.form()
  const [member] = await house.rows<{ id: string }>('select id from member where workspace_id = $1')
  const { key } = await house.do((tx) =>
    issueApiKey(tx, {
      memberId: member?.id ?? '',
      name: 'Test',
      environment: 'TEST',
      permissions: ['FORMS_READ'],
      expiresAt: null,
    }),
  )
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: `{ form(by: { id: "${encodeId('form', form.id)}" }) { url } }` }),
  })
  expect(await response.json()).toMatchObject({
    data: { form: { url: `https://cadre.example/f/${house.slug}/${form.slug}` } },
  })
})

test('a query that was planned and not used is a warning in production, once for each place', () => {
  const unused = (fieldName: string) =>
    builder.options.prisma.onUnusedQuery instanceof Function &&
    builder.options.prisma.onUnusedQuery({ parentType: { name: 'Deal' }, fieldName } as never)
  for (const fieldName of ['stage', 'contact', 'stage']) unused(fieldName)
  const warnings = logged.filter(({ msg }) => msg === 'a query was planned and not used')
  expect(warnings.map(({ path }) => path)).toEqual(['Deal.stage', 'Deal.contact'])
})
