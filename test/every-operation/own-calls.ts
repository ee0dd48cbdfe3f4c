// For each operation a call that its own workspace may make, found by trying: of what kind an id is, and in which state
// its thing must be, no type tells. It is tried where nothing is kept.

import type { Asker, Request } from './asker.ts'
import type { Workspace } from './house.ts'
import { kindOf, nodeTypes, type Operation, placesOf, trialOf } from './operations.ts'
import { type Outcome, outcomeOf } from './outcomes.ts'
import { argumentsOf, type Given, neededIds, plainValue } from './values.ts'

export interface OwnCall {
  /** The ids that it cannot be made without, by their places. */
  readonly given: Given
  /** Of whom a field below is asked. */
  readonly parent: string | undefined
}

/** The request of a call with further values, as a document of the operation asks it. */
export const requestOf = (
  document: string,
  operation: Operation,
  { given, parent }: OwnCall,
  more: Given = {},
): Request => ({
  query: document,
  variables: { ...argumentsOf(operation, { ...given, ...more }), ...(parent === undefined ? {} : { parent }) },
})

const kinds = nodeTypes.map(({ name }) => kindOf(name))

/** Every id of a workspace, those first whose kind the operation or the place speaks of. */
export function candidatesFor({ ids }: Pick<Workspace, 'ids'>, operation: Operation, place: string): string[] {
  const words = `${kindOf(operation.name)} ${kindOf(place)}`
  const said = (kind: string): number => (place.includes(kind) ? 0 : words.includes(kind) ? 1 : 2)
  return [...kinds].sort((a, b) => said(a) - said(b)).flatMap((kind) => ids[kind] ?? [])
}

interface Wanted {
  /** Only a call that changes something; with one more value where it changes nothing without. */
  readonly changing: boolean
}

/** Throws a sentence that names the operation when nothing of the workspace fits. */
export async function findOwnCall(
  operation: Operation,
  workspace: Workspace,
  asker: Asker,
  { changing }: Wanted = { changing: false },
): Promise<OwnCall> {
  const document = trialOf(operation)
  const parent = operation.isBelow ? workspace.ids[kindOf(operation.parent.name)]?.[0] : undefined
  const places = neededIds(operation)
  const refusals: Outcome[] = []
  const texts = placesOf(operation).filter(({ path, type }) => type.name === 'String' && path.split('.').length === 2)

  const asked = async (given: Given): Promise<OwnCall | undefined> => {
    const call = { given, parent }
    const outcome = await tryOnce(operation, requestOf(document, operation, call), asker)
    if (outcome.code === 'DONE' && (!changing || outcome.changes)) return call
    refusals.push(outcome)
    return undefined
  }
  const tried = async (given: Given): Promise<OwnCall | undefined> => {
    const place = places.find((each) => !(each in given))
    if (place === undefined) {
      const found = await asked(given)
      if (found !== undefined || refusals.at(-1)?.code !== 'DONE') return found
      // It is taken and changes nothing: with one text more it may.
      for (const { path, type } of texts) {
        const changed = await asked({ ...given, [path]: plainValue(type) })
        if (changed !== undefined) return changed
      }
      return undefined
    }
    for (const id of candidatesFor(workspace, operation, place)) {
      const found = await tried({ ...given, [place]: id })
      if (found !== undefined) return found
    }
    return undefined
  }
  const found = await tried({})
  if (found !== undefined) return found
  const worst =
    refusals.find(({ code }) => code === 'INVALID_INPUT') ??
    refusals.find(({ code }) => code === 'CONFLICT') ??
    refusals.at(-1)
  throw new Error(
    `Nothing that ${workspace.mark} has can be given to ${operation.name}: ${JSON.stringify(worst)}. ` +
      'Say in values.ts what it needs, or let world.ts make a thing it can be done to.',
  )
}

/** What a call would answer; nothing of it is kept. */
export async function tryOnce(operation: Operation, request: Request, asker: Asker): Promise<Outcome> {
  if (operation.kind !== 'subscription') return outcomeOf(operation, await asker.dry(request))
  const stream = await asker.subscribe(request)
  if ('refused' in stream) return outcomeOf(operation, stream.refused)
  await stream.items.return(undefined)
  return { code: 'DONE', message: '' }
}
