// Part of the build: makes the API reference of the schema and of docs/reference, into dist/docs.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { marked } from 'marked'
import { packageRoot } from '../platform/db/package-root.ts'
import { buildReference } from '../platform/reference/build-reference.ts'
import { schema } from '../schema.ts'

const from = join(packageRoot(), 'docs', 'reference')
const to = process.argv[2] ?? join(packageRoot(), 'dist', 'docs')
const source = (name: string): string => readFileSync(join(from, name), 'utf8')
/** Text of ours; what is wider than a phone is scrolled by keyboard, too. */
const page = (name: string): string =>
  marked.parse(source(name), { async: false }).replaceAll('<pre>', '<pre tabindex="0">')

const files = buildReference({ schema, overview: page('overview.md'), conventions: page('conventions.md') })
for (const name of ['reference.css', 'search.js']) files.set(name, source(name))

rmSync(to, { recursive: true, force: true })
for (const [name, text] of files) {
  const file = join(to, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
process.stdout.write(`${files.size} files of the API reference in ${to}\n`)
