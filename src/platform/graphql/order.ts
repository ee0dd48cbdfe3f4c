// The order of a list, and the place of a row in it.
//
// An order is several keys and, last, the row's own key, so that no two rows are equal. A paging cursor holds the keys'
// values of one row and a digest of the order: with another order it is refused, not misread. Rows without a value come
// last, whichever direction is asked for.

import { createHash } from 'node:crypto'
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { invalidInput } from '../lib/errors.ts'
import type { Condition } from './filter-comparators.ts'

export type Direction = 'ASC' | 'DESC'

/** A column of the order; `nullable` where rows may have no value. */
export interface OrderColumn<Column extends string = string> {
  readonly column: Column
  readonly nullable?: boolean
}

export interface OrderKey extends OrderColumn {
  readonly direction: Direction
}

const opposite = (direction: Direction): Direction => (direction === 'ASC' ? 'DESC' : 'ASC')

/** ORDER BY; `backwards` reads the list from its end. */
export function orderBy(keys: readonly OrderKey[], alias: string, backwards: boolean): RawBuilder<unknown> {
  return sql.join(
    keys.map(({ column, direction, nullable }) => {
      const way = backwards ? opposite(direction) : direction
      const nulls = nullable !== true ? sql`` : backwards ? sql` nulls first` : sql` nulls last`
      return sql`${sql.ref(`${alias}.${column}`)} ${way === 'ASC' ? sql`asc` : sql`desc`}${nulls}`
    }),
  )
}

/** The rows strictly beyond a place: behind it in the order, or before it when `backwards`. */
export function beyond(
  keys: readonly OrderKey[],
  values: readonly unknown[],
  alias: string,
  backwards: boolean,
): Condition {
  const way = (key: OrderKey) => (backwards ? opposite(key.direction) : key.direction)
  const [first] = keys
  const uniform = keys.every((key) => key.nullable !== true && first !== undefined && way(key) === way(first))
  if (uniform && first !== undefined) {
    // One row comparison: an index serves it as a range.
    const columns = sql.join(keys.map(({ column }) => sql.ref(`${alias}.${column}`)))
    return sql<SqlBool>`(${columns}) ${way(first) === 'ASC' ? sql`>` : sql`<`} (${sql.join(values.map((value) => sql`${value}`))})`
  }
  const alternatives: Condition[] = []
  const equal: Condition[] = []
  keys.forEach((key, index) => {
    const ref = sql.ref(`${alias}.${key.column}`)
    const value = values[index]
    const after = strictlyAfter(ref, value, way(key), backwards, key.nullable === true)
    if (after !== undefined) alternatives.push(sql<SqlBool>`(${sql.join([...equal, after], sql` and `)})`)
    equal.push(value === null ? sql<SqlBool>`${ref} is null` : sql<SqlBool>`${ref} = ${value}`)
  })
  return alternatives.length === 0 ? sql<SqlBool>`false` : sql<SqlBool>`(${sql.join(alternatives, sql` or `)})`
}

function strictlyAfter(
  ref: RawBuilder<unknown>,
  value: unknown,
  way: Direction,
  nullsFirst: boolean,
  nullable: boolean,
): Condition | undefined {
  if (value === null) return nullsFirst ? sql<SqlBool>`${ref} is not null` : undefined
  const further = sql<SqlBool>`${ref} ${way === 'ASC' ? sql`>` : sql`<`} ${value}`
  return nullable && !nullsFirst ? sql<SqlBool>`(${further} or ${ref} is null)` : further
}

const digestOf = (list: string, keys: readonly OrderKey[]): string =>
  createHash('sha256')
    .update(JSON.stringify([list, keys.map(({ column, direction }) => [column, direction])]))
    .digest('base64url')
    .slice(0, 8)

/** The place of a row in a list of this order, as clients get it. */
export function pageCursor(list: string, keys: readonly OrderKey[], row: Readonly<Record<string, unknown>>): string {
  const values = keys.map(({ column }) => {
    const value = row[column]
    return typeof value === 'bigint' ? String(value) : value
  })
  return Buffer.from(JSON.stringify([digestOf(list, keys), ...values])).toString('base64url')
}

/** The values in a paging cursor; one of another list or order, or none at all, is INVALID_INPUT. */
export function parsePageCursor(
  list: string,
  keys: readonly OrderKey[],
  cursor: string,
  argument: string,
): readonly unknown[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    parsed = undefined
  }
  if (!Array.isArray(parsed) || parsed.length !== keys.length + 1 || parsed.some(isOdd)) {
    throw badCursor(argument, 'This is not a paging cursor that the server gave out.')
  }
  const [digest, ...values] = parsed as unknown[]
  if (digest !== digestOf(list, keys)) {
    throw badCursor(argument, 'This cursor belongs to another list or another order.')
  }
  return values
}

const isOdd = (value: unknown): boolean => typeof value === 'object' && value !== null

export const badCursor = (argument: string, message: string) =>
  invalidInput([{ path: [argument], code: 'INVALID_FORMAT', message }])
