// What one workspace can try with what is another's, and what it must not be told.

import type pg from 'pg'
import type { Answer, Request } from './asker.ts'
import { secretsOf } from './footprint.ts'
import type { Workspace } from './house.ts'

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
const GHOST = '0197a000-dead-7000-8000-00000000beef'

/** An id of the same kind, well formed, that nothing has. */
export const ghostOf = (id: string): string =>
  id.startsWith('event_') ? 'event_987654321012' : id.replace(UUID, GHOST)

export interface Watch {
  /** What an answer holds of the workspace that is watched, beside what the request itself has said. */
  leaksIn(answer: Answer, request: Request): string[]
  /** From now on somebody else has a thing with this id, too. */
  share(id: string): void
}

/** Watches over everything that a workspace has written down. */
export async function watchOver(owner: pg.Pool, { id, mark, ids }: Workspace): Promise<Watch> {
  const secrets = await secretsOf(owner, id)
  const marked = new RegExp(mark, 'i')
  const known = new Set([...secrets.map((text) => text.toLowerCase()), ...(ids.event ?? [])])
  // Ids are looked up and marked texts found by their mark: what is left is little.
  const others = secrets.filter((text) => !marked.test(text) && text.replace(UUID, '') !== '')
  return {
    leaksIn: ({ text }, request) => {
      let told = text.toLowerCase()
      for (const word of wordsIn(request.variables)) told = told.replaceAll(word.toLowerCase(), '…')
      const named = [...told.matchAll(UUID), ...told.matchAll(/event_\d+/g)].map(([each]) => each)
      return [
        ...named.filter((each) => known.has(each)),
        ...others.filter((each) => told.includes(each.toLowerCase())),
        ...[...told.matchAll(new RegExp(`.{0,40}${mark}.{0,40}`, 'gi'))].map(([each]) => each),
      ]
    },
    share: (shared) => {
      for (const each of shared.match(UUID) ?? []) known.delete(each.toLowerCase())
    },
  }
}

/** Every text of a request, the long ones first, and the ids in them without their kinds. */
function wordsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.length < 5 ? [] : [value, ...(value.match(UUID) ?? [])]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value)
    .flatMap(wordsIn)
    .sort((one, other) => other.length - one.length)
}

/** Texts by which things can be asked for, one of each sort. */
export async function namesIn(owner: pg.Pool, { id, mark }: Workspace): Promise<string[]> {
  const low = mark.toLowerCase()
  const { rows } = await owner.query<{ name: string }>(
    `select min(email) as name from contact where workspace_id = $1
     union select min(external_reference) from contact where workspace_id = $1
     union select min(name) from deal where workspace_id = $1
     union select min(slug) from form where workspace_id = $1 and status = 'ACTIVE'`,
    [id],
  )
  const slugs = rows.map(({ name }) => name).filter((name) => name?.startsWith(`${low}-`))
  return [...rows.map(({ name }) => name), ...slugs.map((slug) => `/f/${low}/${slug}`)]
}

/** The same text of a workspace that there is not. */
export const unheardOf = (name: string, { mark }: Workspace): string =>
  name.replaceAll(mark, 'X'.repeat(mark.length)).replaceAll(mark.toLowerCase(), 'x'.repeat(mark.length))

/** An answer without the words that two requests differ in, and without what the caller has left to spend. */
export function withoutWords({ status, text }: Answer, words: readonly string[]): string {
  let plain = text.replace(/,"remaining":\d+,"resetAt":"[^"]+"/, '')
  for (const word of [...words, ...words.flatMap((each) => each.match(UUID) ?? [])]) plain = plain.replaceAll(word, '…')
  return `${status} ${plain}`
}

/** So many at once, in order. */
export async function inBatches<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const open = [...items]
  const worker = async () => {
    for (let item = open.shift(); item !== undefined; item = open.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}
