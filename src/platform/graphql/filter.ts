// Filters: what a list can be narrowed by, declared once per table.
//
// From the declaration come the GraphQL input (`DealFilter`, with and/or/not) and the condition in SQL. Another domain's
// filter is named, not imported: `relation('contactId', 'Contact')`.

import type { InputRef } from '@pothos/core'
import { expressionBuilder, type RawBuilder, sql } from 'kysely'
import type { TableName, Tables } from '../db/tables.ts'
import { builder } from './builder.ts'
import type { DescribedEnum } from './enum.ts'
import * as comparators from './filter-comparators.ts'
import { allOf, anyOf, type Comparison, type Condition, notThat, refuse, type Scope } from './filter-comparators.ts'

/** One thing a list can be filtered by. `Column` are the table's columns it reads. */
export interface FilterField<Column extends string = string> {
  readonly columns: readonly Column[]
  readonly description: string
  readonly type: () => InputRef<unknown>
  compile(given: Comparison, scope: Scope): Condition[]
}

type Describe = { readonly description: string }

/** Its own id, or a reference: `id('deal', { description })`, `id('contact', { column: 'contactId', description })`. */
export const id = <const Column extends string = 'id'>(
  kind: string,
  options: Describe & { readonly column?: Column },
): FilterField<Column> => {
  const column = options.column ?? ('id' as Column)
  return {
    columns: [column],
    description: options.description,
    type: comparators.idComparator,
    compile: (given, scope) => comparators.idCondition(given, column, kind, scope),
  }
}

/** Text that people search in: needs its folded column and the table's search function in `cadre_search`. */
export const text = <const Column extends string>(
  columns: { readonly column: Column; readonly folded: Column; readonly search: string },
  { description }: Describe,
): FilterField<Column> => ({
  columns: [columns.column, columns.folded],
  description,
  type: comparators.stringComparator,
  compile: (given, scope) => comparators.textCondition(given, columns, scope),
})

/** Text that is compared as a whole: slugs, keys, normalised addresses. */
export const exactText = <const Column extends string>(
  column: Column,
  { description, normalise = (value: string) => value }: Describe & { readonly normalise?: (value: string) => string },
): FilterField<Column> => ({
  columns: [column],
  description,
  type: comparators.exactStringComparator,
  compile: (given, scope) =>
    comparators.compare(
      given,
      {
        ref: scope.column(column),
        value: (value, operator) => normalise(comparators.cleanText(scope)(value, operator)),
      },
      scope,
    ),
})

const plain =
  (type: () => InputRef<unknown>) =>
  <const Column extends string>(column: Column, { description }: Describe): FilterField<Column> => ({
    columns: [column],
    description,
    type,
    compile: (given, scope) =>
      comparators.compare(given, { ref: scope.column(column), value: (value) => value }, scope),
  })

/** A whole-number column. */
export const integer = plain(comparators.intComparator)
/** A column of floating-point numbers. */
export const number = plain(comparators.numberComparator)
export const boolean = plain(comparators.booleanComparator)

/** A timestamp column. */
export const dateTime = <const Column extends string>(
  column: Column,
  { description }: Describe,
): FilterField<Column> => ({
  columns: [column],
  description,
  type: comparators.dateTimeComparator,
  compile: (given, scope) => comparators.momentCondition(given, column, scope),
})

/** A calendar-day column. */
export const day = <const Column extends string>(column: Column, { description }: Describe): FilterField<Column> => ({
  columns: [column],
  description,
  type: comparators.dateTimeComparator,
  compile: (given, scope) => comparators.dayCondition(given, column, scope),
})

/** An amount: its micros and its currency. */
export const money = <const Column extends string>(
  columns: { readonly micros: Column; readonly currency: Column },
  { description }: Describe,
): FilterField<Column> => ({
  columns: [columns.micros, columns.currency],
  description,
  type: comparators.moneyComparator,
  compile: (given, scope) => comparators.moneyCondition(given, columns, scope),
})

/** A column that holds the words of an enum. */
export const oneOf = <const Column extends string, Value extends string>(
  column: Column,
  enumType: DescribedEnum<Value>,
  { description }: Describe,
): FilterField<Column> => {
  const { name } = enumType as unknown as { name: string }
  return {
    columns: [column],
    description,
    type: () =>
      comparators.inputOnce(`${name}Comparator`, `Compares values of ${name}.`, (t) => ({
        eq: t.field({ type: enumType, description: 'Exactly this.' }),
        in: t.field({ type: [enumType], description: 'One of these.' }),
        not: t.field({ type: enumType, description: 'Anything but this.' }),
        isNull: t.boolean({ description: 'Whether there is no value.' }),
      })),
    compile: (given, scope) =>
      comparators.compare(given, { ref: scope.column(column), value: (value) => value }, scope),
  }
}

/** The thing that `column` refers to, filtered by its own filter: `relation('stageId', 'Stage', { description })`. */
export const relation = <const Column extends string>(
  column: Column,
  filter: string,
  { description, nullable = false }: Describe & { readonly nullable?: boolean },
): FilterField<Column> => {
  if (nullable) nullableTargets.add(filter)
  return {
    columns: [column],
    description,
    type: () => filterNamed(filter).input,
    compile: ({ isNull, ...given }, scope) => {
      const conditions: Condition[] = []
      if (isNull !== undefined && isNull !== null) {
        conditions.push(comparators.isNull(scope.column(column), isNull === true))
      }
      if (Object.values(given).some((value) => value !== undefined)) {
        const target = filterNamed(filter)
        conditions.push(comparators.isAmong(scope.column(column), target.ids(given, scope), scope))
      }
      return conditions
    },
  }
}

/** Who owns it, where a row has one column for an employee and one for a member. */
export const owner = <const Column extends string>(
  columns: { readonly employee: Column; readonly member: Column },
  { description }: Describe,
): FilterField<Column> => ({
  columns: [columns.employee, columns.member],
  description,
  type: ownerFilter,
  compile: (given, scope) => {
    const conditions: Condition[] = []
    const employee = scope.column(columns.employee)
    const member = scope.column(columns.member)
    const { id: ids, kind, isNull } = given as { id?: Comparison; kind?: readonly string[]; isNull?: boolean }
    if (ids !== undefined && ids !== null) {
      const at = { ...scope, path: [...scope.path, 'id'] }
      for (const [operator, value] of Object.entries(ids)) {
        if (operator === 'isNull') continue
        const wanted = (Array.isArray(value) ? value : [value]).map(String)
        const ofEmployee = wanted.filter((publicId) => publicId.startsWith('employee_'))
        const ofMember = wanted.filter((publicId) => !publicId.startsWith('employee_'))
        const among = anyOf([
          ...(ofEmployee.length === 0
            ? []
            : comparators.idCondition({ in: ofEmployee }, columns.employee, 'employee', at)),
          ...(ofMember.length === 0 ? [] : comparators.idCondition({ in: ofMember }, columns.member, 'member', at)),
        ])
        conditions.push(operator === 'not' ? notThat(among) : among)
      }
    }
    if (kind !== undefined && kind !== null) {
      conditions.push(
        anyOf(
          kind.flatMap((wanted) =>
            wanted === 'EMPLOYEE'
              ? [comparators.isNull(employee, false)]
              : wanted === 'MEMBER'
                ? [comparators.isNull(member, false)]
                : [],
          ),
        ),
      )
    }
    if (isNull === true) conditions.push(comparators.isNull(employee, true), comparators.isNull(member, true))
    if (isNull === false) {
      conditions.push(anyOf([comparators.isNull(employee, false), comparators.isNull(member, false)]))
    }
    return conditions
  },
})

let ownerKind: InputRef<unknown> | undefined

/** Set by the actor's own file, which this one cannot import. */
export function useActorKind(enumType: InputRef<unknown>): void {
  ownerKind = enumType
}

export const ownerFilter = (): InputRef<unknown> =>
  comparators.inputOnce('ActorFilter', 'Filters by who it is.', (t) => ({
    id: t.field({ type: comparators.idComparator(), description: 'By the id of the member, employee or key.' }),
    kind: t.field({ type: [ownerKind as InputRef<string>], description: 'One of these kinds.' }),
    isNull: t.boolean({ description: 'Whether there is nobody.' }),
  }))

// ------------------------------------------------------------------ a table's filter

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
    at: { readonly alias: string; readonly now: Date; readonly path: readonly string[] },
  ): Condition
  /** A sub-query of the ids of matching rows. */
  ids(given: Comparison, scope: Scope): RawBuilder<unknown>
}

const filters = new Map<string, Filter>()
const nullableTargets = new Set<string>()
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
      if (value === null) refuse(below, 'NOT_ALLOWED', 'Leave it out instead of giving null.')
      if (key === 'and' || key === 'or') {
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
    condition: (given, { alias, now, path }) =>
      compile(
        given,
        { depth: 0, alternative: false, column: (column) => sql.ref(`${alias}.${column}`), now, path },
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
