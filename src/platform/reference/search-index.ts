import { CHAPTERS, descriptionOf, type Entry, hrefOf } from './places.ts'

/** What is found: its name, what it is, its address, and its first sentence. */
export type Findable = readonly [name: string, what: string, href: string, sentence: string]

/** Everything with an address: pages, and the fields and values on them. */
export function searchIndex(entries: readonly Entry[]): Findable[] {
  return entries.flatMap((entry) => {
    const href = hrefOf(entry)
    const what = CHAPTERS[entry.chapter].one
    const own: Findable = [entry.name, what, href, firstSentence(descriptionOf(entry))]
    return [own, ...partsOf(entry).map((part) => toFindable(entry, href, part))]
  })
}

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

const firstSentence = (text: string): string => (/^.+?[.:](?=\s|$)/s.exec(text)?.[0] ?? text).replaceAll('`', '')
