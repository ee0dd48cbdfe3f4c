import { expect, test } from 'vitest'
import { inOneLine, isOneLine } from './one-line.ts'

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
