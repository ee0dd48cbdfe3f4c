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
  return info.fieldNodes.some((field) => reaches(info, field.selectionSet, path))
}

function reaches(info: GraphQLResolveInfo, set: SelectionSetNode | undefined, path: readonly string[]): boolean {
  const [name, ...rest] = path
  if (name === undefined) return true
  if (set === undefined) return false
  return set.selections.some((selection) => {
    if (isLeftOut(info, selection)) return false
    if (selection.kind === Kind.FIELD) {
      return selection.name.value === name && reaches(info, (selection as FieldNode).selectionSet, rest)
    }
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection.selectionSet
        : info.fragments[selection.name.value]?.selectionSet
    return reaches(info, inner, path)
  })
}

function isLeftOut(info: GraphQLResolveInfo, selection: SelectionNode): boolean {
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
