// The comparators: one input type per kind of value, the same everywhere, and the SQL that is common to them.
//
// Conditions are written so that an index serves them under row-level security: no function on a column, no cast of one,
// leakproof operators only.

import type { InputFieldMap, InputRef } from '@pothos/core'
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Viewer } from '../auth/viewer.ts'
import { type IssueCode, invalidInput } from '../lib/errors.ts'
import { builder } from './builder.ts'

export type Condition = RawBuilder<SqlBool>

/** Where a condition stands: which table its columns are of, what time it is, and how the caller got there. */
export interface Scope {
  /** How many sub-queries lie around it; names their tables. */
  readonly depth: number
  /** Whether it stands within an `or`: what a sub-query finds is then looked up as a list, which an index can join in. */
  readonly alternative: boolean
  column(name: string): RawBuilder<unknown>
  readonly now: Date
  /** Whose permissions a relation's filter asks for. */
  readonly viewer: Viewer
  readonly path: readonly string[]
  /** What the whole filter may still hold, its relations included. */
  readonly budget: FilterBudget
}

/** Counted down while a filter is compiled; one for all of it. */
export interface FilterBudget {
  /** Conditions, members of `and` and `or`, and values of lists. */
  left: number
}

const MAX_PARTS = 2_000

export const newBudget = (): FilterBudget => ({ left: MAX_PARTS })

/** Takes `parts` from what the filter may still hold. Throws INVALID_INPUT with the path where that is too much. */
export function spend(scope: Scope, parts: number, ...below: string[]): void {
  scope.budget.left -= parts
  if (scope.budget.left < 0) {
    refuse(scope, 'TOO_LONG', `A filter has at most ${MAX_PARTS} conditions and values in all.`, ...below)
  }
}

export type Comparison = Readonly<Record<string, unknown>>

export const TRUE: Condition = sql<SqlBool>`true`
export const FALSE: Condition = sql<SqlBool>`false`

const MAX_LIST = 500

export function refuse(scope: Pick<Scope, 'path'>, code: IssueCode, message: string, ...below: string[]): never {
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
        spend(scope, list.length, operator)
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

/** Whether a column holds one of the values that a sub-query finds. */
export const isAmong = (ref: RawBuilder<unknown>, found: Expression<unknown>, scope: Scope): Condition =>
  scope.alternative ? sql<SqlBool>`${ref} = any(array(${found}))` : sql<SqlBool>`${ref} in (${found})`

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Text as PostgreSQL takes it: it has no null character. */
export const cleanText =
  (scope: Scope) =>
  (given: unknown, operator: string): string => {
    const text = String(given)
    if (text.length > 1_000) refuse(scope, 'TOO_LONG', 'At most 1000 characters.', operator)
    return text.replaceAll('\0', '')
  }

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
