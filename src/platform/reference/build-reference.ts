// The API reference: static pages made of a schema. They work without script, ask nothing of anybody else, and need no
// inline style or script, so that the strictest policy lets them through.
//
//   index.html  conventions.html        the pages beside the schema
//   permissions.html                    who may what, of the schema and the roles
//   guide.html  guide/watching-live.html …   the guide, as it stands in docs/guide
//   queries.html … directives.html      a list for each chapter
//   queries/deals.html, objects/Deal.html …   a page for each thing, a part's address is `#name`
//   search.json                         what the search looks through

import type { GraphQLSchema } from 'graphql'
import { html, trusted } from '../lib/html.ts'
import { renderLayout } from './layout.ts'
import { createLinks } from './links.ts'
import { chapterBody, entryBody } from './pages.ts'
import { permissionsBody } from './permissions.ts'
import { CHAPTERS, type ChapterKey, type Entry, entriesOf, GUIDE, hrefOf, ROOT } from './places.ts'
import { searchIndex } from './search-index.ts'
import { usesOf } from './uses.ts'

export interface ReferenceOptions {
  readonly schema: GraphQLSchema
  /** What stands in the overview and in the conventions: HTML of ours. */
  readonly overview: string
  readonly conventions: string
  readonly guide: Guide
}

export interface Guide {
  readonly overview: string
  /** In the order in which they are read. */
  readonly pages: readonly { readonly name: string; readonly title: string; readonly body: string }[]
}

/** The files of the reference, by their paths. */
export function buildReference({ schema, overview, conventions, guide }: ReferenceOptions): Map<string, string> {
  const entries = entriesOf(schema)
  const means = { schema, links: createLinks(entries), uses: usesOf(entries) }
  const inChapter = (key: ChapterKey): readonly Entry[] => entries.filter(({ chapter }) => chapter === key)
  const files = new Map<string, string>()

  const contents = Object.values(CHAPTERS).map(
    ({ key, title, intro }) =>
      html`<li><a href="${ROOT}/${key}">${title}</a> <span class="count">${inChapter(key).length}</span><br>${means.links.text(intro)}</li>`,
  )
  const start = html`${trusted(overview)}
<h2>All of it</h2>
<ul class="chapters">${contents}</ul>`
  files.set('index.html', renderLayout({ title: 'Reference', at: 'overview', siblings: [], body: start }))
  const rules = trusted(conventions)
  files.set('conventions.html', renderLayout({ title: 'Conventions', at: 'conventions', siblings: [], body: rules }))

  const who = permissionsBody(schema, means.links)
  files.set('permissions.html', renderLayout({ title: 'Permissions', at: 'permissions', siblings: [], body: who }))

  const guideSiblings = guide.pages.map(({ name, title }) => ({ name: title, href: `${GUIDE}/${name}` }))
  const inGuide = { at: 'guide', siblings: guideSiblings } as const
  files.set('guide.html', renderLayout({ ...inGuide, title: 'Guide', body: trusted(guide.overview) }))
  for (const { name, title, body } of guide.pages) {
    files.set(`guide/${name}.html`, renderLayout({ ...inGuide, title, name: title, body: trusted(body) }))
  }

  for (const { key, title } of Object.values(CHAPTERS)) {
    const entriesHere = inChapter(key)
    const siblings = entriesHere.map((entry) => ({ name: entry.name, href: hrefOf(entry) }))
    files.set(`${key}.html`, renderLayout({ title, at: key, siblings, body: chapterBody(key, entriesHere, means) }))
    for (const entry of entriesHere) {
      const { name } = entry
      const body = entryBody(entry, means)
      files.set(`${key}/${name}.html`, renderLayout({ title: name, at: key, name, siblings, body }))
    }
  }
  const prose = [
    { what: 'Reference', title: 'Conventions', href: `${ROOT}/conventions`, body: conventions },
    ...guide.pages.map(({ name, title, body }) => ({ what: 'Guide', title, href: `${GUIDE}/${name}`, body })),
  ]
  files.set('search.json', JSON.stringify(searchIndex(entries, prose)))
  return files
}
