import {
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import { isLeftOut } from './selection.ts'

type Fragments = Readonly<Record<string, FragmentDefinitionNode>>

/** The fragments of a document by their names. */
export function fragmentsOf(document: DocumentNode): Fragments {
  const fragments = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
  return Object.fromEntries(fragments.map((fragment) => [fragment.name.value, fragment]))
}

/**
 * The root fields that an operation asks for, in order, by their names in the answer; where one is asked for twice, all of
 * its nodes. Of a validated document, with variables that were found good.
 */
export function rootFieldsOf(
  { schema, document, variableValues }: ExecutionArgs,
  operation: OperationDefinitionNode,
): ReadonlyMap<string, readonly FieldNode[]> {
  const fragments = fragmentsOf(document)
  const { coerced = {} } = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {})
  const found = new Map<string, FieldNode[]>()
  const visited = new Set<string>()
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (isLeftOut({ variableValues: coerced }, selection)) continue
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value
        found.set(key, [...(found.get(key) ?? []), selection])
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        collect(selection.selectionSet)
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value)
        const fragment = fragments[selection.name.value]
        if (fragment !== undefined) collect(fragment.selectionSet)
      }
    }
  }
  collect(operation.selectionSet)
  return found
}

const wholes = new WeakMap<OperationDefinitionNode, OperationDefinitionNode>()

/** The same operation with one of its root fields alone, as a document to execute. */
export function withFieldAlone(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  nodes: readonly FieldNode[],
): DocumentNode {
  const part = { ...operation, selectionSet: { ...operation.selectionSet, selections: nodes } }
  wholes.set(part, operation)
  const others = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
  return { ...document, definitions: [part, ...others] }
}

/** The operation as the client has sent it, also where one of its fields is executed alone. */
export const wholeOf = (operation: OperationDefinitionNode): OperationDefinitionNode =>
  wholes.get(operation) ?? operation
