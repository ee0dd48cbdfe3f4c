import { buildSchema, type GraphQLSchema, getVariableValues, OperationTypeNode, parse, validate } from 'graphql'
import { describe, expect, test } from 'vitest'
import { type ExampleOperation, exampleOperation } from './example-operation.ts'

const schema = buildSchema(`
  scalar EmailAddress
  scalar DateTime
  scalar BigInt
  scalar Shade

  interface Node { id: ID! }
  interface UserError { code: String!, message: String! }
  interface Named { name: String!, code(of: ID!): String }

  type Deal implements Node & Named {
    amount: Int
    id: ID!
    name: String!
    code(of: ID!): String
    color: String @deprecated(reason: "Nobody looked.")
    createdAt: DateTime!
    note: String
    position: Int
    open: Boolean
    owner: Employee!
    stage: Stage!
    pipeline: Stage!
    notes: DealConnection!
  }
  type Employee implements Node { id: ID!, name: String!, boss: Employee }
  type Stage { id: ID!, name: String!, next: Stage }
  type RunStep implements Node { id: ID! }
  type Only { by(id: ID!): Stage }
  type DealConnection { edges: [Edge!]!, nodes: [Deal!]!, pageInfo: PageInfo!, totals: Stage }
  type Edge { cursor: String! }
  type PageInfo { hasNextPage: Boolean! }

  type ConflictError implements UserError { code: String!, message: String! }
  type MoveDealPayload { position: Int!, deal: Deal! }
  union MoveDealResult = MoveDealPayload | ConflictError
  type EmptyPayload { done: Boolean! }
  union EmptyResult = EmptyPayload
  union Thing = Deal | Employee

  enum Order { NEWEST, OLDEST }
  input DealBy @oneOf { id: ID, name: String }
  input Range { from: Int, to: Int }
  input MoveDeal { dealId: ID!, ownerIds: [ID!]!, order: Order!, lostReason: String!, email: EmailAddress!, unasked: Shade }

  type Query {
    deal(id: ID!): Deal
    deals(first: Int, last: Int): DealConnection!
    unpaged: DealConnection!
    dealBy(by: DealBy!): Deal
    within(range: Range!): Int
    named: Named
    things: [Thing!]!
    step(runStep: ID!): Int
    count: Int
    only: Only
    painted(shade: Shade!): Int
    sinceWhen(from: DateTime!, size: BigInt!): Boolean
  }
  type Mutation { moveDeal(input: MoveDeal!): MoveDealResult!, clear(id: ID!): EmptyResult! }
  type Subscription { moved: Deal! }
`)

const { QUERY, MUTATION, SUBSCRIPTION } = OperationTypeNode

function exampleOf(kind: OperationTypeNode, name: string, of: GraphQLSchema = schema): ExampleOperation {
  const field = of.getRootType(kind)?.getFields()[name]
  if (field === undefined) throw new Error(`the schema has no ${name}`)
  return exampleOperation(of, kind, field)
}

const oneLine = ({ text }: ExampleOperation): string => text.replace(/\s+/g, ' ')

describe('the example of an operation', () => {
  test('is taken by a server as it stands, its variables too', () => {
    for (const kind of [QUERY, MUTATION, SUBSCRIPTION]) {
      for (const name of Object.keys(schema.getRootType(kind)?.getFields() ?? {})) {
        if (name === 'painted') continue
        const { text, variables } = exampleOf(kind, name)
        const document = parse(text)
        expect([name, validate(schema, document)]).toEqual([name, []])
        const [operation] = document.definitions
        if (operation?.kind !== 'OperationDefinition') throw new Error(`${name} has no operation`)
        const declared = operation.variableDefinitions ?? []
        expect([name, getVariableValues(schema, declared, variables).errors]).toEqual([name, undefined])
      }
    }
  })

  test('asks first for what a reader wants to see, for six values at most, and for nothing that is deprecated', () => {
    expect(oneLine(exampleOf(SUBSCRIPTION, 'moved'))).toBe(
      'subscription Moved { moved { id name amount createdAt note position owner { id name boss { id name } } stage { id name next { id name } } } }',
    )
  })

  test('of a page takes its nodes and where it goes on, and ten of them where the field lets one say how many', () => {
    const paged = oneLine(exampleOf(QUERY, 'deals'))
    expect(paged).toContain('deals(first: 10) { nodes {')
    expect(paged).toContain('pageInfo { hasNextPage }')
    expect(paged).not.toMatch(/edges|totals/)
    expect(oneLine(exampleOf(QUERY, 'unpaged'))).toContain('unpaged { nodes {')
  })

  test('reads both the payload and the error of a mutation', () => {
    expect(oneLine(exampleOf(MUTATION, 'moveDeal'))).toMatch(
      /^mutation MoveDeal\(\$input: MoveDeal!\) .*__typename \.\.\. on MoveDealPayload \{ position deal \{ .* \} \} \.\.\. on UserError \{ code message \}/,
    )
    expect(oneLine(exampleOf(MUTATION, 'clear'))).not.toContain('UserError')
  })

  test('of an interface shows what all have, without what needs an argument, and of a type without values its name', () => {
    expect(oneLine(exampleOf(QUERY, 'named'))).toBe('query Named { named { __typename name } }')
    expect(oneLine(exampleOf(QUERY, 'only'))).toBe('query Only { only { __typename } }')
    expect(oneLine(exampleOf(QUERY, 'count'))).toBe('query Count { count }')
  })

  test('carries ids that look like those of the thing the argument names, or else of what the operation is about', () => {
    expect(exampleOf(QUERY, 'step').variables.runStep).toMatch(/^run_step_0192f3a4-/)
    expect(exampleOf(QUERY, 'deal').variables.id).toMatch(/^deal_/)
    const { input } = exampleOf(MUTATION, 'moveDeal').variables as { input: Record<string, unknown> }
    expect(input.dealId).toMatch(/^deal_/)
    const nobody = buildSchema('type Query { thing(id: ID!): Int }')
    expect(exampleOf(QUERY, 'thing', nobody).variables.id).toMatch(/^deal_/)
  })

  test('gives all that an input needs, one where exactly one is wanted, and the first where nothing is needed', () => {
    expect(exampleOf(MUTATION, 'moveDeal').variables.input).toEqual({
      dealId: expect.any(String),
      ownerIds: [expect.any(String)],
      order: 'NEWEST',
      lostReason: 'A lost reason',
      email: 'kim@nimbus.example',
    })
    expect(exampleOf(QUERY, 'dealBy').variables.by).toEqual({ id: expect.stringMatching(/^deal_/) })
    expect(exampleOf(QUERY, 'within').variables.range).toEqual({ from: 1 })
    expect(exampleOf(QUERY, 'sinceWhen').variables).toEqual({ from: '2026-12-01T09:00:00Z', size: '18000000000' })
  })

  test('says "an" before a vowel', () => {
    const said = buildSchema('type Query { ask(address: String!, name: String!): Int }')
    expect(exampleOf(QUERY, 'ask', said).variables).toEqual({ address: 'An address', name: 'A name' })
  })

  test('of a scalar that nobody has given one fails the build, by name', () => {
    expect(() => exampleOf(QUERY, 'painted')).toThrow('there is no example of the scalar Shade')
  })
})
