import { CHAPTERS, descriptionOf, type Entry, hrefOf } from './places.ts'

/** What is found: its name, what it is, its address, and its first sentence. */
export type Findable = readonly [name: string, what: string, href: string, sentence: string]

/** A page of prose: HTML of ours, whose `h2` have ids. */
export interface Prose {
  /** What it is, in a word. */
  readonly what: string
  readonly title: string
  readonly href: string
  readonly body: string
}

/** Everything with an address: pages, the fields and values on them, and the sections of prose. */
export function searchIndex(entries: readonly Entry[], prose: readonly Prose[]): Findable[] {
  return [...entries.flatMap(findablesOf), ...prose.flatMap(sectionsOf)]
}

function findablesOf(entry: Entry): Findable[] {
  const href = hrefOf(entry)
  const what = CHAPTERS[entry.chapter].one
  const own: Findable = [entry.name, what, href, firstSentence(descriptionOf(entry))]
  return [own, ...partsOf(entry).map((part) => toFindable(entry, href, part))]
}

const SECTION = /<h2 id="([^"]+)">(.*?)<\/h2>\s*(?:<p>(.*?)<\/p>)?/gs

function sectionsOf({ what, title, href, body }: Prose): Findable[] {
  const [, first = ''] = /<p>(.*?)<\/p>/s.exec(body) ?? []
  const sections = [...body.matchAll(SECTION)].map(
    ([, id, name = '', text = '']): Findable => [plain(name), title, `${href}#${id}`, firstSentence(plain(text))],
  )
  return [[title, what, href, firstSentence(plain(first))], ...sections]
}

const NAMED: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }

/** The words of a piece of HTML. */
const plain = (text: string): string =>
  text
    .replace(/<[^<>]*>/g, '')
    .replace(/&(?:amp|lt|gt|quot|#39);/g, (named) => NAMED[named] ?? named)
    .replace(/\s+/g, ' ')

interface Part {
  readonly name: string
  readonly description?: string | null | undefined
}

function partsOf(entry: Entry): readonly Part[] {
  if (!('type' in entry)) return []
  const { type } = entry
  if ('getFields' in type) return Object.values<Part>(type.getFields())
  return 'getValues' in type ? type.getValues() : []
}

const toFindable = (entry: Entry, href: string, { name, description }: Part): Findable => [
  `${entry.name}.${name}`,
  entry.chapter === 'enums' ? 'Value' : 'Field',
  `${href}#${name}`,
  firstSentence(description ?? ''),
]

const firstSentence = (text: string): string => (/^.+?\.(?=\s|$)/s.exec(text)?.[0] ?? text).replaceAll('`', '')
