import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fold, prefixEnd } from './fold.ts'

test('folding takes away case and accents, and nothing that tells words apart', () => {
  expect(fold('Åsa Öberg')).toBe('asa oberg')
  expect(fold('ДЕЛО')).toBe('дело')
  expect(fold('株式会社')).toBe('株式会社')
  expect(fold('ﬁne')).toBe('fine')
  expect(fold('')).toBe('')
})

test('folding what is folded changes nothing', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => fold(fold(text)) === fold(text)))
})

const byCodePoints = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

test('what begins with a prefix lies between the prefix and its end, in the order of code points, and nothing else does', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'z', 'é', '\u{10ffff}', '퟿', '', '😀') })
  fc.assert(
    fc.property(text, text, (prefix, other) => {
      const end = prefixEnd(prefix)
      const inside = byCodePoints(other, prefix) >= 0 && (end === undefined || byCodePoints(other, end) < 0)
      return inside === other.startsWith(prefix)
    }),
  )
})
