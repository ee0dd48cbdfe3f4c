import DataLoader from 'dataloader'
import type { StoredActor } from '../auth/viewer.ts'
import type { Names } from './event.ts'

/** Looks up today's names of many things of one kind; ids without a thing are left out of the answer. */
export type NameLoader = (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>

const ACTOR_KINDS = { MEMBER: 'member', EMPLOYEE: 'employee', API_KEY: 'api_key' } as const

/**
 * Names for summaries: asked one by one, looked up together, each thing once. One per request or event, never kept:
 * it remembers what it has seen, and names change. A thing that is gone, or of a kind that has no name, is called by its
 * kind: "a deal".
 */
export function createNames(loaders: Readonly<Record<string, NameLoader>>): Names {
  const byKind = new Map(
    Object.entries(loaders).map(([kind, load]) => [
      kind,
      new DataLoader<string, string | undefined>(async (ids) => {
        const found = await load(ids)
        return ids.map((id) => found.get(id))
      }),
    ]),
  )
  const find = (kind: string, id: string) => byKind.get(kind)?.load(id)
  return {
    of: async (kind, id) => (await find(kind, id)) ?? withArticle(kind),
    actor: async (actor: StoredActor) => {
      if (actor.kind === 'SYSTEM') return 'Cadre'
      if (actor.kind === 'VISITOR') return 'A visitor'
      const kind = ACTOR_KINDS[actor.kind]
      const name = actor.id === undefined ? undefined : await find(kind, actor.id)
      return name ?? capitalized(withArticle(kind))
    },
  }
}

/** A thing without its name: `a deal`, `an API key`. */
export function withArticle(kind: string): string {
  const words = kind.replaceAll('_', ' ').replace(/^api\b/, 'API')
  return `${/^[aeiou]/i.test(words) ? 'an' : 'a'} ${words}`
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
