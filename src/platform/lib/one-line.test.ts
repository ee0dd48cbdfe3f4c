import { expect, test } from 'vitest'
import { inOneLine, isOneLine, isVisibleLine } from './one-line.ts'

test.each(['Müller & Söhne', 'O’Brien', '株式会社 東京', 'می‌خواهم', '👩‍💻 Ada', ''])('%s is one line', (text) => {
  expect(isOneLine(text)).toBe(true)
  expect(inOneLine(text)).toBe(text)
})

test.each([
  ['a\r\nb', 'a b'],
  ['a\u2028\u2029b', 'a b'],
  ['a\0b', 'a b'],
  ['\u202eb', ' b'],
  ['\u2066b\u2069', ' b '],
])('%j is not', (text, line) => {
  expect(isOneLine(text)).toBe(false)
  expect(inOneLine(text)).toBe(line)
})

test.each(['Müller & Söhne', '株式会社', '👩‍💻', '?'])('something is seen of %s', (text) =>
  expect(isVisibleLine(text)).toBe(true),
)
test.each(['\u200b', '\u3164', '\u3164 \u00ad', ' ', 'a\nb'])('nothing is seen of %j, or it is no line', (text) =>
  expect(isVisibleLine(text)).toBe(false),
)
