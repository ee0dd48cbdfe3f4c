// What a document may be, before anything of it is executed: how long, how deep, how often renamed.

import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  visit,
} from 'graphql'

export interface OperationLimits {
  /** Words and signs of a document. */
  readonly maxTokens: number
  readonly maxDepth: number
  readonly maxAliases: number
  readonly maxDirectives: number
  /** See `cost.ts`. */
  readonly maxCost: number
  /** How long an operation may take. */
  readonly timeoutMs: number
}

export const defaultLimits: OperationLimits = {
  maxTokens: 4_000,
  maxDepth: 15,
  maxAliases: 60,
  maxDirectives: 60,
  maxCost: 10_000,
  timeoutMs: 30_000,
}

/** Errors of a valid document that asks for too much; introspection does not count as depth. */
export function checkDocument(document: DocumentNode, limits: OperationLimits): GraphQLError[] {
  let aliases = 0
  let directives = 0
  visit(document, {
    Field: (field) => {
      if (field.alias !== undefined) aliases += 1
    },
    Directive: () => {
      directives += 1
    },
  })
  const errors: GraphQLError[] = []
  const refuse = (what: string, has: number, most: number) => {
    if (has > most) errors.push(tooMuch(`The document has ${has} ${what}; at most ${most} are allowed.`))
  }
  refuse('levels', depthOf(document), limits.maxDepth)
  refuse('aliases', aliases, limits.maxAliases)
  refuse('directives', directives, limits.maxDirectives)
  return errors
}

export const tooMuch = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED', limit: 'COST', retryAfterMs: 0 } })

function depthOf(document: DocumentNode): number {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const known = new Map<SelectionSetNode, number>()
  const depthOfSet = (set: SelectionSetNode): number => {
    const before = known.get(set)
    if (before !== undefined) return before
    let depth = 0
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        if (selection.name.value.startsWith('__')) continue
        depth = Math.max(depth, 1 + (selection.selectionSet === undefined ? 0 : depthOfSet(selection.selectionSet)))
      } else {
        const inner =
          selection.kind === Kind.INLINE_FRAGMENT
            ? selection.selectionSet
            : fragments.get(selection.name.value)?.selectionSet
        if (inner !== undefined) depth = Math.max(depth, depthOfSet(inner))
      }
    }
    known.set(set, depth)
    return depth
  }
  let depth = 0
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) depth = Math.max(depth, depthOfSet(definition.selectionSet))
  }
  return depth
}
