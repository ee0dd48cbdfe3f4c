// The comparators: one input type per kind of value, the same everywhere, and the SQL each of them stands for.
//
// A value that cannot match is refused with its path rather than quietly matching nothing. Conditions are written so
// that an index serves them under row-level security: no function on a column, no cast of one, leakproof operators only.

import type { InputFieldMap, InputRef } from '@pothos/core'
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import { addDuration } from '../lib/duration.ts'
import { type IssueCode, invalidInput } from '../lib/errors.ts'
import { fold, prefixEnd } from '../lib/fold.ts'
import { decodeId, isUuid } from '../lib/ids.ts'
import { parseMicros } from '../lib/money.ts'
import { builder, type Moment } from './builder.ts'

export type Condition = RawBuilder<SqlBool>

/** Where a condition stands: which table its columns are of, what time it is, and how the caller got there. */
export interface Scope {
  /** How many sub-queries lie around it; names their tables. */
  readonly depth: number
  /** Whether it stands within an `or`: what a sub-query finds is then looked up as a list, which an index can join in. */
  readonly alternative: boolean
  column(name: string): RawBuilder<unknown>
  readonly now: Date
  readonly path: readonly string[]
}

export type Comparison = Readonly<Record<string, unknown>>

export const TRUE: Condition = sql<SqlBool>`true`
export const FALSE: Condition = sql<SqlBool>`false`

const MAX_LIST = 500

export function refuse(scope: Scope, code: IssueCode, message: string, ...below: string[]): never {
  throw invalidInput([{ path: [...scope.path, ...below], code, message }])
}

export const allOf = (conditions: readonly Condition[]): Condition =>
  conditions.length === 0 ? TRUE : sql<SqlBool>`(${sql.join(conditions, sql` and `)})`

export const anyOf = (conditions: readonly Condition[]): Condition =>
  conditions.length === 0 ? FALSE : sql<SqlBool>`(${sql.join(conditions, sql` or `)})`

/** What `not` means: everything else, rows without a value included. */
export const notThat = (condition: Condition): Condition => sql<SqlBool>`(${condition}) is not true`

interface Column {
  readonly ref: RawBuilder<unknown>
  /** A value as the column has it, or FALSE-making undefined when no row can have it. */
  value(given: unknown, operator: string): unknown
  /** A further condition that leads to an index for `eq` and `in`; see `text`. */
  indexed?(values: readonly unknown[]): Condition
}

const SYMBOLS = { gt: sql`>`, gte: sql`>=`, lt: sql`<`, lte: sql`<=` } as const

/** eq, in, not, gt, gte, lt, lte and isNull; the caller adds what its kind has besides. */
export function compare(given: Comparison, column: Column, scope: Scope): Condition[] {
  const conditions: Condition[] = []
  for (const [operator, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (value === null) refuse(scope, 'NOT_ALLOWED', 'Use `isNull` to ask for what has no value.', operator)
    switch (operator) {
      case 'eq': {
        const wanted = column.value(value, operator)
        conditions.push(wanted === undefined ? FALSE : sql<SqlBool>`${column.ref} = ${wanted}`)
        if (wanted !== undefined && column.indexed !== undefined) conditions.push(column.indexed([wanted]))
        break
      }
      case 'in': {
        const list = value as readonly unknown[]
        if (list.length > MAX_LIST) refuse(scope, 'TOO_LONG', `At most ${MAX_LIST} values.`, operator)
        const wanted = list.map((item) => column.value(item, operator)).filter((item) => item !== undefined)
        conditions.push(wanted.length === 0 ? FALSE : sql<SqlBool>`${column.ref} in (${sql.join(wanted)})`)
        if (wanted.length > 0 && column.indexed !== undefined) conditions.push(column.indexed(wanted))
        break
      }
      case 'not': {
        const unwanted = column.value(value, operator)
        conditions.push(unwanted === undefined ? TRUE : sql<SqlBool>`${column.ref} is distinct from ${unwanted}`)
        break
      }
      case 'gt':
      case 'gte':
      case 'lt':
      case 'lte':
        conditions.push(sql<SqlBool>`${column.ref} ${SYMBOLS[operator]} ${column.value(value, operator)}`)
        break
      case 'isNull':
        conditions.push(isNull(column.ref, value === true))
        break
      default:
        // contains, startsWith, endsWith: added by `text`.
        break
    }
  }
  return conditions
}

export const isNull = (ref: RawBuilder<unknown>, wanted: boolean): Condition =>
  wanted ? sql<SqlBool>`${ref} is null` : sql<SqlBool>`${ref} is not null`

// ------------------------------------------------------------------ input types, made on first use

const inputs = new Map<string, InputRef<unknown>>()

type InputFields = (t: Parameters<NonNullable<Parameters<typeof builder.inputType>[1]['fields']>>[0]) => InputFieldMap

/** The input type of this name, made once. */
export function inputOnce(name: string, description: string, fields: InputFields): InputRef<unknown> {
  const known = inputs.get(name)
  if (known !== undefined) return known
  const made = builder.inputType(name, { description, fields }) as unknown as InputRef<unknown>
  inputs.set(name, made)
  return made
}

const EQUAL = {
  eq: 'Exactly this.',
  in: 'One of these.',
  not: 'Anything but this.',
  isNull: 'Whether there is no value.',
} as const

const RANGE = {
  gt: 'Greater than this.',
  gte: 'This or greater.',
  lt: 'Less than this.',
  lte: 'This or less.',
} as const

export const idComparator = () =>
  inputOnce('IDComparator', 'Compares ids.', (t) => ({
    eq: t.id({ description: EQUAL.eq }),
    in: t.idList({ description: EQUAL.in }),
    not: t.id({ description: EQUAL.not }),
    isNull: t.boolean({ description: EQUAL.isNull }),
  }))

export const stringComparator = () =>
  inputOnce(
    'StringComparator',
    'Compares text. `contains`, `startsWith` and `endsWith` ignore case and accents; `eq`, `in` and `not` do not.',
    (t) => ({
      eq: t.string({ description: EQUAL.eq }),
      in: t.stringList({ description: EQUAL.in }),
      not: t.string({ description: EQUAL.not }),
      contains: t.string({ description: 'Has this somewhere.' }),
      startsWith: t.string({ description: 'Begins with this.' }),
      endsWith: t.string({ description: 'Ends with this.' }),
      isNull: t.boolean({ description: EQUAL.isNull }),
    }),
  )

export const exactStringComparator = () =>
  inputOnce('ExactStringComparator', 'Compares text as a whole, case and accents included.', (t) => ({
    eq: t.string({ description: EQUAL.eq }),
    in: t.stringList({ description: EQUAL.in }),
    not: t.string({ description: EQUAL.not }),
    isNull: t.boolean({ description: EQUAL.isNull }),
  }))

export const intComparator = () =>
  inputOnce('IntComparator', 'Compares whole numbers.', (t) => ({
    eq: t.int({ description: EQUAL.eq }),
    in: t.intList({ description: EQUAL.in }),
    not: t.int({ description: EQUAL.not }),
    gt: t.int({ description: RANGE.gt }),
    gte: t.int({ description: RANGE.gte }),
    lt: t.int({ description: RANGE.lt }),
    lte: t.int({ description: RANGE.lte }),
    isNull: t.boolean({ description: EQUAL.isNull }),
  }))

export const numberComparator = () =>
  inputOnce('NumberComparator', 'Compares numbers.', (t) => ({
    eq: t.float({ description: EQUAL.eq }),
    in: t.floatList({ description: EQUAL.in }),
    not: t.float({ description: EQUAL.not }),
    gt: t.float({ description: RANGE.gt }),
    gte: t.float({ description: RANGE.gte }),
    lt: t.float({ description: RANGE.lt }),
    lte: t.float({ description: RANGE.lte }),
    isNull: t.boolean({ description: EQUAL.isNull }),
  }))

export const booleanComparator = () =>
  inputOnce('BooleanComparator', 'Compares yes and no.', (t) => ({
    eq: t.boolean({ description: EQUAL.eq }),
    isNull: t.boolean({ description: EQUAL.isNull }),
  }))

export const dateTimeComparator = () =>
  inputOnce('DateTimeComparator', 'Compares moments, fixed or relative to now.', (t) => ({
    eq: t.field({ type: 'DateTimeOrDuration', description: EQUAL.eq }),
    gt: t.field({ type: 'DateTimeOrDuration', description: 'After this.' }),
    gte: t.field({ type: 'DateTimeOrDuration', description: 'At this or after.' }),
    lt: t.field({ type: 'DateTimeOrDuration', description: 'Before this.' }),
    lte: t.field({ type: 'DateTimeOrDuration', description: 'At this or before.' }),
    isNull: t.boolean({ description: EQUAL.isNull }),
  }))

export const moneyComparator = () =>
  inputOnce('MoneyComparator', 'Compares amounts of one currency; nothing is converted.', (t) => ({
    currency: t.field({ type: 'CurrencyCode', description: 'In this currency. Bounds need it.' }),
    gt: t.field({ type: 'Decimal', description: RANGE.gt }),
    gte: t.field({ type: 'Decimal', description: RANGE.gte }),
    lt: t.field({ type: 'Decimal', description: RANGE.lt }),
    lte: t.field({ type: 'Decimal', description: RANGE.lte }),
    isNull: t.boolean({ description: EQUAL.isNull }),
  }))

// ------------------------------------------------------------------ what they mean

/** Row ids of public ids of one kind; an id of another kind is refused. */
export function idCondition(given: Comparison, name: string, kind: string, scope: Scope): Condition[] {
  const value = (publicId: unknown, operator: string): string => {
    const text = String(publicId)
    if (!text.startsWith(`${kind}_`) || !isUuid(text.slice(kind.length + 1))) {
      refuse(scope, 'UNKNOWN_REFERENCE', `${text.slice(0, 100)} is no ${kind} id.`, operator)
    }
    return decodeId(kind, text)
  }
  return compare(given, { ref: scope.column(name), value }, scope)
}

export interface TextColumns {
  readonly column: string
  /** The same text without case and accents, COLLATE "C". */
  readonly folded: string
  /** The SECURITY DEFINER function that finds ids by pattern: `deal_ids`. */
  readonly search: string
}

/** eq, in and not on the text itself, led to their rows by the folded column's index; the rest on the folded one. */
export function textCondition(given: Comparison, columns: TextColumns, scope: Scope): Condition[] {
  const folded = scope.column(columns.folded)
  const conditions = compare(
    given,
    {
      ref: scope.column(columns.column),
      value: cleanText(scope),
      indexed: (values) => sql<SqlBool>`${folded} in (${sql.join(values.map((value) => fold(String(value))))})`,
    },
    scope,
  )
  const { contains, startsWith, endsWith } = given as Record<string, string | null | undefined>
  if (startsWith !== undefined && startsWith !== null) {
    const prefix = fold(cleanText(scope)(startsWith, 'startsWith'))
    const end = prefixEnd(prefix)
    if (prefix !== '') conditions.push(sql<SqlBool>`${folded} >= ${prefix}`)
    if (prefix !== '' && end !== undefined) conditions.push(sql<SqlBool>`${folded} < ${end}`)
  }
  const patterns = [
    contains === undefined || contains === null ? undefined : `%${likeText(contains, 'contains', scope)}%`,
    endsWith === undefined || endsWith === null ? undefined : `%${likeText(endsWith, 'endsWith', scope)}`,
  ]
  for (const pattern of patterns) {
    if (pattern === undefined || pattern === '%' || pattern === '%%') continue
    const found = sql`select ${sql.ref(`cadre_search.${columns.search}`)}(${snakeCase(columns.folded)}, ${pattern})`
    conditions.push(isAmong(scope.column('id'), found, scope))
  }
  return conditions
}

/** Whether a column holds one of the values that a sub-query finds. */
export const isAmong = (ref: RawBuilder<unknown>, found: Expression<unknown>, scope: Scope): Condition =>
  scope.alternative ? sql<SqlBool>`${ref} = any(array(${found}))` : sql<SqlBool>`${ref} in (${found})`

const likeText = (text: string, operator: string, scope: Scope): string =>
  fold(cleanText(scope)(text, operator)).replace(/[\\%_]/g, '\\$&')

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Text as PostgreSQL takes it: it has no null character. */
export const cleanText =
  (scope: Scope) =>
  (given: unknown, operator: string): string => {
    const text = String(given)
    if (text.length > 1_000) refuse(scope, 'TOO_LONG', 'At most 1000 characters.', operator)
    return text.replaceAll('\0', '')
  }

/** The moment as of now; one beyond what dates can say is refused. */
function momentOf(given: unknown, operator: string, scope: Scope): Date {
  const moment = given as Moment
  const at = 'at' in moment ? moment.at : addDuration(scope.now, moment.fromNow)
  if (at === undefined || Math.abs(at.getUTCFullYear()) > 9_999) {
    return refuse(scope, 'TOO_LARGE', 'This is beyond the calendar.', operator)
  }
  return at
}

export function momentCondition(given: Comparison, name: string, scope: Scope): Condition[] {
  return compare(given, { ref: scope.column(name), value: (value, op) => momentOf(value, op, scope) }, scope)
}

/** Moments against a calendar day, which begins at midnight UTC. */
export function dayCondition(given: Comparison, name: string, scope: Scope): Condition[] {
  const exact: Record<string, unknown> = {}
  let impossible = false
  for (const [operator, value] of Object.entries(given)) {
    if (value === undefined || value === null || operator === 'isNull') {
      exact[operator] = value
      continue
    }
    const at = momentOf(value, operator, scope)
    const day = new Date(Math.floor(at.getTime() / 86_400_000) * 86_400_000)
    const midnight = day.getTime() === at.getTime()
    // Between two midnights: "on or after 10 a.m." is after this day, "before 10 a.m." includes it.
    const rounded = midnight ? operator : ({ gte: 'gt', lt: 'lte' }[operator] ?? operator)
    if (operator === 'eq' && !midnight) impossible = true
    exact[rounded] = day.toISOString().slice(0, 10)
  }
  const conditions = compare(exact, { ref: scope.column(name), value: (value) => sql`${value}::date` }, scope)
  return impossible ? [FALSE] : conditions
}

export function moneyCondition(
  given: Comparison,
  columns: { readonly micros: string; readonly currency: string },
  scope: Scope,
): Condition[] {
  const { currency, ...bounds } = given
  const hasBound = ['gt', 'gte', 'lt', 'lte'].some((name) => bounds[name] !== undefined && bounds[name] !== null)
  if (hasBound && (currency === undefined || currency === null)) {
    refuse(scope, 'REQUIRED', 'Amounts are compared within one currency: say which.', 'currency')
  }
  const conditions = compare(
    bounds,
    {
      ref: scope.column(columns.micros),
      value: (value, operator) =>
        parseMicros(String(value)) ?? refuse(scope, 'TOO_LARGE', 'This amount is out of range.', operator),
    },
    scope,
  )
  if (currency === undefined || currency === null) return conditions
  return [sql<SqlBool>`${scope.column(columns.currency)} = ${currency}`, ...conditions]
}
