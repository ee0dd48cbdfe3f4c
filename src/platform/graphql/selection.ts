import type { FieldNode, SelectionNode, SelectionSetNode } from 'graphql'
import {
  GraphQLIncludeDirective,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getDirectiveValues,
  Kind,
} from 'graphql'

/** Whether the client asked for a field below this one, e.g. `selects(info, 'edges', 'node')`. */
export function selects(info: GraphQLResolveInfo, ...path: readonly string[]): boolean {
  const looked = new Set<string>()
  return info.fieldNodes.some((field) => reaches(info, field.selectionSet, path, looked))
}

// A fragment is looked through once for each rest of the path: spread in spread, twice each, they would double with
// every level.
function reaches(
  info: GraphQLResolveInfo,
  set: SelectionSetNode | undefined,
  path: readonly string[],
  looked: Set<string>,
): boolean {
  const [name, ...rest] = path
  if (name === undefined) return true
  if (set === undefined) return false
  return set.selections.some((selection) => {
    if (isLeftOut(info, selection)) return false
    if (selection.kind === Kind.FIELD) {
      return selection.name.value === name && reaches(info, (selection as FieldNode).selectionSet, rest, looked)
    }
    if (selection.kind === Kind.INLINE_FRAGMENT) return reaches(info, selection.selectionSet, path, looked)
    const fragment = selection.name.value
    const once = `${fragment} ${path.join('.')}`
    if (looked.has(once)) return false
    looked.add(once)
    return reaches(info, info.fragments[fragment]?.selectionSet, path, looked)
  })
}

/** Whether `@skip` or `@include` leaves the selection out. */
export function isLeftOut(info: Pick<GraphQLResolveInfo, 'variableValues'>, selection: SelectionNode): boolean {
  const skip = getDirectiveValues(GraphQLSkipDirective, selection, info.variableValues)
  const include = getDirectiveValues(GraphQLIncludeDirective, selection, info.variableValues)
  return skip?.if === true || include?.if === false
}

/** Where the field stands in the answer, without the indexes of lists: equal for all parents of one list. */
export function fieldPath(info: GraphQLResolveInfo): string {
  const parts: string[] = []
  for (let at: GraphQLResolveInfo['path'] | undefined = info.path; at !== undefined; at = at.prev) {
    if (typeof at.key === 'string') parts.push(`${at.typename ?? ''}.${at.key}`)
  }
  return parts.reverse().join('/')
}
