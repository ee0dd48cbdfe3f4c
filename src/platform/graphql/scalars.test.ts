import { parseValue as parseLiteral } from 'graphql'
import { describe, expect, test } from 'vitest'
import { isAppError } from '../lib/errors.ts'
import { scalarTypes } from './scalars.ts'

type Name = keyof typeof scalarTypes
const read = (name: Name, value: unknown): unknown => scalarTypes[name].parseValue(value)
const readLiteral = (name: Name, text: string): unknown => scalarTypes[name].parseLiteral(parseLiteral(text), {})
const write = (name: Name, value: unknown): unknown => scalarTypes[name].serialize(value)

describe('a scalar that comes in', () => {
  test.each<[Name, unknown, unknown]>([
    ['DateTime', '2026-02-03T04:05:06Z', new Date('2026-02-03T04:05:06Z')],
    ['DateTime', '2026-02-03 04:05:06.5+02:00', new Date('2026-02-03T02:05:06.500Z')],
    ['Date', '2026-02-03', new Date('2026-02-03T00:00:00Z')],
    ['DateTimeOrDuration', '2026-02-03', { at: new Date('2026-02-03T00:00:00Z') }],
    ['DateTimeOrDuration', '2026-02-03T04:05:06Z', { at: new Date('2026-02-03T04:05:06Z') }],
    ['Duration', 'PT30M', 'PT30M'],
    ['Decimal', ' 1234.50 ', '1234.50'],
    ['BigInt', '9223372036854775807', 9_223_372_036_854_775_807n],
    ['BigInt', '-9223372036854775808', -9_223_372_036_854_775_808n],
    ['CurrencyCode', 'eur', 'EUR'],
    ['Cursor', 'a'.repeat(200), 'a'.repeat(200)],
    ['URL', 'https://example.com', 'https://example.com'],
    ['JSON', { any: ['shape'] }, { any: ['shape'] }],
  ])('as %s is taken for what it says: %o', (name, given, meant) => {
    expect(read(name, given)).toEqual(meant)
  })

  test('as a duration is one from now', () => {
    expect(read('DateTimeOrDuration', '-P7D')).toMatchObject({ fromNow: expect.anything() })
  })

  test.each<[Name, unknown]>([
    ['DateTime', '2026-02-30T04:05:06Z'],
    ['DateTime', '2026-02-03T04:05:06'],
    ['DateTime', 1_770_000_000],
    ['DateTime', '0001-01-01T00:00:00+01:00'],
    ['DateTime', '9999-12-31T23:59:59-01:00'],
    ['Date', '2026-02-30'],
    ['Date', '0000-01-01'],
    ['DateTimeOrDuration', '0000-12-31'],
    ['Date', '3 Feb 2026'],
    ['DateTimeOrDuration', 'yesterday'],
    ['Duration', '7 days'],
    ['Decimal', '1,5'],
    ['BigInt', '9223372036854775808'],
    ['BigInt', '1.5'],
    ['BigInt', 7],
    ['CurrencyCode', 'EURO'],
    ['EmailAddress', `${'a'.repeat(2_048)}@example.com`],
    ['URL', null],
    ['Cursor', ''],
    ['Cursor', 'a'.repeat(201)],
  ])('as %s is refused where it is written in another way, and is told how', (name, given) => {
    const fault = (() => {
      try {
        return read(name, given)
      } catch (err) {
        return err
      }
    })()
    expect(isAppError(fault) && [fault.code, fault.details.issues?.[0]?.message]).toEqual([
      'INVALID_INPUT',
      expect.stringContaining(`${name} is written as`),
    ])
  })

  test('in a document may be a number as it stands, so that no digit is lost, and nothing else than text', () => {
    expect(readLiteral('BigInt', '9007199254740993')).toBe(9_007_199_254_740_993n)
    expect(readLiteral('Decimal', '0.10')).toBe('0.10')
    expect(readLiteral('CurrencyCode', '"usd"')).toBe('USD')
    expect(() => readLiteral('Decimal', 'true')).toThrow()
    expect(() => readLiteral('Date', '["2026-02-03"]')).toThrow()
    expect(readLiteral('JSON', '{a: [1, "b"]}')).toEqual({ a: [1, 'b'] })
  })
})

describe('a scalar that goes out', () => {
  test.each<[Name, unknown, unknown]>([
    ['DateTime', new Date('2026-02-03T04:05:06Z'), '2026-02-03T04:05:06.000Z'],
    ['DateTime', '2026-02-03T04:05:06+01:00', '2026-02-03T03:05:06.000Z'],
    ['Date', new Date('2026-02-03T00:00:00Z'), '2026-02-03'],
    ['Date', '2026-02-03', '2026-02-03'],
    ['BigInt', 9_007_199_254_740_993n, '9007199254740993'],
    ['JSON', null, null],
  ])('as %s is written as one: %o', (name, value, written) => {
    expect(write(name, value)).toBe(written)
  })

  test('is shown as it is where it is odd, never the reason why a whole answer fails', () => {
    expect(write('DateTime', 'infinity')).toBe('infinity')
    expect(write('Date', new Date(Number.NaN))).toBe('Invalid Da'.slice(0, 10))
  })
})
