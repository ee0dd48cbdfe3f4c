import { createHash } from 'node:crypto'
import { GraphQLError, Lexer, Source, TokenKind } from 'graphql'

/** The words and signs of known documents. */
export interface Vocabulary {
  /**
   * Whether a text is made of exactly the words and signs of one of them, in whatever order. It is read word by word, and no
   * further than to the first that none of them has, and is not parsed. What has the normal form of one is made of its words.
   */
  areOfOne(text: string): boolean
}

export function createVocabulary(documents: Iterable<string>): Vocabulary {
  const words = new Set<string>()
  const sums = new Set<string>()
  let longest = 0
  for (const document of documents) {
    const own = [...wordsOf(document)]
    for (const word of own) words.add(word)
    sums.add(sumOf(own))
    longest = Math.max(longest, own.length)
  }
  return {
    areOfOne: (text) => {
      const own: string[] = []
      try {
        for (const word of wordsOf(text)) {
          if (!words.has(word) || own.length === longest) return false
          own.push(word)
        }
      } catch (err) {
        // No words of the language at all.
        if (err instanceof GraphQLError) return false
        throw err
      }
      return sums.has(sumOf(own))
    },
  }
}

function* wordsOf(text: string): Generator<string> {
  const lexer = new Lexer(new Source(text))
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
    // `{ … }` and `query { … }` are one, and so are the two ways to write a text.
    if (token.kind === TokenKind.NAME && token.value === 'query') continue
    yield `${token.kind === TokenKind.BLOCK_STRING ? TokenKind.STRING : token.kind} ${token.value ?? ''}`
  }
}

const sumOf = (words: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(words.toSorted())).digest('hex')
