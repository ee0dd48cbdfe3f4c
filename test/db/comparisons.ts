// Every comparison that the fields of a filter offer, with values of rows that exist, and what each must be served by.
// A comparator that is not known here is a fault, so that none enters the schema unseen.

import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
} from 'graphql'
import { type Filter, filterNamed } from '../../src/platform/graphql/filter.ts'
import { snakeCase } from '../../src/platform/graphql/filter-comparators.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'

/** Some rows of a table in the order of their keys, with camelCase columns. */
export type Rows = (table: string) => readonly Readonly<Record<string, unknown>>[]

/** INDEXED stands in an index condition, SEARCHED in the search function, BOUNDED reads one workspace at most. */
export type Rule = 'INDEXED' | 'SEARCHED' | 'BOUNDED'

/** One comparison as a client writes it. */
export interface Comparison {
  readonly filter: Readonly<Record<string, unknown>>
  /** The same without the relations before it, as it is asked of its own table. */
  readonly own: Readonly<Record<string, unknown>>
  readonly rule: Rule
  readonly table: string
  /** One of these stands in the index condition. */
  readonly columns: readonly string[]
  /** Behind how many relations it stands. */
  readonly depth: number
}

const MAX_DEPTH = 2

const inputOf = (type: GraphQLInputType | undefined): GraphQLInputObjectType => {
  const input = getNullableType(type)
  if (!isInputObjectType(input)) throw new Error(`${type} is no input object`)
  return input
}

/** The filter that an input type was made of. */
export function filterOfType(type: GraphQLInputType): Filter | undefined {
  const { name } = getNamedType(type)
  if (!name.endsWith('Filter') || name === 'ActorFilter') return undefined
  return filterNamed(name.slice(0, -'Filter'.length))
}

/** Every comparison of a filter, through relations too. */
export function comparisonsOf(type: GraphQLInputType, rows: Rows, depth = 0): Comparison[] {
  const filter = filterOfType(type)
  if (filter === undefined) throw new Error(`${type} is no filter`)
  const { and, or, not, isNull, ...fields } = inputOf(type).getFields()
  return Object.entries(fields).flatMap(([name, field]) => {
    if (filterOfType(field.type) === undefined) return ofField(filter, name, field.type, rows, depth)
    if (depth >= MAX_DEPTH) return []
    const further = comparisonsOf(field.type, rows, depth + 1)
    const absent = 'isNull' in inputOf(field.type).getFields() ? [true, false] : []
    return [
      ...further.map((inner) => ({ ...inner, filter: { [name]: inner.filter } })),
      ...absent.map((value) => comparison(filter, depth, { [name]: { isNull: value } }, 'BOUNDED')),
    ]
  })
}

const comparison = (
  filter: Filter,
  depth: number,
  given: Comparison['filter'],
  rule: Rule,
  ...columns: readonly string[]
): Comparison => ({
  filter: given,
  own: given,
  rule,
  table: snakeCase(filter.table),
  columns: columns.map(snakeCase),
  depth,
})

function ofField(filter: Filter, name: string, type: GraphQLInputType, rows: Rows, depth: number): Comparison[] {
  const columns = filter.fields[name]?.columns ?? []
  const [first = '', second = ''] = columns
  const operators = inputOf(type).getFields()
  const of = (given: object, rule: Rule, ...served: readonly string[]) =>
    comparison(filter, depth, { [name]: given }, rule, ...served)

  if (inputOf(type).name === 'ActorFilter') {
    const idType = inputOf(operators.id?.type).getFields().eq?.type as GraphQLInputType
    const [employee, member] = [first, second].map((column) => at(written(idType, filter.table, column, rows), 0.5))
    return [
      of({ id: { eq: employee } }, 'INDEXED', first),
      of({ id: { eq: member } }, 'INDEXED', second),
      of({ id: { in: [employee, member] } }, 'INDEXED', first, second),
      of({ id: { not: employee } }, 'BOUNDED'),
      of({ kind: ['EMPLOYEE'] }, 'INDEXED', first),
      of({ kind: ['MEMBER'] }, 'INDEXED', second),
      of({ kind: ['EMPLOYEE', 'MEMBER'] }, 'INDEXED', first, second),
      of({ isNull: true }, 'BOUNDED'),
      of({ isNull: false }, 'BOUNDED'),
    ]
  }
  const isMoney = 'currency' in operators
  return Object.values(operators).flatMap(({ name: operator, type: valueType }) => {
    if (operator === 'isNull') return [of({ isNull: true }, 'BOUNDED'), of({ isNull: false }, 'BOUNDED')]
    if (getNamedType(valueType).name === 'Boolean') {
      return [true, false].map((value) => of({ [operator]: value }, 'INDEXED', ...columns))
    }
    const column = operator === 'currency' ? second : first
    const known = written(valueType, filter.table, column, rows)
    const { rule, values } = promised(operator, valueType, known)
    const served = isMoney ? [column] : columns
    const beside = isMoney && operator !== 'currency' ? { currency: 'EUR' } : {}
    return values.map((value) => of({ ...beside, [operator]: value }, rule, ...served))
  })
}

/** What a comparator promises, and what to try it with: something rare, something frequent, either end, the middle. */
function promised(operator: string, type: GraphQLInputType, known: readonly unknown[]) {
  const distinct = [...new Set(known)]
  const text = String(at(known, 0.4))
  const relative = getNamedType(type).name === 'DateTimeOrDuration' ? ['-P7D'] : []
  switch (operator) {
    case 'eq':
    case 'currency':
      return { rule: 'INDEXED', values: distinct.length < 10 ? distinct : [at(known, 0.4)] } as const
    case 'in': {
      const some = [...new Set([at(known, 0.1), at(known, 0.5), at(known, 0.9)])]
      return { rule: 'INDEXED', values: [some, distinct.slice(0, 2)] } as const
    }
    case 'gt':
    case 'gte':
      return { rule: 'INDEXED', values: [at(distinct, 0.99), at(distinct, 0.5), ...relative] } as const
    case 'lt':
    case 'lte':
      return { rule: 'INDEXED', values: [at(distinct, 0.01), at(distinct, 0.5)] } as const
    case 'startsWith':
      return { rule: 'INDEXED', values: [text.slice(0, 5), text.slice(0, 1)] } as const
    case 'contains':
      return { rule: 'SEARCHED', values: [text.slice(2, 8), text.slice(1, 3)] } as const
    case 'endsWith':
      return { rule: 'SEARCHED', values: [text.slice(-6), text.slice(-1)] } as const
    case 'not':
      return { rule: 'BOUNDED', values: [at(known, 0.4)] } as const
    default:
      throw new Error(`what ${operator} promises is not known here`)
  }
}

/** Texts, dates and numbers, each among their own. */
const byValue = (a: unknown, b: unknown): number =>
  (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0

/** The values of a column as clients write them, smallest first. */
function written(type: GraphQLInputType, table: string, column: string, rows: Rows): unknown[] {
  const named = getNamedType(type)
  const values = rows(table)
    .map((row) => row[column])
    .filter((value) => value !== null && value !== undefined)
    .sort(byValue)
    .map((value) => {
      if (named.name === 'ID') return encodeId(kindOf(table, column), String(value))
      if (named.name === 'Decimal') return String((value as bigint) / 1_000_000n)
      if (value instanceof Date) return value.toISOString()
      return typeof value === 'bigint' ? Number(value) : value
    })
    .filter((value) => !isEnumType(named) || named.getValue(String(value)) !== undefined)
  // A word that is told of moments, as a key's status is, stands in no column.
  if (values.length === 0 && isEnumType(named) && column.endsWith('At'))
    return named.getValues().map(({ name }) => name)
  if (values.length === 0) throw new Error(`no row has a ${column} in ${table}: what would it be compared with?`)
  return values
}

/** Of which kind the ids in a column are: its own table's, or that of the table it is named after. */
const kindOf = (table: string, column: string): string =>
  column === 'id'
    ? snakeCase(table)
    : snakeCase(column.replace(/^owner(?=[A-Z])/, '').replace(/Id$/, '')).replace(/^_/, '')

/** The value that lies so far from the first to the last. */
export function at<Value>(values: readonly Value[], share: number): Value {
  const value = values[Math.floor((values.length - 1) * share)]
  if (value === undefined) throw new Error('there are no values')
  return value
}
