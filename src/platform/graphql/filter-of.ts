// A table's filter: from the fields it is declared with come the GraphQL input, with and/or/not, and the condition.

import type { InputRef } from '@pothos/core'
import { expressionBuilder, type RawBuilder, sql } from 'kysely'
import type { Viewer } from '../auth/viewer.ts'
import type { TableName, Tables } from '../db/tables.ts'
import { builder } from './builder.ts'
import {
  allOf,
  anyOf,
  type Comparison,
  type Condition,
  newBudget,
  notThat,
  refuse,
  type Scope,
  spend,
} from './filter-comparators.ts'

/** One thing a list can be filtered by. `Column` are the table's columns it reads. */
export interface FilterField<Column extends string = string> {
  readonly columns: readonly Column[]
  readonly description: string
  readonly type: () => InputRef<unknown>
  compile(given: Comparison, scope: Scope): Condition[]
}

/** A table's filter: its GraphQL input and what it means. */
export interface Filter {
  readonly name: string
  readonly table: TableName
  readonly input: InputRef<unknown>
  /** What it was declared with; for the test that every condition is served by an index. */
  readonly fields: Readonly<Record<string, FilterField>>
  /** The condition for rows of `alias`. Throws INVALID_INPUT with the path of what cannot be. */
  condition(
    given: Comparison,
    at: { readonly alias: string; readonly now: Date; readonly viewer: Viewer; readonly path: readonly string[] },
  ): Condition
  /** A sub-query of the ids of matching rows. */
  ids(given: Comparison, scope: Scope): RawBuilder<unknown>
}

const filters = new Map<string, Filter>()
const nullableTargets = new Set<string>()

/** Notes that a relation without a target is possible: the target's filter then has `isNull`. */
export function markNullable(name: string): void {
  nullableTargets.add(name)
}

const MAX_CONDITIONS = 100

/** The filter declared under this name. Throws when no domain has: a fault of the schema, found when it is built. */
export function filterNamed(name: string): Filter {
  const filter = filters.get(name)
  if (filter === undefined) throw new Error(`no filter is declared for ${name}`)
  return filter
}

/**
 * Declares what rows of a table can be filtered by; makes the input `<Name>Filter`.
 *
 * ```ts
 * filterOf('Deal', 'deal', {
 *   id: id('deal', { description: 'By its id.' }),
 *   name: text({ column: 'name', folded: 'nameFolded', search: 'deal_ids' }, { description: 'By its name.' }),
 *   amount: money({ micros: 'amountMicros', currency: 'currency' }, { description: 'By its amount.' }),
 *   stage: relation('stageId', 'Stage', { description: 'By its stage.' }),
 *   createdAt: dateTime('createdAt', { description: 'By when it was created.' }),
 * })
 * ```
 */
export function filterOf<const Table extends TableName>(
  name: string,
  table: Table,
  fields: Readonly<Record<string, FilterField<keyof Tables[Table] & string>>>,
): Filter {
  const typename = `${name}Filter`
  const ref = builder.inputRef<Record<string, unknown>>(typename)
  ref.implement({
    description: `Narrows a list of ${name} down: every condition given must hold.`,
    fields: (t) => ({
      and: t.field({ type: [ref], description: 'All of these hold.' }),
      or: t.field({ type: [ref], description: 'At least one of these holds.' }),
      not: t.field({ type: ref, description: 'This does not hold.' }),
      ...(nullableTargets.has(name)
        ? { isNull: t.boolean({ description: 'As a relation’s filter: whether there is none.' }) }
        : {}),
      ...Object.fromEntries(
        Object.entries(fields).map(([field, { type, description }]) => [field, t.field({ type: type(), description })]),
      ),
    }),
  })
  const compile = (given: Comparison, scope: Scope, count: { left: number }): Condition => {
    const conditions: Condition[] = []
    for (const [key, value] of Object.entries(given)) {
      if (value === undefined) continue
      count.left -= 1
      if (count.left < 0) refuse(scope, 'TOO_LONG', `A filter has at most ${MAX_CONDITIONS} conditions.`)
      const below: Scope = { ...scope, path: [...scope.path, key] }
      spend(below, 1)
      if (value === null) refuse(below, 'NOT_ALLOWED', 'Leave it out instead of giving null.')
      if (key === 'and' || key === 'or') {
        spend(below, (value as readonly Comparison[]).length)
        const parts = (value as readonly Comparison[]).map((part, index) =>
          compile(
            part,
            { ...below, alternative: scope.alternative || key === 'or', path: [...below.path, String(index)] },
            count,
          ),
        )
        conditions.push(key === 'and' ? allOf(parts) : anyOf(parts))
      } else if (key === 'not') {
        conditions.push(notThat(compile(value as Comparison, below, count)))
      } else {
        const field = fields[key]
        if (field === undefined) return refuse(below, 'NOT_ALLOWED', 'This is for relations only.')
        conditions.push(...field.compile(value as Comparison, below))
      }
    }
    return allOf(conditions)
  }
  const filter: Filter = {
    name,
    table,
    input: ref as unknown as InputRef<unknown>,
    fields,
    condition: (given, { alias, now, viewer, path }) =>
      compile(
        given,
        {
          depth: 0,
          alternative: false,
          column: (column) => sql.ref(`${alias}.${column}`),
          now,
          viewer,
          path,
          budget: newBudget(),
        },
        { left: MAX_CONDITIONS },
      ),
    ids: (given, scope) => {
      const depth = scope.depth + 1
      if (depth > 4) refuse(scope, 'TOO_LONG', 'A filter goes through at most 4 relations.')
      // Aliases repeat from filter to filter: equal statements have equal texts, and are prepared once.
      const alias = `related${depth}`
      const condition = compile(
        given,
        { ...scope, depth, alternative: false, column: (column) => sql.ref(`${alias}.${column}`) },
        { left: MAX_CONDITIONS },
      )
      return sql`${subquery(table, alias, condition)}`
    },
  }
  filters.set(name, filter)
  return filter
}

/** Built as a query and not as text, so that the tenant's predicate is added to it too. */
function subquery(table: TableName, alias: string, condition: Condition) {
  return expressionBuilder<Record<string, Record<string, unknown>>>()
    .selectFrom(`${table} as ${alias}`)
    .select(`${alias}.id`)
    .where(condition)
}
