import { buildSchema } from 'graphql'
import pino from 'pino'
import { expect, test } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { createEngine } from './engine.ts'
import { defaultLimits, type OperationLimits } from './limits.ts'

const schema = buildSchema('scalar Any type Query { a(any: Any): Query b: Int }')

const engineOf = (limits: Partial<OperationLimits> = {}) =>
  createEngine({
    schema,
    limits: { ...defaultLimits, ...limits },
    introspection: true,
    log: pino({ level: 'silent' }),
    clock: systemClock,
  })

const codesOf = (prepared: object): unknown[] =>
  'errors' in prepared
    ? (prepared.errors as readonly { extensions: { code?: unknown } }[]).map((err) => err.extensions.code)
    : []

test('a document too long, nested too deep or with too many fields is refused as too much', () => {
  const engine = engineOf()
  for (const query of [
    `{ b } #${'x'.repeat(70_000)}`,
    `{ a(any: ${'['.repeat(30_000)}`,
    `${'{ a '.repeat(30_000 / 8)}`,
    // Invalid too: it is not looked at that closely.
    `{ ${'x { y } '.repeat(251)} }`,
  ]) {
    expect(codesOf(engine.prepare({ query }))).toEqual(['LIMIT_EXCEEDED'])
  }
  expect(codesOf(engine.prepare({ query: `{ ${'b '.repeat(500)} }` }))).toEqual([])
})

test('variables nested deeper than 50 are refused, also where any are taken', () => {
  const engine = engineOf()
  const query = 'query ($any: Any) { a(any: $any) { b } }'
  const any = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
  expect(codesOf(engine.prepare({ query, variables: { any: any(49) } }))).toEqual([])
  expect(codesOf(engine.prepare({ query, variables: { any: any(50) } }))).toEqual(['LIMIT_EXCEEDED'])
  expect(codesOf(engine.prepare({ query, variables: { any: any(100_000) } }))).toEqual(['LIMIT_EXCEEDED'])
})

test('a document deeper than the stack is the caller’s error', () => {
  const engine = engineOf({ maxNesting: Infinity, maxTokens: Infinity, maxLength: Infinity, maxFields: Infinity })
  const depth = 100_000
  const query = `${'{ a '.repeat(depth)}${'}'.repeat(depth)}`
  expect(codesOf(engine.prepare({ query }))).toEqual(['LIMIT_EXCEEDED'])
})

test('a fragment that spreads itself is refused as invalid', () => {
  const prepared = engineOf().prepare({ query: '{ ...F } fragment F on Query { a { ...F } }' })
  expect(codesOf(prepared)).toEqual(['INVALID_INPUT'])
})
