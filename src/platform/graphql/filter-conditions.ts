// What the comparators of each kind of value mean in SQL. A value that cannot match is refused with its path rather than
// quietly matching nothing.

import { type SqlBool, sql } from 'kysely'
import { addDuration } from '../lib/duration.ts'
import { fold, prefixEnd } from '../lib/fold.ts'
import { decodeId, isUuid } from '../lib/ids.ts'
import { parseMicros } from '../lib/money.ts'
import type { Moment } from './builder.ts'
import {
  type Comparison,
  type Condition,
  cleanText,
  compare,
  FALSE,
  isAmong,
  refuse,
  type Scope,
  snakeCase,
} from './filter-comparators.ts'

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

const likeText = (text: string, operator: string, scope: Scope): string =>
  fold(cleanText(scope)(text, operator)).replace(/[\\%_]/g, '\\$&')

/** The moment as of now; one beyond what dates can say is refused. */
export function momentOf(given: unknown, operator: string, scope: Pick<Scope, 'now' | 'path'>): Date {
  const moment = given as Moment
  const at = 'at' in moment ? moment.at : addDuration(scope.now, moment.fromNow)
  if (at === undefined || at.getUTCFullYear() > 9_999) {
    return refuse(scope, 'TOO_LARGE', 'This is beyond the calendar.', operator)
  }
  if (at.getUTCFullYear() < 1) return refuse(scope, 'TOO_SMALL', 'This is before the calendar.', operator)
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
