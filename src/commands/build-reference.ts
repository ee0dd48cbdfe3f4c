// Part of the build: makes the API reference and the guide, of the schema, docs/reference and docs/guide, into dist/docs.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Marked } from 'marked'
import { packageRoot } from '../platform/db/package-root.ts'
import { buildReference, type Guide } from '../platform/reference/build-reference.ts'
import { GUIDE } from '../platform/reference/places.ts'
import { schema } from '../schema.ts'

const docs = join(packageRoot(), 'docs')
const to = process.argv[2] ?? join(packageRoot(), 'dist', 'docs')
const source = (name: string): string => readFileSync(join(docs, name), 'utf8')

const marked = new Marked({
  async: false,
  renderer: {
    heading({ tokens, depth, text }) {
      const id = text
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, '')
      return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`
    },
    // The guide's pages lead to one another. What they name of the repository is not on the server: its name is left.
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens)
      const [, name] = /^([\w-]+)\.md$/.exec(href) ?? []
      if (name !== undefined) return `<a href="${name === 'README' ? GUIDE : `${GUIDE}/${name}`}">${text}</a>`
      return href.startsWith('.') ? text : false
    },
  },
})

/** Text of ours; what is wider than a phone is scrolled by keyboard, too. */
const page = (name: string): string => String(marked.parse(source(name))).replaceAll('<pre>', '<pre tabindex="0">')

function readGuide(): Guide {
  const overview = source('guide/README.md')
  const names = [...overview.matchAll(/\]\(([\w-]+)\.md\)/g)].map(([, name = '']) => name)
  return {
    overview: page('guide/README.md'),
    pages: names.map((name) => {
      const [, title = name] = /^# (.+)$/m.exec(source(`guide/${name}.md`)) ?? []
      return { name, title, body: page(`guide/${name}.md`) }
    }),
  }
}

const files = buildReference({
  schema,
  overview: page('reference/overview.md'),
  conventions: page('reference/conventions.md'),
  guide: readGuide(),
})
for (const name of ['reference.css', 'search.js']) files.set(name, source(`reference/${name}`))

rmSync(to, { recursive: true, force: true })
for (const [name, text] of files) {
  const file = join(to, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
process.stdout.write(`${files.size} files of the API reference in ${to}\n`)
