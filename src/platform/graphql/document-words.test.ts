import { describe, expect, it } from 'vitest'
import { createVocabulary } from './document-words.ts'

const DEALS = 'query Deals($n: Int = 1) { deals(first: $n) { nodes { id name note(mark: "a b") } totalCount } }'
const words = createVocabulary([DEALS, '{ query }', 'mutation M { a b }'])

describe('the words of known documents', () => {
  it('are those of the same document, however it is written', () => {
    for (const text of [
      DEALS,
      `# a comment\nquery Deals($n: Int=1) {deals(first:$n){totalCount,nodes{note(mark:"""a b"""),name,id}}}`,
      'query { query }',
      'mutation M { b a }',
    ]) {
      expect([text, words.areOfOne(text)]).toEqual([text, true])
    }
  })

  it('are not those of another, of more or fewer of them, or of what is no document', () => {
    for (const text of [
      '',
      DEALS.replace('name ', 'name name '),
      DEALS.replace('name ', ''),
      DEALS.replace('"a b"', '"ab"'),
      DEALS.replace('= 1', '= 2'),
      `${DEALS} ${DEALS}`,
      'mutation M { a a }',
      'mutation M { a "b" }',
      '{ deals',
      '"',
      '\u0000',
      `${'{ deals '.repeat(10_000)}`,
    ]) {
      expect([text.slice(0, 40), words.areOfOne(text)]).toEqual([text.slice(0, 40), false])
    }
  })

  it('are read no further than to the first that is none of them: what follows is not looked at', () => {
    // Nothing that begins with this ends: a reader of the whole would say that it is no text.
    const before = performance.now()
    for (let n = 0; n < 2_000; n++) expect(words.areOfOne(`{ other ${'x '.repeat(30_000)}`)).toBe(false)
    expect(performance.now() - before).toBeLessThan(2_000)
  })
})
