import {
  type FragmentDefinitionNode,
  type GraphQLResolveInfo,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql'
import { expect, test } from 'vitest'
import type { GraphQLContext } from './context.ts'
import { hashInput, idempotencyKeyOf } from './idempotency.ts'

/** What is read of a field's `info`, for the first field of a document. */
function infoOf(text: string): GraphQLResolveInfo {
  const { definitions } = parse(text)
  const fragments: Record<string, FragmentDefinitionNode> = {}
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition
  }
  const operation = definitions[0] as OperationDefinitionNode
  return {
    fieldNodes: [],
    operation,
    fragments,
    variableValues: {},
    path: { key: 'move' },
  } as unknown as GraphQLResolveInfo
}

const ctx = { idempotencyKey: 'once' } as GraphQLContext

test('sixty fragments that each spread the next one twice are counted at once', () => {
  const doubling = Array.from({ length: 60 }, (_, at) => `fragment F${at} on M { ...F${at + 1} ...F${at + 1} }`)
  const one = `mutation { ...F0 } ${doubling.join(' ')} fragment F60 on M { move }`
  expect(idempotencyKeyOf(ctx, infoOf(one))).toBe('once')
  const two = `mutation { ...F0 } ${doubling.join(' ')} fragment F60 on M { move other: move }`
  expect(idempotencyKeyOf(ctx, infoOf(two))).toBe('once:move')
})

test('an input is hashed however deep it is', () => {
  const deep = (inmost: unknown): unknown => {
    let value = inmost
    for (let level = 0; level < 100_000; level += 1) value = level % 2 === 0 ? [value] : { value }
    return value
  }
  expect(hashInput(deep(1))).toBe(hashInput(deep(1)))
  expect(hashInput(deep(1))).not.toBe(hashInput(deep(2)))
})

test('the hash of an input stays what it was: stored claims hold it', () => {
  // SHA-256 of {"a":[1,"x",null,"2"],"b":{},"c":[]}
  expect(hashInput({ c: new Set(), b: new Map(), a: [1, 'x', null, 2n], d: undefined })).toBe(
    '537a0a1b404379670d51459b4159b9b1a260cf1717abfefa4cea20be87a56777',
  )
})
