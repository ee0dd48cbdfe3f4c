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
  /** Characters of a document. */
  readonly maxLength: number
  /** Words and signs of a document. */
  readonly maxTokens: number
  /** Brackets within brackets of a document: parsing and validation go as deep on the stack. */
  readonly maxNesting: number
  /** Fields of a document, and spreads of its fragments: validation compares them with one another. */
  readonly maxFields: number
  /** Objects and lists within one another, in variables. */
  readonly maxVariableDepth: number
  readonly maxDepth: number
  readonly maxAliases: number
  readonly maxDirectives: number
  /** See `cost.ts`. */
  readonly maxCost: number
  /** How long an operation may take. */
  readonly timeoutMs: number
}

/**
 * What stands in `extensions.limit` of a LIMIT_EXCEEDED that meets an operation and no thing of the domain, and what it
 * counts. All but COST_PER_MINUTE are the same whenever one tries again: they have no `retryAfterMs`.
 */
export const OPERATION_LIMITS = {
  LENGTH: 'The characters of the document.',
  NESTING: 'How deep the brackets of the document go.',
  TOKENS: 'The words and signs of the document.',
  FIELDS: 'The fields of the document, and the spreads of its fragments.',
  DEPTH: 'The levels of the document, through its fragments; introspection does not count.',
  ALIASES: 'The aliases of the document.',
  DIRECTIVES: 'The directives of the document.',
  VARIABLES: 'How deep the objects and lists of the variables go.',
  COST: 'What the operation would cost.',
  COST_PER_MINUTE: 'What the operations of this credential, or of this address without one, cost in a minute.',
  TIME: 'How long the operation takes.',
  SIZE: 'The bytes of the body.',
  OPERATIONS: 'The operations that are open on the socket.',
} as const

export type OperationLimit = keyof typeof OPERATION_LIMITS

export const defaultLimits: OperationLimits = {
  maxLength: 64 * 1_024,
  maxTokens: 4_000,
  maxNesting: 100,
  maxFields: 500,
  maxVariableDepth: 50,
  maxDepth: 15,
  maxAliases: 60,
  maxDirectives: 60,
  maxCost: 10_000,
  timeoutMs: 30_000,
}

/** Why a text is not parsed at all: it is too long, or nested too deep. */
export function checkText(query: string, limits: OperationLimits): GraphQLError[] {
  if (query.length > limits.maxLength)
    return [tooMuch('LENGTH', `A document has at most ${limits.maxLength} characters.`)]
  if (nestingOf(query) > limits.maxNesting) {
    return [tooMuch('NESTING', `The brackets of a document are nested at most ${limits.maxNesting} deep.`)]
  }
  return []
}

// Comments and strings are skipped whole; a text in which one does not end is refused by the parser.
const SIGNS = /#[^\n\r]*|"""(?:\\"""|(?!""")[\s\S])*(?:""")?|"(?:\\.|[^"\\\n\r])*"?|[{}[\]()]/g

function nestingOf(query: string): number {
  let depth = 0
  let deepest = 0
  for (const [sign] of query.matchAll(SIGNS)) {
    if (sign === '{' || sign === '[' || sign === '(') deepest = Math.max(deepest, ++depth)
    else if (sign === '}' || sign === ']' || sign === ')') depth -= 1
  }
  return deepest
}

/** Whether a value has no more than so many objects and lists within one another. */
export function isNestedAtMost(value: unknown, maxDepth: number): boolean {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.value !== 'object' || next.value === null) continue
    const depth = next.depth + 1
    if (depth > maxDepth) return false
    for (const inner of Object.values(next.value)) open.push({ value: inner, depth })
  }
  return true
}

/**
 * Errors of a document that asks for too much; introspection does not count as depth. It need not be valid: this is
 * looked at before validation, whose work grows with the square of what is here counted.
 */
export function checkDocument(document: DocumentNode, limits: OperationLimits): GraphQLError[] {
  let fields = 0
  let aliases = 0
  let directives = 0
  visit(document, {
    FragmentSpread: () => {
      fields += 1
    },
    Field: (field) => {
      fields += 1
      if (field.alias !== undefined) aliases += 1
    },
    Directive: () => {
      directives += 1
    },
  })
  const errors: GraphQLError[] = []
  const refuse = (limit: OperationLimit, what: string, has: number, most: number) => {
    if (has > most) errors.push(tooMuch(limit, `The document has ${has} ${what}; at most ${most} are allowed.`))
  }
  refuse('FIELDS', 'fields', fields, limits.maxFields)
  refuse('DEPTH', 'levels', depthOf(document), limits.maxDepth)
  refuse('ALIASES', 'aliases', aliases, limits.maxAliases)
  refuse('DIRECTIVES', 'directives', directives, limits.maxDirectives)
  return errors
}

/** The error of an operation that goes over a limit; `retryAfterMs` where waiting helps. */
export const tooMuch = (limit: OperationLimit, message: string, retryAfterMs = 0): GraphQLError =>
  new GraphQLError(message, {
    extensions: { code: 'LIMIT_EXCEEDED', limit, ...(retryAfterMs > 0 ? { retryAfterMs } : {}) },
  })

function depthOf(document: DocumentNode): number {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const known = new Map<SelectionSetNode, number>()
  const depthOfSet = (set: SelectionSetNode): number => {
    const before = known.get(set)
    if (before !== undefined) return before
    // A fragment that spreads itself ends here; validation refuses it.
    known.set(set, 0)
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
