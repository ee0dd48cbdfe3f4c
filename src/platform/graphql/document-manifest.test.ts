import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSchema } from 'graphql'
import pino from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import { openTemporaryFolder } from '../../../test/support/temporary-folder.ts'
import { StartFault } from '../lib/start-fault.ts'
import { readManifest, warnOfUnfit } from './document-manifest.ts'
import { documentIdOf } from './trusted-documents.ts'

const folder = openTemporaryFolder('cadre-manifest-test-')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: unknown): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

function faultOf(path: string): string {
  try {
    readManifest(path)
  } catch (err) {
    if (err instanceof StartFault && err.hint !== undefined) return err.message
    throw err
  }
  throw new Error('the manifest was accepted')
}

const A = 'query A { a }'

describe('a manifest', () => {
  test('of GraphQL Code Generator, Relay or Apollo is read', () => {
    const digest = documentIdOf(A)
    expect(readManifest(file('codegen.json', { [digest]: A, 'x-mine:1': '{ b }', abc: '{ c }' })).get(digest)).toBe(A)
    const operations = [{ id: digest.slice(7), name: 'A', type: 'query', body: A }]
    const manifest = { format: 'apollo-persisted-query-manifest', version: 1, operations }
    expect([...readManifest(file('apollo.json', manifest))]).toEqual([[digest.slice(7), A]])
  })

  test('may be several files in a folder', () => {
    file('several/one.json', { one: A })
    file('several/two.json', { two: A, one: A })
    file('several/notes.txt', 'no manifest')
    expect([...readManifest(join(folder, 'several')).keys()]).toEqual(['one', 'two'])
  })

  test.each([
    ['that is not there', () => join(folder, 'nowhere.json'), /nowhere\.json cannot be read: ENOENT/],
    ['that is no JSON', () => file('bad.json', '{'), /bad\.json cannot be read: .*JSON/],
    ['that holds something else', () => file('list.json', ['{ a }']), /list\.json is no manifest/],
    ['in a folder without any', () => join(file('empty/a.txt', ''), '..'), /empty there is no \.json file/],
    [
      'with a document that does not parse',
      () => file('syntax.json', { s: '{ a' }),
      /syntax\.json the document "s" does not parse: Syntax Error/,
    ],
    [
      'with an id that is none',
      () => file('id.json', { 'a b': A }),
      /id\.json the document "a b" has an id that is none/,
    ],
    [
      'with a digest of another text',
      () => file('digest.json', { [documentIdOf(A)]: 'query B { a }' }),
      /digest\.json the document "sha256:[0-9a-f]+" is not the text that its id is the digest of/,
    ],
    [
      'with two texts of one id',
      () => {
        file('twice/1.json', { one: A })
        return join(file('twice/2.json', { one: 'query B { a }' }), '..')
      },
      /2\.json the document "one" is there twice/,
    ],
  ])('%s is refused at the start, with its place', (_what, path, message) => {
    expect(faultOf(path())).toMatch(message)
    expect(faultOf(path())).toMatch(/^TRUSTED_DOCUMENTS: /)
  })

  test('with a document that does not fit the schema is taken, and the log names it', () => {
    const told: { readonly id?: string; readonly fault?: string }[] = []
    const log = pino({}, { write: (line: string) => told.push(JSON.parse(line)) })
    const documents = new Map([
      ['fits', '{ a }'],
      ['old', '{ gone }'],
    ])
    warnOfUnfit(buildSchema('type Query { a: Int }'), documents, log)
    expect(told).toMatchObject([{ id: 'old', fault: expect.stringContaining('gone') }])
  })
})
