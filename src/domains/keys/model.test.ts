import { describe, expect, test } from 'vitest'
import { newId } from '../../platform/lib/ids.ts'
import { createApiKeyInput, rotateApiKeyInput, statusOfKey } from './model.ts'

const id = `api_key_${newId()}`
const overlapOf = (overlap?: string | null) => rotateApiKeyInput.safeParse({ id, overlap })
const HOUR_MS = 3_600_000

describe('the overlap of a rotation', () => {
  test.each([
    [undefined, 24 * HOUR_MS],
    [null, 24 * HOUR_MS],
    ['PT0S', 0],
    ['PT90M', 1.5 * HOUR_MS],
    ['P7D', 7 * 24 * HOUR_MS],
    ['P1W', 7 * 24 * HOUR_MS],
  ])('%s is taken', (given, ms) => expect(overlapOf(given).data?.overlapMs).toBe(ms))

  test.each(['P8D', 'P7DT1S', 'P1M', '-PT1S', 'a day', ''])('%j is refused', (given) => {
    expect(overlapOf(given).error?.issues.map(({ path }) => path)).toEqual([['overlap']])
  })
})

test('permissions of a new key are each told once, in the order in which they are known', () => {
  const permissions = ['KEYS_WRITE', 'DEALS_READ', 'DEALS_READ']
  const parsed = createApiKeyInput.parse({ name: 'Board', permissions, environment: 'TEST' })
  expect(parsed.permissions).toEqual(['DEALS_READ', 'KEYS_WRITE'])
})

test('a key works until its very moment, and what was revoked is revoked, though it has expired', () => {
  const now = new Date()
  const later = new Date(now.getTime() + 1)
  expect(statusOfKey({ revokedAt: null, expiresAt: null }, now)).toBe('ACTIVE')
  expect(statusOfKey({ revokedAt: null, expiresAt: later }, now)).toBe('ACTIVE')
  expect(statusOfKey({ revokedAt: null, expiresAt: now }, now)).toBe('EXPIRED')
  expect(statusOfKey({ revokedAt: now, expiresAt: now }, now)).toBe('REVOKED')
})
