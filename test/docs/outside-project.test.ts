import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isScalarType, isSpecifiedScalarType } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SCALAR_TYPES } from '../../src/platform/graphql/scalar-types.ts'
import { schemaRoutes } from '../../src/platform/graphql/schema-routes.ts'
import { type HttpServer, openHttpServer } from '../../src/platform/http/server.ts'
import { schema } from '../../src/schema.ts'
import { testLog } from '../support/context.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

const open = (publicUrl?: string): Promise<HttpServer> =>
  openHttpServer({
    routes: schemaRoutes(schema, publicUrl),
    log: testLog,
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1_000,
    trustProxy: 0,
  })

let server: HttpServer
const folder = openTemporaryFolder('cadre-outside-test-')

beforeAll(async () => {
  server = await open()
})
afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const DOCUMENTS = `
import { graphql } from './gql/index.js'

export const Feed = graphql(\`subscription Feed { events(last: 20) { id cursor occurredAt summary actor { name kind } } }\`)
export const Start = graphql(\`query Start($filter: DealFilter) { cursor deals(first: 25, filter: $filter) { nodes { id name amount { text micros } } } }\`)
export const Move = graphql(\`mutation Move($input: MoveDealInput!) { moveDeal(input: $input) { __typename
  ... on MoveDealPayload { cursor deal { id stage { name } version } }
  ... on ConflictError { reason current { id } }
  ... on UserError { code message } } }\`)
export const Send = graphql(\`mutation Send($answers: JSON!) { submitForm(input: { form: { slug: "a" }, answers: $answers }) { __typename ... on SubmitFormPayload { id cursor } } }\`)
`

const USE = `
import type { MoveMutationVariables, StartQuery } from './gql/graphql.js'

type Exact<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Deal = StartQuery['deals']['nodes'][number]
export const ids: Exact<Deal['id'], string> = true
export const inputs: Exact<MoveMutationVariables['input']['id'], string> = true
export const micros: Exact<NonNullable<Deal['amount']>['micros'], string> = true
`

test('a project outside generates its documents from /codegen.ts, and they hold under strict, without any', async () => {
  mkdirSync(join(folder, 'src'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "name": "outside", "private": true, "type": "module" }')
  writeFileSync(join(folder, 'codegen.ts'), await (await fetch(`${server.url}/codegen.ts`)).text())
  writeFileSync(join(folder, 'src', 'documents.ts'), DOCUMENTS)
  writeFileSync(join(folder, 'src', 'use.ts'), USE)
  const options = { module: 'NodeNext', target: 'ES2022', strict: true, noEmit: true, skipLibCheck: true, types: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['src'] }))

  const bin = (name: string) => join(ROOT, 'node_modules', '.bin', name)
  await run(bin('graphql-codegen'), ['--config', 'codegen.ts'], { cwd: folder })
  // Rejects, with what the compiler says, when it complains.
  await run(bin('tsc'), ['--project', folder], { cwd: folder }).catch((err: { stdout?: string }) => {
    throw new Error(`tsc --strict:\n${err.stdout}`)
  })
  const generated = readFileSync(join(folder, 'src', 'gql', 'graphql.ts'), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  expect(generated).toContain('export type StartQuery')
  expect(generated).not.toMatch(/\bany\b/)
})

test('no scalar is forgotten: what is not spelled out is any', () => {
  const ours = Object.values(schema.getTypeMap()).filter((type) => isScalarType(type) && !isSpecifiedScalarType(type))
  expect(Object.keys(SCALAR_TYPES).sort()).toEqual(['ID', ...ours.map(({ name }) => name)].sort())
})

test('the schema is the committed one, is asked for by its ETag, and answers HEAD', async () => {
  const whole = await fetch(`${server.url}/schema.graphql`)
  expect(whole.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(await whole.text()).toBe(readFileSync(join(ROOT, 'schema.graphql'), 'utf8'))
  const tag = whole.headers.get('etag') ?? ''
  const again = await fetch(`${server.url}/schema.graphql`, { headers: { 'if-none-match': tag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
  const head = await fetch(`${server.url}/codegen.ts`, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('codegen.ts names the server as the world reaches it', async () => {
  expect(await (await fetch(`${server.url}/codegen.ts`)).text()).toContain(`schema: "${server.url}/schema.graphql"`)
  const behindProxy = await open('https://cadre.example')
  const text = await (await fetch(`${behindProxy.url}/codegen.ts`)).text()
  await behindProxy.close()
  expect(text).toContain('schema: "https://cadre.example/schema.graphql"')
})
