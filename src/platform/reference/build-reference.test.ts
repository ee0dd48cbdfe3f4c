import { buildSchema } from 'graphql'
import { describe, expect, test } from 'vitest'
import { buildReference } from './build-reference.ts'
import { entriesOf } from './places.ts'
import type { Findable } from './search-index.ts'

const schema = buildSchema(`
  "Waits with a part of the answer."
  directive @later(shade: Shade! = DARK, why: String) on FIELD
  "Only for who writes schemas."
  directive @hidden on FIELD_DEFINITION

  "A day, as \`2026-12-01\`."
  scalar Date @specifiedBy(url: "https://example.com/date?a=1&b=2")
  scalar Plain

  "What has an id."
  interface Node { "Its <id>." id: ID! }

  "A sale that may come about. It has a \`Stage\`, an amount and a \`Deal.stage\`; never a \`Deal.colour\`, nor \`a cat\`."
  type Deal implements Node {
    id: ID!
    "Where it stands. Compare \`Shade.DARK\` with \`Shade.PINK\`, or \`later\`, or \`Date.of\`, or \`Thing.of\`."
    stage("Not the shade." not: Shade, within: [Date!]! = ["2026-12-01"]): Stage!
    old: Int @deprecated(reason: "Use \`Deal.stage\`.")
    stages: [Stage!]!
    day: Date
    plain: Plain
  }
  type Stage { name: String! }
  union Thing = Deal | Stage
  enum Shade { "No light: as good as none." DARK PALE @deprecated(reason: "Nobody sees it.") }
  input DealBy @oneOf { "Its number." id: ID, name: String }
  input Wish { shade: Shade! = PALE, need: Int! }

  type Query {
    "A deal by what is known of it."
    deal(by: DealBy!): Deal
    "All of them" deals(oldKind: Shade @deprecated(reason: "Kinds are gone.")): [Deal!]!
    gone: Int @deprecated(reason: "It never worked.")
    wished(wish: Wish!): Thing
    unused: Boolean
  }
`)

const guide = {
  overview: '<h1>Guide</h1>',
  pages: [{ name: 'first-steps', title: 'First steps', body: '<h1>Steps</h1>' }],
}
// What our own builder says of each field; a schema made of text cannot.
for (const root of [schema.getQueryType()]) {
  for (const field of Object.values(root?.getFields() ?? {})) field.extensions = { permission: 'DEALS_READ' }
}
const files = buildReference({
  schema,
  overview: '<h1>Welcome</h1>',
  conventions: '<h1>Rules</h1><p>How it goes.</p><h2 id="a-b">A &amp; <code>b</code></h2>\n<p>Both. Or none.</p>',
  guide,
})

const page = (name: string): string => {
  const text = files.get(name)
  if (text === undefined) throw new Error(`there is no page ${name}`)
  return text
}
/** A page as it reads, without its navigation. */
const read = (name: string): string =>
  page(name)
    .replace(/^.*<main/s, '<main')
    .replace(/<\/li>|<br>/g, ' ')
    .replace(/<[^>]+>/g, '')
    .replaceAll('&quot;', '"')
    .replace(/\s+/g, ' ')

describe('the guide', () => {
  test('is a page that leads to its others, which know where they are', () => {
    expect(page('guide.html')).toContain('<a href="/docs/guide/first-steps">First steps</a>')
    expect(page('guide/first-steps.html')).toContain('<a href="/docs/guide/first-steps" aria-current="page">')
    expect(read('guide/first-steps.html')).toContain('Steps')
  })
})

describe('the pages of a schema', () => {
  test('are one for each thing that a caller may write or read, and a list for each chapter', () => {
    for (const name of ['queries', 'mutations', 'subscriptions', 'unions', 'directives']) {
      expect(files.has(`${name}.html`)).toBe(true)
    }
    const things = [...files.keys()].filter((name) => name.includes('/') && !name.startsWith('guide/'))
    expect(things).toEqual([
      ...['deal', 'deals', 'gone', 'unused', 'wished'].map((name) => `queries/${name}.html`),
      ...['objects/Deal', 'objects/Stage', 'interfaces/Node', 'unions/Thing', 'inputs/DealBy', 'inputs/Wish'].map(
        (name) => `${name}.html`,
      ),
      'enums/Shade.html',
      ...['Boolean', 'Date', 'ID', 'Int', 'Plain', 'String'].map((name) => `scalars/${name}.html`),
      ...['include', 'later', 'skip'].map((name) => `directives/${name}.html`),
    ])
  })

  test('begin with an overview that counts each chapter, and carry the rules beside it', () => {
    expect(read('index.html')).toContain('Welcome All of it')
    expect(read('index.html')).toContain('Queries 5 What can be asked.')
    expect(read('index.html')).toContain('Mutations 0 ')
    expect(read('conventions.html')).toContain('Rules')
  })

  test('say in their navigation where the reader is, and what stands beside it', () => {
    const deal = page('objects/Deal.html')
    expect(deal).toContain('<li><a href="/docs/objects/Deal" aria-current="page">Deal</a></li>')
    expect(deal).toContain('<li><a href="/docs/objects/Stage">Stage</a></li>')
    expect(deal.match(/aria-current/g)).toHaveLength(1)
    expect(page('objects.html')).toContain('<a href="/docs/objects" aria-current="page">Objects</a>')
    expect(page('mutations.html')).not.toContain('class="siblings"')
  })

  test('of an operation show its answer, its arguments, what is required, and an example', () => {
    const deal = read('queries/deal.html')
    expect(deal).toContain('Query deal A deal by what is known of it. Answer Deal Arguments by DealBy! required')
    expect(deal).toContain('Example query Deal($by: DealBy!)')
    expect(deal).toContain('Its variables:')
    const deals = read('queries/deals.html')
    expect(deals).toContain('oldKind Shade Deprecated. Kinds are gone.')
    expect(deals).not.toContain('required')
    expect(deals).not.toContain('Its variables:')
    expect(read('queries/unused.html')).not.toContain('Arguments')
  })

  test('warn of what is deprecated, wherever it stands', () => {
    expect(read('queries/gone.html')).toContain('Deprecated. It never worked. Answer')
    expect(read('objects/Deal.html')).toContain('old Int Deprecated. Use Deal.stage.')
    expect(read('enums/Shade.html')).toContain('PALE Deprecated. Nobody sees it.')
    expect(read('queries/deal.html')).not.toContain('Deprecated')
  })

  test('of an object name its interfaces, its fields with their arguments and defaults, and where it stands', () => {
    const deal = read('objects/Deal.html')
    expect(deal).toContain('Implements Node Fields id ID!')
    expect(deal).toContain('not Shade Not the shade. within [Date!]! = ["2026-12-01"]')
    expect(deal).toContain('Where it stands deal deals Thing')
    expect(read('objects/Stage.html')).not.toContain('Implements')
    expect(read('objects/Stage.html')).toContain('Where it stands Deal.stage Deal.stages Thing')
  })

  test('of the other kinds say what is theirs', () => {
    expect(read('interfaces/Node.html')).toContain('Implemented by Deal Fields id ID! Its &lt;id&gt;.')
    expect(read('unions/Thing.html')).toContain('One of Deal Stage')
    expect(read('inputs/DealBy.html')).toContain('Exactly one of these is given. Fields id ID Its number. name String')
    expect(read('inputs/Wish.html')).toContain('shade Shade! = PALE need Int! required')
    expect(read('inputs/Wish.html')).not.toContain('Exactly one')
    expect(page('scalars/Date.html')).toContain('Specified by <a href="https://example.com/date?a=1&amp;b=2">')
    expect(read('scalars/Plain.html')).not.toContain('Specified by')
    expect(read('directives/later.html')).toContain('Directive @later Waits with a part of the answer. Arguments')
    expect(read('enums/Shade.html')).toContain(
      'Where it stands deals(oldKind:) Deal.stage(not:) Wish.shade @later(shade:)',
    )
  })

  test('link what a description names in backticks, where there is such a thing, and write the rest as code', () => {
    const deal = page('objects/Deal.html')
    expect(deal).toContain('<code><a href="/docs/objects/Stage">Stage</a></code>')
    expect(deal).toContain('<code><a href="/docs/objects/Deal#stage">Deal.stage</a></code>')
    expect(deal).toContain('<code><a href="/docs/enums/Shade#DARK">Shade.DARK</a></code>')
    for (const text of ['Deal.colour', 'a cat', 'Shade.PINK', 'later', 'Date.of', 'Thing.of']) {
      expect(deal).toContain(`<code>${text}</code>`)
    }
    expect(deal).not.toContain('`')
  })
})

describe('what the search looks through', () => {
  const found = JSON.parse(page('search.json')) as Findable[]
  const find = (name: string) => found.find(([each]) => each === name)

  test('is every thing with the first sentence of what it is, and every field and value at its own address', () => {
    expect(find('Deal')).toEqual(['Deal', 'Object', '/docs/objects/Deal', 'A sale that may come about.'])
    expect(find('Deal.stage')).toEqual(['Deal.stage', 'Field', '/docs/objects/Deal#stage', 'Where it stands.'])
    expect(find('DealBy.id')?.[2]).toBe('/docs/inputs/DealBy#id')
    expect(find('Shade.DARK')).toEqual(['Shade.DARK', 'Value', '/docs/enums/Shade#DARK', 'No light: as good as none.'])
    expect(find('later')?.[1]).toBe('Directive')
    expect(found.filter(([, , href]) => href.startsWith('/docs/unions'))).toHaveLength(1)
  })

  test('is prose as well, by its pages and their sections', () => {
    expect(find('Conventions')).toEqual(['Conventions', 'Reference', '/docs/conventions', 'How it goes.'])
    expect(find('A & b')).toEqual(['A & b', 'Conventions', '/docs/conventions#a-b', 'Both.'])
    expect(find('First steps')).toEqual(['First steps', 'Guide', '/docs/guide/first-steps', ''])
  })

  test('is a description as a whole where it has no end, without backticks, and nothing where there is none', () => {
    expect(find('deals')?.[3]).toBe('All of them')
    expect(find('Date')?.[3]).toBe('A day, as 2026-12-01.')
    expect(find('Deal.old')?.[3]).toBe('')
    expect(find('Thing')?.[3]).toBe('')
  })
})

test('a schema that can only be asked has no mutations, and a list for them all the same', () => {
  expect(entriesOf(schema).filter(({ chapter }) => chapter === 'mutations')).toEqual([])
  expect(read('mutations.html')).toContain('Mutations What can be done.')
})
