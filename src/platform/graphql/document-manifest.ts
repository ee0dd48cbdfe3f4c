// Manifests of trusted documents, as code generation writes them:
//
//   { "sha256:9f86…": "query Deals { … }" }                                    GraphQL Code Generator, Relay
//   { "format": "apollo-persisted-query-manifest", "version": 1, "operations": [{ "id": "…", "body": "…" }] }

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql'
import { z } from 'zod'
import { StartFault } from '../lib/start-fault.ts'
import type { Logger } from '../observability/logger.ts'
import { documentIdOf } from './trusted-documents.ts'

const SETTING = 'TRUSTED_DOCUMENTS'
const HINT = 'It is the persisted-documents.json that GraphQL Code Generator writes, or a folder of such files.'
// As the appendix on persisted documents writes ids: of our own choice, of one's own kind, or by SHA-256.
const ID = /^(?:[A-Za-z0-9._~-]+|x-[A-Za-z0-9._~-]+:[A-Za-z0-9._~-]+|sha256:[0-9a-f]{64})$/

const plain = z.record(z.string(), z.string())
const apollo = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string(), body: z.string() })),
})

/**
 * The documents of a manifest, or of every `.json` in a folder, by their ids. Throws a StartFault that says which file and
 * which document is wrong.
 */
export function readManifest(path: string): Map<string, string> {
  const documents = new Map<string, string>()
  for (const file of filesOf(path)) {
    for (const [id, text] of entriesOf(file)) {
      const fault = (documents.get(id) ?? text) === text ? faultOf(id, text) : 'is there twice, with two texts'
      if (fault !== undefined) throw new StartFault(`${SETTING}: in ${file} the document "${id}" ${fault}.`, HINT)
      documents.set(id, text)
    }
  }
  return documents
}

function filesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const files = readdirSync(path).filter((name) => name.endsWith('.json'))
    if (files.length === 0) throw new StartFault(`${SETTING}: in the folder ${path} there is no .json file.`, HINT)
    return files.sort().map((name) => join(path, name))
  } catch (err) {
    if (err instanceof StartFault) throw err
    throw new StartFault(`${SETTING}: ${path} cannot be read: ${reasonOf(err)}.`, HINT, err)
  }
}

function entriesOf(file: string): [string, string][] {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (err) {
    throw new StartFault(`${SETTING}: ${file} cannot be read: ${reasonOf(err)}.`, HINT, err)
  }
  const manifest = apollo.safeParse(content)
  if (manifest.success) return manifest.data.operations.map(({ id, body }) => [id, body])
  const texts = plain.safeParse(content)
  if (texts.success) return Object.entries(texts.data)
  throw new StartFault(`${SETTING}: ${file} is no manifest: it holds no texts by their ids.`, HINT)
}

function faultOf(id: string, text: string): string | undefined {
  if (!ID.test(id)) return 'has an id that is none'
  if (id.startsWith('sha256:') && id !== documentIdOf(text)) return 'is not the text that its id is the digest of'
  try {
    parse(text)
    return undefined
  } catch (err) {
    if (err instanceof GraphQLError) return `does not parse: ${err.message.replace(/\.$/, '')}`
    throw err
  }
}

const reasonOf = (err: unknown): string => (err instanceof Error ? err.message : String(err))

/** Warns of documents that do not fit the schema: clients of another time may still send them, and are told so. */
export function warnOfUnfit(schema: GraphQLSchema, documents: ReadonlyMap<string, string>, log: Logger): void {
  for (const [id, text] of documents) {
    const [fault] = validate(schema, parse(text), undefined, { maxErrors: 1 })
    if (fault !== undefined) log.warn({ id, fault: fault.message }, `a document of ${SETTING} does not fit the schema`)
  }
}
