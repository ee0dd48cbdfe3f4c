import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatMicros, moneyOf, moneyText, parseMicros } from './money.ts'

describe('an amount', () => {
  test('is read exactly or not at all', () => {
    expect(parseMicros('1234.5')).toBe(1_234_500_000n)
    expect(parseMicros('-0.000001')).toBe(-1n)
    expect(parseMicros(' 7 ')).toBe(7_000_000n)
    expect(parseMicros('1.5000000')).toBe(1_500_000n)
    for (const none of ['', '1,5', '1e3', '0.0000001', '9'.repeat(16), 'NaN', '--1', '9999999999999.9999999']) {
      expect(parseMicros(none)).toBeUndefined()
    }
  })

  test('is written with two places at least and read back the same', () => {
    expect(formatMicros(1_234_500_000n)).toBe('1234.50')
    expect(formatMicros(125n)).toBe('0.000125')
    expect(formatMicros(-1_000_000n)).toBe('-1.00')
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 18n), 10n ** 18n), (micros) => parseMicros(formatMicros(micros)) === micros),
    )
  })

  test('is shown as people of a locale write it, and plainly where locale or currency are odd', () => {
    expect(moneyText({ micros: 1_234_500_000n, currency: 'EUR' })).toBe('€1,234.50')
    expect(moneyText({ micros: 1_234_500_000n, currency: 'EUR' }, 'de-DE')).toMatch(/^1\.234,50\s€$/)
    expect(moneyText({ micros: 1_000_000n, currency: 'USD' }, 'not a locale')).toBe('$1.00')
    expect(moneyText({ micros: 1_000_000n, currency: '???' })).toBe('??? 1.00')
    expect(moneyText({ micros: 125n, currency: 'USD' })).toBe('$0.00013')
    expect(moneyText({ micros: 0n, currency: 'USD' })).toBe('$0.00')
  })

  test('needs both of its columns', () => {
    expect(moneyOf(null, 'EUR')).toBeNull()
    expect(moneyOf(1n, null)).toBeNull()
    expect(moneyOf(0n, 'EUR')).toEqual({ micros: 0n, currency: 'EUR' })
  })
})
