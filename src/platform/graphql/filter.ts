// Filters: what a list can be narrowed by, declared once per table.
//
// From the declaration come the GraphQL input (`DealFilter`, with and/or/not) and the condition in SQL. Another domain's
// filter is named, not imported: `relation('contactId', 'Contact')`.

import type { InputRef } from '@pothos/core'
import { requirePermission } from '../auth/permissions.ts'
import type { DescribedEnum } from './enum.ts'
import * as comparators from './filter-comparators.ts'
import { anyOf, type Comparison, type Condition, notThat } from './filter-comparators.ts'
import * as kinds from './filter-conditions.ts'
import { type FilterField, filterNamed, markNullable } from './filter-of.ts'
import { permissionOfType } from './permission-plugin.ts'

export { type Filter, type FilterField, filterNamed, filterOf } from './filter-of.ts'

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
    compile: (given, scope) => kinds.idCondition(given, column, kind, scope),
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
  compile: (given, scope) => kinds.textCondition(given, columns, scope),
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
  compile: (given, scope) => kinds.momentCondition(given, column, scope),
})

/** A calendar-day column. */
export const day = <const Column extends string>(column: Column, { description }: Describe): FilterField<Column> => ({
  columns: [column],
  description,
  type: comparators.dateTimeComparator,
  compile: (given, scope) => kinds.dayCondition(given, column, scope),
})

/** An amount: its micros and its currency. */
export const money = <const Column extends string>(
  columns: { readonly micros: Column; readonly currency: Column },
  { description }: Describe,
): FilterField<Column> => ({
  columns: [columns.micros, columns.currency],
  description,
  type: comparators.moneyComparator,
  compile: (given, scope) => kinds.moneyCondition(given, columns, scope),
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

/**
 * The thing that `column` refers to, filtered by its own filter: `relation('stageId', 'Stage', { description })`. Whoever
 * uses it needs the permission of that type, or could guess its records letter by letter: FORBIDDEN.
 */
export const relation = <const Column extends string>(
  column: Column,
  filter: string,
  { description, nullable = false }: Describe & { readonly nullable?: boolean },
): FilterField<Column> => {
  if (nullable) markNullable(filter)
  return {
    columns: [column],
    description,
    type: () => filterNamed(filter).input,
    compile: ({ isNull, ...given }, scope) => {
      const permission = permissionOfType(filter)
      if (permission !== undefined) requirePermission(scope.viewer, permission)
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
          ...(ofEmployee.length === 0 ? [] : kinds.idCondition({ in: ofEmployee }, columns.employee, 'employee', at)),
          ...(ofMember.length === 0 ? [] : kinds.idCondition({ in: ofMember }, columns.member, 'member', at)),
        ])
        conditions.push(operator === 'not' ? notThat(among) : among)
      }
    }
    if (kind !== undefined && kind !== null) {
      comparators.spend(scope, kind.length, 'kind')
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
