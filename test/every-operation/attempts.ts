// What A can try to learn or do with what is B's: at every place of an operation's arguments one of B's ids of each kind,
// and where texts are asked for, one of B's texts of each sort. Beside each stands its ghost: the same that nobody has.

import type { Asker, Request } from './asker.ts'
import type { House, Workspace } from './house.ts'
import { idPlacesOf, kindOf, type Operation, type Place, placesOf, trialOf } from './operations.ts'
import { type Outcome, outcomeOf } from './outcomes.ts'
import { type OwnCall, requestOf } from './own-calls.ts'
import { ghostOf, namesIn, unheardOf } from './strangers.ts'

export interface Attempt {
  readonly foreign: string
  readonly ghost: string
  /** Another of B's, for what A may do with it: a client makes the id of what it creates, and somebody may have it. */
  readonly spare?: string | undefined
  request(document: string, word: string): Request
  /** The place takes words of this kind. */
  readonly fits: boolean
  readonly askers: readonly Asker[]
}

/**
 * WHOLE is every place but those that are one more way to the same. USUAL is without comparators but `eq`, and without
 * what lies deep in filters. BRIEF is without filters, and with the key that may everything alone.
 */
export type How = 'WHOLE' | 'USUAL' | 'BRIEF'

const TEXTS = ['String', 'EmailAddress']
const PAGING = ['after', 'before']

export async function attemptsOn(operation: Operation, house: House, call: OwnCall, how: How): Promise<Attempt[]> {
  const { a, b, owner } = house
  const everybody = how === 'BRIEF' ? [a.all] : [a.all, a.readOnly, a.none]
  const attempts: Attempt[] = []
  for (const place of idPlacesOf(operation).filter((each) => isWorthTrying(each, operation, how))) {
    const inFilter = place.path.startsWith('filter.')
    const accepted = await kindsAt(place, operation, a, call)
    for (const kind of inFilter || how === 'BRIEF' ? accepted : Object.keys(b.ids)) {
      const [foreign] = b.ids[kind] ?? []
      if (foreign === undefined) continue
      attempts.push({
        foreign,
        ghost: ghostOf(foreign),
        spare: b.ids[kind]?.at(-1),
        fits: accepted.includes(kind),
        request: (document, word) => requestOf(document, operation, call, { [place.path]: word }),
        askers: accepted.includes(kind) && (!inFilter || /^filter\.\w+\.eq$/.test(place.path)) ? everybody : [a.all],
      })
    }
  }
  if (operation.isBelow) {
    const [foreign = ''] = b.ids[kindOf(operation.parent.name)] ?? []
    attempts.push({
      foreign,
      ghost: ghostOf(foreign),
      fits: true,
      request: (document, word) => requestOf(document, operation, { ...call, parent: word }),
      askers: everybody,
    })
  }
  // What is written into a workspace is anybody's; what is looked for in it is not.
  if (operation.kind === 'mutation') return attempts
  const texts = placesOf(operation).filter(
    (place) => TEXTS.includes(place.type.name) && !PAGING.includes(place.path) && isWorthTrying(place, operation, how),
  )
  const names = await namesIn(owner, b)
  for (const { path } of texts) {
    for (const foreign of names) {
      attempts.push({
        foreign,
        ghost: unheardOf(foreign, b),
        fits: true,
        request: (document, word) => requestOf(document, operation, call, { [path]: word }),
        askers: [a.all],
      })
    }
  }
  return attempts
}

/** A filter is tried with every comparator at the outside of a root field, and with `eq` elsewhere. */
function isWorthTrying({ path }: Place, { isBelow }: Operation, how: How): boolean {
  if (!path.startsWith('filter.')) return true
  const isEqual = !/\.(in\.\[\]|not|contains|startsWith|endsWith)$/.test(path)
  const isOutermost = path.split('.').length <= 4 && !/\.(and|or|not)\./.test(path)
  if (how === 'WHOLE' && !isBelow) return isEqual || isOutermost
  return how !== 'BRIEF' && isEqual && isOutermost
}

const known = new Map<string, readonly string[]>()
const NOT_TAKEN = ['INVALID_INPUT', 'NOT_FOUND', 'NOTHING']

/** The kinds of the workspace's own things that a place takes. Throws a sentence that names the place when it takes none. */
async function kindsAt(
  { path, meaning }: Place,
  operation: Operation,
  workspace: Workspace,
  call: OwnCall,
): Promise<readonly string[]> {
  const kinds: string[] = []
  let refused: Outcome | undefined
  for (const kind of known.get(meaning) ?? Object.keys(workspace.ids)) {
    const [id] = workspace.ids[kind] ?? []
    if (id === undefined) continue
    const answer = await workspace.all.dry(requestOf(trialOf(operation), operation, call, { [path]: id }))
    const outcome = outcomeOf(operation, answer)
    if (NOT_TAKEN.includes(outcome.code)) refused = outcome
    else kinds.push(kind)
  }
  if (kinds.length === 0) {
    throw new Error(
      `${operation.name} takes none of its own workspace’s ids at ${path}: ${JSON.stringify(refused)}. ` +
        'Say in values.ts what it needs beside it.',
    )
  }
  known.set(meaning, kinds)
  return kinds
}
