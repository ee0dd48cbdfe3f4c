// What an operation asks for, counted before it is executed.
//
// Every field counts 1; what lies below a list counts as often as the list may be long (`first`, `last`, the number of
// ids, else 10). Of a connection only `nodes` and `edges` count that often, not its `totalCount`. Of fragments on
// different types the dearest counts, for a thing is of one type. A field may say its own cost with the option
// `complexity`. Introspection is free.

import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  isCompositeType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'

/** The mark on fields of a connection that hold its items. */
export const PER_ITEM = { perItem: true } as const

type Cost = number | { readonly field?: number; readonly multiplier?: number }
type Variables = Readonly<Record<string, unknown>>

export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): number {
  const root = schema.getRootType(operation.operation)
  if (root === undefined || root === null) return 0
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const known = new Map<SelectionSetNode, Map<string, number>>()

  /** `items`: how many things the connection holds whose selection this is; 1 for everything else. */
  const ofSet = (set: SelectionSetNode, type: GraphQLCompositeType, items: number): number => {
    const key = `${type.name} ${items}`
    const before = known.get(set)?.get(key)
    if (before !== undefined) return before
    let common = 0
    const byType = new Map<string, number>()
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        common += ofField(selection, type, items)
        continue
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)
      if (fragment === undefined) continue
      const name = fragment.typeCondition?.name.value
      const condition = name === undefined ? type : schema.getType(name)
      if (!isCompositeType(condition)) continue
      const cost = ofSet(fragment.selectionSet, condition, items)
      if (isObjectType(condition) && condition !== type) {
        byType.set(condition.name, (byType.get(condition.name) ?? 0) + cost)
      } else {
        common += cost
      }
    }
    const total = common + Math.max(0, ...byType.values())
    const perType = known.get(set) ?? new Map<string, number>()
    known.set(set, perType.set(key, total))
    return total
  }

  const ofField = (node: FieldNode, type: GraphQLCompositeType, items: number): number => {
    const name = node.name.value
    if (name.startsWith('__') || !('getFields' in type)) return 0
    const field = type.getFields()[name]
    if (field === undefined) return 0
    const { field: own, multiplier } = declared(field, node, variables)
    const target = getNamedType(field.type)
    const times = field.extensions.perItem === true ? items : 1
    if (node.selectionSet === undefined || !isCompositeType(target)) return own * times
    const below = isConnection(target)
      ? ofSet(node.selectionSet, target, multiplier)
      : ofSet(node.selectionSet, target, 1) * multiplier
    return (own + below) * times
  }

  return ofSet(operation.selectionSet, root, 1)
}

const isConnection = (type: GraphQLCompositeType): boolean =>
  isObjectType(type) && Object.values(type.getFields()).some((field) => field.extensions.perItem === true)

function declared(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  variables: Variables,
): { readonly field: number; readonly multiplier: number } {
  const option = field.extensions.complexity as Cost | ((args: object, ctx: object, field: unknown) => Cost) | undefined
  let cost: Cost = typeof option === 'function' ? 1 : (option ?? 1)
  if (typeof option === 'function') {
    try {
      cost = option(getArgumentValues(field, node, variables as Record<string, unknown>), {}, field)
    } catch {
      // A wrong argument: execution says so, and resolves nothing.
    }
  }
  return typeof cost === 'number'
    ? { field: cost, multiplier: 1 }
    : { field: cost.field ?? 1, multiplier: cost.multiplier ?? 1 }
}
