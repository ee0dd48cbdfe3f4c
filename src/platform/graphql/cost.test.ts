import {
  buildSchema,
  type DocumentNode,
  GraphQLError,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
} from 'graphql'
import { describe, expect, test } from 'vitest'
import { costOf, PER_ITEM } from './cost.ts'

const schema = buildSchema(`
  interface Node { id: ID! }
  type Deal implements Node { id: ID!, name: String, owner: Person, notes(first: Int): NoteConnection!, score: Int }
  type Person implements Node { id: ID!, name: String, boss: Person }
  type NoteConnection { nodes: [Deal!]!, totalCount: Int! }
  union Thing = Deal | Person
  type Query { deal: Deal, thing: Thing, node: Node, deals(first: Int): [Deal!]! }
`)

type Complexity = number | { field?: number; multiplier?: number } | ((args: { first?: number }) => object)
function declare(type: string, field: string, complexity?: Complexity, perItem = false): void {
  const named = schema.getType(type)
  if (named === undefined || !('getFields' in named)) throw new Error(`there is no ${type}`)
  const given = named.getFields()[field]
  if (given === undefined) throw new Error(`there is no ${type}.${field}`)
  given.extensions = { ...(complexity === undefined ? {} : { complexity }), ...(perItem ? PER_ITEM : {}) }
}
const byFirst = ({ first = 10 }: { first?: number }) => {
  if (first < 0) throw new GraphQLError('first is negative')
  return { multiplier: first }
}
declare('Query', 'deals', byFirst)
declare('Deal', 'notes', byFirst)
declare('NoteConnection', 'nodes', undefined, true)
declare('Deal', 'score', 25)
declare('Query', 'node', { field: 3 })

function operationOf(document: DocumentNode): OperationDefinitionNode {
  const operation = getOperationAST(document)
  if (operation == null) throw new Error('there is no operation')
  return operation
}
function cost(text: string, variables: Record<string, unknown> = {}): number {
  const document = parse(text)
  return costOf(schema, document, operationOf(document), variables)
}

describe('the cost of an operation', () => {
  test('counts each field once, and what declares a cost with that', () => {
    expect(cost('{ deal { id name } }')).toBe(3)
    expect(cost('{ deal { score } }')).toBe(26)
    expect(cost('{ node { id } }')).toBe(4)
  })

  test('counts what lies below a list as often as the list may be long, whoever says so', () => {
    expect(cost('{ deals(first: 50) { id name } }')).toBe(101)
    expect(cost('query($n: Int) { deals(first: $n) { id name } }', { n: 50 })).toBe(101)
    expect(cost('{ deals { id owner { name } } }')).toBe(31)
    expect(cost('{ deals(first: 10) { notes(first: 10) { nodes { id } } } }')).toBe(1 + 10 * (1 + 10 * 2))
  })

  test('of a connection counts its items that often, and not what it says of all', () => {
    expect(cost('{ deal { notes(first: 100) { totalCount } } }')).toBe(3)
    expect(cost('{ deal { notes(first: 100) { totalCount nodes { id } } } }')).toBe(3 + 200)
  })

  test('of fragments on several types counts the dearest: a thing is of one', () => {
    const both = '{ thing { ... on Deal { score } ... on Person { id name } } }'
    expect(cost(both)).toBe(1 + 25)
    expect(cost('{ thing { ... on Deal { id } ... on Deal { name } ... on Person { id } } }')).toBe(3)
    expect(cost('{ deal { ... { id } ... on Node { id } } }')).toBe(3)
  })

  test('counts a fragment wherever it is spread, at that place’s price', () => {
    const text = `{ deal { ...All notes(first: 5) { nodes { ...All } } } } fragment All on Deal { id name }`
    expect(cost(text)).toBe(1 + 2 + 1 + 5 * (1 + 2))
  })

  test('takes introspection for free', () => {
    expect(cost('{ __typename __schema { types { name } } deal { __typename } }')).toBe(1)
  })

  test('is not that of what is not there, nor fails at a wrong argument: the execution says so', () => {
    expect(cost('{ deal { colour ...Gone ... on Nothing { id } ... on Int { id } } }')).toBe(1)
    expect(cost('{ thing { id } }')).toBe(1)
    expect(cost('{ deals(first: -1) { id } }')).toBe(2)
    expect(cost('mutation { anything { id } }')).toBe(0)
  })
})
