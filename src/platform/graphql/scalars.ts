import { GraphQLScalarType, type GraphQLScalarTypeConfig, Kind, type ValueNode, valueFromASTUntyped } from 'graphql'
import { DateTime } from 'luxon'
import { parseDuration } from '../lib/duration.ts'
import { invalidInput } from '../lib/errors.ts'
import { parseMicros } from '../lib/money.ts'

// Going in, a scalar is strict: what it accepts has the type that resolvers expect. Coming out it is lenient: an odd
// value in a row is shown as it is, never the reason why a whole answer fails.

const refuse = (type: string, expected: string): never => {
  throw invalidInput([{ path: [], code: 'INVALID_FORMAT', message: `${type} is written as ${expected}.` }])
}

interface TextScalar<Input> {
  readonly name: string
  readonly description: string
  readonly expected: string
  readonly specifiedByURL?: string
  parse(text: string): Input | undefined
  serialize(value: unknown): unknown
}

function textScalar<Input>(options: TextScalar<Input>): GraphQLScalarType<Input, unknown> {
  const { name, description, expected, specifiedByURL } = options
  const parseValue = (value: unknown): Input => {
    const parsed = typeof value === 'string' ? options.parse(value) : undefined
    return parsed === undefined ? refuse(name, expected) : parsed
  }
  const config: GraphQLScalarTypeConfig<Input, unknown> = {
    name,
    description,
    serialize: (value) => options.serialize(value),
    parseValue,
    // Numbers are given as text, so that no digit is lost on the way; in a document they may stand as they are.
    parseLiteral: (node: ValueNode) =>
      node.kind === Kind.STRING || node.kind === Kind.INT || node.kind === Kind.FLOAT
        ? parseValue(node.value)
        : refuse(name, expected),
    ...(specifiedByURL === undefined ? {} : { specifiedByURL }),
  }
  return new GraphQLScalarType(config)
}

const asText = (value: unknown): string => String(value)

const isoMoment = (value: unknown): string => {
  const date = value instanceof Date ? value : new Date(String(value))
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString()
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/
const DAY = /^\d{4}-\d\d-\d\d$/

function parseMoment(text: string): Date | undefined {
  if (!RFC3339.test(text)) return undefined
  return dateOf(DateTime.fromISO(text.replace(' ', 'T').toUpperCase(), { zone: 'utc' }))
}

const parseDay = (text: string): Date | undefined =>
  DAY.test(text) ? dateOf(DateTime.fromISO(text, { zone: 'utc' })) : undefined

/** From the year 1 to 9999: PostgreSQL has no year 0 and writes those before it in a way of its own. */
const dateOf = (moment: DateTime): Date | undefined =>
  moment.isValid && moment.year >= 1 && moment.year <= 9_999 ? moment.toJSDate() : undefined

/** Longer than any text that these scalars stand for; the rules of each are its domain's, which names the field. */
const shortText = (text: string): string | undefined => (text.length <= 2_048 ? text : undefined)

const dateTime = textScalar({
  name: 'DateTime',
  description: 'A moment, as RFC 3339 in UTC: `2026-02-03T04:05:06.789Z`. Another offset may be sent.',
  expected: 'RFC 3339, e.g. "2026-02-03T04:05:06Z"',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  parse: parseMoment,
  serialize: isoMoment,
})

const dateTimeOrDuration = textScalar({
  name: 'DateTimeOrDuration',
  description:
    'A DateTime, a Date (its midnight in UTC), or a duration relative to now, read anew each time: `-P7D`. ' +
    'So a filter can be saved.',
  expected: 'a date-time ("2026-02-03T04:05:06Z"), a date ("2026-02-03") or a duration ("-P7D")',
  parse: (text) => {
    const at = parseMoment(text) ?? parseDay(text)
    if (at !== undefined) return { at }
    const fromNow = parseDuration(text)
    return fromNow === undefined ? undefined : { fromNow }
  },
  serialize: asText,
})

const date = textScalar({
  name: 'Date',
  description: 'A calendar day: `2026-02-03`.',
  expected: '"2026-02-03"',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339#section-5.6',
  parse: parseDay,
  serialize: (value) => (value instanceof Date ? isoMoment(value).slice(0, 10) : String(value)),
})

const duration = textScalar({
  name: 'Duration',
  description: 'A length of time as ISO 8601 writes it: `P7D`, `PT30M`.',
  expected: 'ISO 8601, e.g. "P7D" or "PT30M"',
  parse: (text) => (parseDuration(text) === undefined ? undefined : text),
  serialize: asText,
})

const decimal = textScalar({
  name: 'Decimal',
  description: 'An exact decimal number as text, with up to six places: `"1234.50"`.',
  expected: 'a decimal number as text, e.g. "1234.50"',
  parse: (text) => (parseMicros(text) === undefined ? undefined : text.trim()),
  serialize: asText,
})

const bigInt = textScalar({
  name: 'BigInt',
  description: 'A whole number of up to 64 bits, as text: JavaScript numbers would lose digits.',
  expected: 'a whole number as text, e.g. "9007199254740993"',
  parse: (text) => {
    if (!/^-?\d{1,19}$/.test(text)) return undefined
    const number = BigInt(text)
    return BigInt.asIntN(64, number) === number ? number : undefined
  },
  serialize: asText,
})

const currencyCode = textScalar({
  name: 'CurrencyCode',
  description: 'A currency by its ISO 4217 code: `EUR`.',
  expected: 'three letters, e.g. "EUR"',
  parse: (text) => (/^[A-Za-z]{3}$/.test(text) ? text.toUpperCase() : undefined),
  serialize: asText,
})

const emailAddress = textScalar({
  name: 'EmailAddress',
  description: 'An e-mail address.',
  expected: 'text, e.g. "ada@example.com"',
  parse: shortText,
  serialize: asText,
})

const url = textScalar({
  name: 'URL',
  description: 'An absolute address on the web.',
  expected: 'text, e.g. "https://example.com"',
  parse: shortText,
  serialize: asText,
})

const cursor = textScalar({
  name: 'Cursor',
  description:
    'A position in the event log. Opaque, but later positions compare greater as strings. ' +
    'Never a paging cursor: those are String.',
  expected: 'a cursor that this server gave',
  parse: (text) => (text.length > 0 && text.length <= 200 ? text : undefined),
  serialize: asText,
})

const json = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description: 'Any JSON value: only where its shape is the user’s own.',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables),
})

/** Every scalar of ours by its name. */
export const scalarTypes = {
  BigInt: bigInt,
  CurrencyCode: currencyCode,
  Cursor: cursor,
  Date: date,
  DateTime: dateTime,
  DateTimeOrDuration: dateTimeOrDuration,
  Decimal: decimal,
  Duration: duration,
  EmailAddress: emailAddress,
  JSON: json,
  URL: url,
}
