import { readFileSync } from 'node:fs'

/** A fenced block of a page: what a reader pastes. */
export interface Block {
  readonly language: string
  readonly text: string
  /** For people: `README.md:12`. */
  readonly place: string
}

const ROOT = new URL('../../', import.meta.url)

export const readPage = (page: string): string => readFileSync(new URL(page, ROOT), 'utf8')

/** The fenced blocks of a page in the order a reader meets them. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = []
  let open: { readonly language: string; readonly from: number; readonly lines: string[] } | undefined
  for (const [index, line] of readPage(page).split('\n').entries()) {
    const fence = line.match(/^```(\w*)/)
    if (fence === null) open?.lines.push(line)
    else if (open === undefined) open = { language: fence[1] ?? '', from: index + 1, lines: [] }
    else {
      blocks.push({ language: open.language, text: open.lines.join('\n'), place: `${page}:${open.from}` })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.from}: the block is not closed`)
  return blocks
}

/** Where a page's links lead, without anchors. */
export const linksOf = (page: string): string[] =>
  [...readPage(page).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, target = '']) => target)

/** The guide's pages in the order of its table of contents. */
export const guidePages = (): string[] =>
  linksOf('docs/guide/README.md')
    .filter((target) => target.endsWith('.md'))
    .map((target) => `docs/guide/${target}`)
