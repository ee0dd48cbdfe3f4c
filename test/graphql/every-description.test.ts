import { isEnumType, isInputObjectType, isInterfaceType, isObjectType } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/schema.ts'

interface Part {
  /** `Deal.timeline(first:)`. */
  readonly path: string
  readonly name: string
  readonly description?: string | null | undefined
}

const EXECUTABLE = ['skip', 'include', 'deprecated', 'specifiedBy', 'oneOf']

/** Everything of the schema that has a name of ours. */
function* parts(): Generator<Part> {
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue
    yield { path: type.name, name: type.name, description: type.description }
    if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        const path = `${type.name}.${field.name}`
        yield { path, name: field.name, description: field.description }
        for (const arg of 'args' in field ? field.args : []) {
          yield { path: `${path}(${arg.name}:)`, name: arg.name, description: arg.description }
        }
      }
    }
    if (isEnumType(type)) {
      for (const { name, description } of type.getValues()) yield { path: `${type.name}.${name}`, name, description }
    }
  }
  for (const directive of schema.getDirectives()) {
    if (EXECUTABLE.includes(directive.name)) continue
    yield { path: `@${directive.name}`, name: directive.name, description: directive.description }
    for (const arg of directive.args) {
      yield { path: `@${directive.name}(${arg.name}:)`, name: arg.name, description: arg.description }
    }
  }
}

const all = [...parts()]

test('every type, field, argument, input field and enum value says what it is', () => {
  expect(all.length).toBeGreaterThan(500)
  const silent = all.filter(({ description }) => (description ?? '').trim() === '')
  expect(silent.map(({ path }) => path)).toEqual([])
})

// The words of a name, whatever its case: `createdAt`, `NEEDS_REVIEW`, `JSON`.
const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[ _]+/)
    .map((word) => word.toLowerCase())

const IMPLEMENTATION = new Set(
  (
    'prisma kysely pothos dbos zod postgres postgresql sql db database column jsonb uuid tx transaction outbox sequencer ' +
    'segment executor fence takeover takeovers epoch tenant folded normalised hash impl dto entity util helper manager ' +
    'obj tmp foo'
  ).split(' '),
)

test('no name speaks of how the server is made', () => {
  const found = all.filter(({ name }) => wordsOf(name).some((word) => IMPLEMENTATION.has(word)))
  expect(found.map(({ path }) => path)).toEqual([])
})
