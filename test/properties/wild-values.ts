// Values that nobody should send, made of nothing but the schema's input types: of a new scalar, input or argument there
// are some by themselves.

import fc from 'fast-check'
import {
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql'

type Ids = Readonly<Record<string, readonly string[]>>

const GHOST = '0197a000-dead-7000-8000-00000000beef'

const ODD_TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'a\udc00',
  '\udfff\ud800',
  '\u{10ffff}',
  '\uffff',
  '\ufeff',
  '\u202etxet',
  '%',
  '_',
  '\\',
  '\\u0000',
  "'",
  '"',
  "' or 1=1 --",
  '$1',
  '__proto__',
  'constructor',
  'null',
  'NaN',
  'İıßﬀ',
  'e\u0301'.repeat(500),
  '\u0344'.repeat(1_000),
  'x'.repeat(1_000),
  'x'.repeat(1_001),
  '\ud83d'.repeat(2_000),
  'ﷺ'.repeat(20_000),
  '\n\r\t\v',
  '😀'.repeat(600),
]

const ODD_NUMBERS = [0, -0, -1, 1, 2, 100, 101, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53, 1.5, 1e308, 5e-324, -1e-7]

const ODD_DAYS = [
  '0000-01-01',
  '0001-01-01',
  '1582-10-10',
  '2023-02-29',
  '2024-02-29',
  '2024-02-30',
  '9999-12-31',
  '99999-01-01',
  '+275760-09-13',
  '-004713-11-24',
  '2024-13-01',
]

const ODD_TIMES = [
  'T00:00:00Z',
  'T23:59:60Z',
  'T24:00:00Z',
  'T25:00:00Z',
  'T23:59:59.999999999Z',
  'T23:59:59+23:59',
  'T23:59:59-23:59',
  't00:00:00z',
  ' 00:00:00+00:00',
  'T00:00:00-99:99',
  '',
]

const ODD_DURATIONS = [
  'P',
  'PT',
  'P7D',
  '-P7D',
  '+P1M',
  'P0D',
  'P1Y1M1W1DT1H1M1S',
  'P1.5Y',
  'PT0.0000001S',
  'P99999999999999999999Y',
  '-P10000Y',
  'P8000Y',
  '-P300000Y',
  'P290000Y',
  'PT9007199254740993S',
  'P-1D',
  'P1D2M',
  'PT1e5S',
]

const ODD_DECIMALS = [
  '0',
  '-0',
  '-0.000001',
  '0.0000001',
  '999999999999999.999999',
  '9000000000000',
  '9223372036854.775807',
  '9223372036854.775808',
  '1e5',
  '٣',
  '1,000.00',
  '.5',
  '5.',
  ' 5 ',
]

const ODD_BIG = ['9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809', '007']

const ODD_CURSORS = [
  '000000000000000000000000',
  '7fffffff7fffffffffffffff',
  '00000001ffffffffffffffff',
  '000000010000000000000000',
  '000000017fffffffffffffff',
  '8000000080000000000000000',
  'W10',
  'bnVsbA',
  Buffer.from('{"__proto__":1}').toString('base64url'),
  Buffer.from(JSON.stringify(['AAAAAAAA', null])).toString('base64url'),
]

/** Any JSON, with the keys that objects of JavaScript have by themselves. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
  fc
    .constantFrom('{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '[[[[[[[[]]]]]]]]', '1e400')
    .map((text) => JSON.parse(text) as unknown),
  fc.constantFrom(...ODD_TEXTS, ...ODD_NUMBERS),
)

export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
)

/** Places in the log: of its form, nearly, and not at all. */
export const anyCursor: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_CURSORS),
  fc.string({ unit: fc.constantFrom(...'0127f'), minLength: 24, maxLength: 24 }),
  anyText,
)

/** Ids of all kinds of the workspace's things, nearly ids, and what is none. */
export function anyId(ids: Ids): fc.Arbitrary<unknown> {
  const kinds = Object.keys(ids)
  const own = Object.values(ids).flat()
  const kind = fc.constantFrom(...kinds)
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...own) },
    { weight: 2, arbitrary: kind.map((name) => `${name}_${GHOST}`) },
    fc.constantFrom(...own).map((id) => id.toUpperCase()),
    fc.constantFrom(...own).map((id) => id.slice(0, -1)),
    fc.constantFrom(...own).map((id) => `${id}_${'9'.repeat(30)}`),
    kind.map((name) => `${name}_`),
    fc
      .tuple(kind, fc.constantFrom('0', '-1', '9'.repeat(19), '9'.repeat(30), '0x1f', '１', '1e3', '1.0', `${GHOST}_0`))
      .map(([name, rest]) => `${name}_${rest}`),
    fc
      .tuple(kind, fc.constantFrom('-1', '2147483648', '9'.repeat(30), '1_1', '٣'))
      .map(([name, rest]) => `${name}_${GHOST}_${rest}`),
    fc.constantFrom(...ODD_NUMBERS),
    anyText,
  )
}

/** Values of scalars by their names, right and nearly right; of a scalar that is not here, any text or number. */
const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  Boolean: fc.boolean(),
  Int: fc.oneof(fc.constantFrom(...ODD_NUMBERS), fc.integer({ min: -2, max: 40 })),
  Float: fc.oneof(fc.constantFrom(...ODD_NUMBERS), fc.double({ noNaN: true, noDefaultInfinity: true })),
  String: fc.oneof(anyText, fc.constantFrom(...ODD_CURSORS)),
  BigInt: fc.oneof(fc.constantFrom(...ODD_BIG), fc.bigInt().map(String)),
  Cursor: anyCursor,
  CurrencyCode: fc.constantFrom('EUR', 'zzz', 'XXX', '€', 'EURO', 'ıIK'),
  Date: fc.constantFrom(...ODD_DAYS),
  DateTime: fc.tuple(fc.constantFrom(...ODD_DAYS), fc.constantFrom(...ODD_TIMES)).map((parts) => parts.join('')),
  DateTimeOrDuration: fc.oneof(
    fc.constantFrom(...ODD_DURATIONS, ...ODD_DAYS),
    fc.tuple(fc.constantFrom(...ODD_DAYS), fc.constantFrom(...ODD_TIMES)).map((parts) => parts.join('')),
  ),
  Decimal: fc.constantFrom<unknown>(...ODD_DECIMALS, 5, -5.5, 1e21),
  Duration: fc.constantFrom(...ODD_DURATIONS),
  EmailAddress: fc.oneof(
    fc.constantFrom(
      'a@b',
      'ada@example.com',
      '@',
      'ä@ö.example',
      `${'a'.repeat(300)}@x.example`,
      'a@b.example\0',
      '"a b"@c.example',
    ),
    anyText,
  ),
  JSON: anyJson,
  URL: fc.oneof(
    fc.constantFrom('https://a.example', 'javascript:alert(1)', 'http://', 'https://[::1', 'http://a:b@c'),
    anyText,
  ),
}

export interface Making {
  readonly ids: Ids
  /** How many inputs within one another; deeper ones are left out where they may be. */
  readonly depth: number
}

/** Values of an input type: mostly of its shape, with parts of every sort that fit the type and some that do not. */
export function valueFor(type: GraphQLInputType, making: Making): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return oftenRight(shapeOf(type.ofType, making))
  return fc.oneof({ weight: 9, arbitrary: oftenRight(shapeOf(type, making)) }, fc.constant(null))
}

/** One in forty is of another type: more, and a large input would hardly ever get further than its types. */
const oftenRight = (right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 39, arbitrary: right }, { weight: 1, arbitrary: anyJson })

function shapeOf(type: GraphQLInputType, making: Making): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return shapeOf(type.ofType, making)
  if (isListType(type)) {
    const item = valueFor(type.ofType, making)
    return fc.oneof(
      { weight: 8, arbitrary: fc.array(item, { maxLength: 3 }) },
      { weight: 1, arbitrary: many(item) },
      item,
    )
  }
  if (!isInputObjectType(type)) return leafOf(type, making)
  const members = Object.values(type.getFields())
  if (making.depth <= 0) return fc.constant({})
  const deeper = { ...making, depth: making.depth - 1 }
  if (type.isOneOf) {
    return fc.oneof(...members.map((member) => fc.record({ [member.name]: memberOf(member, deeper) })))
  }
  const required = members.filter((member) => isNonNullType(member.type)).map(({ name }) => name)
  const optional = members.filter((member) => !required.includes(member.name))
  // A few of the optional members at a time: all at once would always fail by one of them.
  return fewOf(optional).chain((chosen) =>
    fc.record(
      Object.fromEntries(
        members
          .filter((member) => required.includes(member.name) || chosen.includes(member))
          .map((member) => [member.name, memberOf(member, deeper)]),
      ),
    ),
  )
}

/** At most three of them. */
export const fewOf = <Item>(items: Item[]): fc.Arbitrary<Item[]> =>
  fc.subarray(items, { maxLength: Math.min(3, items.length) })

const memberOf = (member: GraphQLInputField, making: Making): fc.Arbitrary<unknown> => valueFor(member.type, making)

/** Longer than lists may be. */
const many = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  item.map((one) => Array.from({ length: 600 }, () => one))

/** Values of a type that has no members. */
export function leafOf(type: GraphQLNamedInputType, { ids }: Making): fc.Arbitrary<unknown> {
  if (isEnumType(type)) {
    const names = type.getValues().map(({ name }) => name)
    return fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...names) }, fc.constantFrom('', '__proto__', 'toString'))
  }
  if (type.name === 'ID') return anyId(ids)
  return scalarValues(type.name)
}

export const scalarValues = (name: string): fc.Arbitrary<unknown> =>
  SCALARS[name] ?? fc.oneof(anyText, fc.constantFrom(...ODD_NUMBERS))
