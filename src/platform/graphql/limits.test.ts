import { parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { checkDocument, checkText, defaultLimits, isNestedAtMost } from './limits.ts'

const nested = (depth: number): string => `${'{a'.repeat(depth)}${'}'.repeat(depth)}`

describe('the text of a document', () => {
  test('is refused by its length and by how deep its brackets go', () => {
    expect(checkText(`{ a } #${'x'.repeat(64 * 1_024)}`, defaultLimits)[0]?.message).toContain('65536 characters')
    expect(checkText(nested(101), defaultLimits)[0]?.message).toContain('100 deep')
    expect(checkText(`{ a(b: ${'['.repeat(20_000)}`, defaultLimits)).toHaveLength(1)
    expect(checkText(nested(100), defaultLimits)).toEqual([])
  })

  test('may hold any brackets in strings and comments', () => {
    const many = '{'.repeat(200)
    for (const text of [
      `{ a(b: "${many}\\"${many}") }`,
      `{ a(b: """${many}\\"""${many} " ${many}""") }`,
      `# ${many} "\n{ a }`,
      `{ a(b: "", c: "#") { d } }`,
    ]) {
      expect(checkText(text, defaultLimits)).toEqual([])
    }
    expect(checkText(`{ a(b: "", c: "\\\\") ${many}`, defaultLimits)).toHaveLength(1)
  })
})

test('a document of more than 500 fields and spreads is refused, valid or not', () => {
  const over = parse(`{ ${'a '.repeat(300)} ${'...F '.repeat(201)} }`)
  expect(checkDocument(over, defaultLimits)[0]?.message).toBe('The document has 501 fields; at most 500 are allowed.')
  expect(checkDocument(parse(`{ ${'a '.repeat(500)} }`), defaultLimits)).toEqual([])
})

test('a fragment that spreads itself is left to validation', () => {
  expect(checkDocument(parse('{ ...F } fragment F on Q { a { ...F } }'), defaultLimits)).toEqual([])
})

test('a value is as deep as its objects and lists, however deep that is', () => {
  let deep: unknown = 1
  for (let level = 0; level < 200_000; level += 1) deep = level % 2 === 0 ? [deep] : { deep }
  expect(isNestedAtMost(deep, 50)).toBe(false)
  expect(isNestedAtMost({ a: [{ b: null }], c: 'text' }, 3)).toBe(true)
  expect(isNestedAtMost({ a: [{ b: null }], c: 'text' }, 2)).toBe(false)
})
