import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { counted, oneLine, shortPath } from './terminal-text.ts'

describe('a stranger’s text at a terminal', () => {
  test('is one line without anything that a terminal would obey', () => {
    expect(oneLine('Kim\u001b[2J\r\nLarsen\u2028and\u202eCo \n')).toBe('Kim [2J Larsen and Co')
  })

  test('is cut where the terminal ends, whole letters only', () => {
    expect(oneLine('abcdef', 6)).toBe('abcdef')
    expect(oneLine('abcdef', 5)).toBe('abcd…')
    expect(oneLine('🙂🙂🙂', 2)).toBe('🙂…')
    expect(oneLine('abc', 1)).toBe('…')
    expect(oneLine('abc', 0)).toBe('abc')
  })
})

test('a count carries its noun, in thousands, with a plural of its own where it needs one', () => {
  expect([counted(1, 'deal'), counted(31, 'deal'), counted(0, 'deal')]).toEqual(['1 deal', '31 deals', '0 deals'])
  expect(counted(9_237, 'turned away', 'turned away')).toBe('9,237 turned away')
})

test('a path is written as somebody in the working folder would, and whole where it leads outside', () => {
  expect(shortPath(join(process.cwd(), 'a', 'b'))).toBe(join('a', 'b'))
  expect(shortPath(process.cwd())).toBe('.')
  expect(shortPath('/far/away')).toBe('/far/away')
})
