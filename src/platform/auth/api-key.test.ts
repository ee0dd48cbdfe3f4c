import { expect, test } from 'vitest'
import { createKey, hashKey, looksLikeKey } from './api-key.ts'

test('a new key is random, is recognised by its prefix and found by its digest', () => {
  const keys = Array.from({ length: 100 }, () => createKey())
  expect(new Set(keys.map(({ plain }) => plain)).size).toBe(100)
  for (const { plain, prefix, hash } of keys) {
    expect(plain).toMatch(/^cadre_test_[0-9A-Za-z]{32}$/)
    expect(plain.startsWith(prefix)).toBe(true)
    expect(prefix).toHaveLength('cadre_test_'.length + 4)
    expect(hash).toBe(hashKey(plain))
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(looksLikeKey(plain)).toBe(true)
  }
})

test('a key says whether it is for real work', () => {
  const { plain, prefix } = createKey('LIVE')
  expect(plain).toMatch(/^cadre_live_[0-9A-Za-z]{32}$/)
  expect(prefix).toHaveLength('cadre_live_'.length + 4)
})

test('what cannot be a key is told without looking it up', () => {
  for (const text of [
    '',
    'cadre_test_',
    `cadre_test_${'x'.repeat(31)}`,
    `cadre_test_${'x'.repeat(33)}`,
    `cadre_test_${'-'.repeat(32)}`,
  ]) {
    expect(looksLikeKey(text)).toBe(false)
  }
})
