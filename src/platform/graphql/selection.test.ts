import { buildSchema, execute, type GraphQLResolveInfo, parse } from 'graphql'
import { expect, test } from 'vitest'
import { selects } from './selection.ts'

const schema = buildSchema('type Query { list: List! } type List { totalCount: Int nodes: [List!]! x: Int }')

function infoOf(query: string): GraphQLResolveInfo {
  let found: GraphQLResolveInfo | undefined
  execute({
    schema,
    document: parse(query),
    rootValue: {
      list: (_args: unknown, _ctx: unknown, info: GraphQLResolveInfo) => {
        found = info
        return {}
      },
    },
  })
  if (found === undefined) throw new Error('the list was not resolved')
  return found
}

test('a field is found through fragments, and not where it is left out', () => {
  expect(selects(infoOf('{ list { ...a } } fragment a on List { totalCount }'), 'totalCount')).toBe(true)
  expect(selects(infoOf('{ list { nodes { x } } }'), 'nodes', 'x')).toBe(true)
  expect(selects(infoOf('{ list { nodes { x } } }'), 'totalCount')).toBe(false)
  expect(selects(infoOf('{ list { totalCount @skip(if: true) x } }'), 'totalCount')).toBe(false)
})

test('fragments that spread each other twice, sixty levels deep, are looked through once each', () => {
  const levels = Array.from({ length: 60 }, (_, n) => `fragment f${n} on List { ...f${n + 1} ...f${n + 1} }`)
  const query = `{ list { ...f0 } } ${levels.join(' ')} fragment f60 on List { x }`
  expect(selects(infoOf(query), 'totalCount')).toBe(false)
  expect(selects(infoOf(query), 'x')).toBe(true)
})
