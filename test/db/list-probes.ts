// What can be asked of the lists, gone through without knowing any of them: every list of the schema, every field of its
// filter with every comparator, pairs of them, every order. Values are taken from rows that exist. A comparator that is
// not known here is a fault, so that none enters the schema unseen.

import { type GraphQLInputType, type GraphQLObjectType, type GraphQLSchema, getNamedType, getNullableType } from 'graphql'
import { isEnumType, isInputObjectType, isListType, isObjectType } from 'graphql'
import { allLists, type DeclaredList } from '../../src/platform/graphql/connection.ts'
import { type Filter, type FilterField, filterNamed } from '../../src/platform/graphql/filter.ts'
import { snakeCase } from '../../src/platform/graphql/filter-comparators.ts'
import { pageCursor } from '../../src/platform/graphql/order.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'

/** Rows of the workspace in the order of their keys, in their camelCase columns. */
export type Rows = (table: string) => readonly Readonly<Record<string, unknown>>[]

/** INDEXED stands in an index condition, SEARCHED in the search function, BOUNDED reads one workspace at most. */
export type Rule = 'INDEXED' | 'SEARCHED' | 'BOUNDED'

/** One comparison, as a client writes it, and what must serve it. */
export interface Leaf {
  readonly filter: object
  readonly rule: Rule
  readonly table: string
  /** One of these stands in the index condition. */
  readonly columns: readonly string[]
  /** Behind how many relations it stands. */
  readonly depth: number
}

export interface Probe {
  readonly field: string
  /** The type with the field, where the list stands below a parent, and its table. */
  readonly below?: { readonly type: string; readonly id: string }
  readonly arguments: Readonly<Record<string, unknown>>
  readonly leaves: readonly Leaf[]
  readonly joined: 'and' | 'or'
  /** An index gives the rows in the order, none is sorted. */
  readonly ordered: boolean
}

/** The list fields of a type: those that take a page's arguments. */
export const listFieldsOf = (type: GraphQLObjectType) =>
  Object.values(type.getFields()).filter(
    (field) =>
      getNamedType(field.type).name.endsWith('Connection') &&
      ['first', 'after', 'last', 'before'].every((name) => field.args.some((arg) => arg.name === name)),
  )

const unique = <Value>(values: readonly Value[]): Value[] => [...new Set(values)]

function at<Value>(values: readonly Value[], share: number): Value {
  const value = values[Math.floor((values.length - 1) * share)]
  if (value === undefined) throw new Error('there are no values')
  return value
}

const compare = (a: unknown, b: unknown): number => ((a as number) < (b as number) ? -1 : a === b ? 0 : 1)

/** The values of a column as clients write them, smallest first. */
function written(type: GraphQLInputType, table: string, column: string, kind: string, rows: Rows): unknown[] {
  const values = rows(table)
    .map((row) => row[column])
    .filter((value) => value !== null && value !== undefined)
    .sort(compare)
  if (values.length === 0) throw new Error(`${table}.${column} has no values`)
  const { name } = getNamedType(type)
  return values.map((value) => {
    if (name === 'ID') return encodeId(kind, String(value))
    if (name === 'Decimal') return String(BigInt(value as bigint) / 1_000_000n)
    if (value instanceof Date) return value.toISOString()
    return typeof value === 'bigint' ? Number(value) : value
  })
}

/** The public ids that a column holds are of the kind of the table it refers to, by its name, or of its own. */
const KINDS: Readonly<Record<string, string>> = { ownerEmployeeId: 'employee', ownerMemberId: 'member' }
const kindOf = (table: string, column: string): string =>
  column === 'id' ? snakeCase(table) : (KINDS[column] ?? snakeCase(column.replace(/Id$/, '')))

interface Value {
  readonly value: unknown
  readonly rule: Rule
}

const indexed = (...values: unknown[]): Value[] => values.map((value) => ({ value, rule: 'INDEXED' }))
const searched = (...values: unknown[]): Value[] => values.map((value) => ({ value, rule: 'SEARCHED' }))
const bounded = (...values: unknown[]): Value[] => values.map((value) => ({ value, rule: 'BOUNDED' }))

/** What to compare with: something rare, something frequent, something at either end. */
function valuesFor(operator: string, type: GraphQLInputType, known: readonly unknown[]): Value[] {
  const distinct = unique(known)
  const text = String(at(known, 0.4))
  const day = getNamedType(type).name === 'DateTimeOrDuration'
  switch (operator) {
    case 'eq':
    case 'currency':
      return indexed(...(isEnumType(getNamedType(type)) || distinct.length < 10 ? distinct : [at(known, 0.4)]))
    case 'in':
      return indexed(unique([at(known, 0.1), at(known, 0.5), at(known, 0.9)]), distinct.slice(0, 2))
    case 'not':
      return bounded(at(known, 0.4))
    case 'gt':
    case 'gte':
      return indexed(at(distinct, 0.99), at(distinct, 0.5), ...(day ? ['-P7D'] : []))
    case 'lt':
    case 'lte':
      return indexed(at(distinct, 0.01), at(distinct, 0.5))
    case 'contains':
      return searched(text.slice(2, 8), text.slice(1, 3))
    case 'startsWith':
      return indexed(text.slice(0, 5), text.slice(0, 1))
    case 'endsWith':
      return searched(text.slice(-6), text.slice(-1))
    case 'isNull':
      return bounded(true, false)
    default:
      throw new Error(`what ${operator} promises is not known here`)
  }
}

/** Every comparison that a filter's field offers. */
function leavesOf(filter: Filter, name: string, type: GraphQLInputType, rows: Rows, depth: number): Leaf[] {
  const field = filter.fields[name] as FilterField
  const input = getNullableType(type)
  if (!isInputObjectType(input)) throw new Error(`${filter.name}.${name} is no comparator`)
  const { table } = filter
  const leaf = (given: object, rule: Rule, columns: readonly string[]): Leaf => ({
    filter: { [name]: given },
    rule,
    table: snakeCase(table),
    columns: columns.map(snakeCase),
    depth,
  })
  if (input.name === 'ActorFilter') {
    const [employee, member] = field.columns as readonly [string, string]
    const ids = (column: string) => written(idType(input), table, column, kindOf(table, column), rows)
    const [byEmployee, byMember] = [at(ids(employee), 0.5), at(ids(member), 0.5)]
    return [
      leaf({ id: { eq: byEmployee } }, 'INDEXED', [employee]),
      leaf({ id: { eq: byMember } }, 'INDEXED', [member]),
      leaf({ id: { in: [byEmployee, byMember] } }, 'INDEXED', [employee, member]),
      leaf({ id: { not: byEmployee } }, 'BOUNDED', []),
      leaf({ kind: ['EMPLOYEE'] }, 'INDEXED', [employee]),
      leaf({ kind: ['MEMBER'] }, 'INDEXED', [member]),
      leaf({ kind: ['EMPLOYEE', 'MEMBER'] }, 'INDEXED', [employee, member]),
      leaf({ isNull: true }, 'BOUNDED', []),
      leaf({ isNull: false }, 'BOUNDED', []),
    ]
  }
  if (input.name.endsWith('Filter')) {
    const leaves = fieldLeaves(filterNamed(input.name.slice(0, -'Filter'.length)), input, rows, depth + 1)
    return [
      ...leaves.map((inner) => ({ ...inner, filter: { [name]: inner.filter } })),
      ...('isNull' in input.getFields()
        ? [leaf({ isNull: true }, 'BOUNDED', []), leaf({ isNull: false }, 'BOUNDED', [])]
        : []),
    ]
  }
  const [first, second] = field.columns as readonly [string, string | undefined]
  const leaves: Leaf[] = []
  const isMoney = 'currency' in input.getFields()
  for (const { name: operator, type: valueType } of Object.values(input.getFields())) {
    if (getNamedType(valueType).name === 'Boolean' && operator === 'eq') {
      leaves.push(leaf({ eq: true }, 'INDEXED', field.columns), leaf({ eq: false }, 'INDEXED', field.columns))
      continue
    }
    const column = operator === 'currency' ? String(second) : first
    const known = operator === 'isNull' ? [] : written(valueType, table, column, kindOf(table, column), rows)
    for (const { value, rule } of operator === 'isNull' ? bounded(true, false) : valuesFor(operator, valueType, known)) {
      const needsCurrency = isMoney && operator !== 'currency' && operator !== 'isNull'
      const given = needsCurrency ? { currency: 'EUR', [operator]: value } : { [operator]: value }
      leaves.push(leaf(given, rule, isMoney ? [column] : field.columns))
    }
  }
  return leaves
}

function idType(actorFilter: GraphQLInputType): GraphQLInputType {
  const comparator = isInputObjectType(actorFilter) ? getNullableType(actorFilter.getFields().id?.type) : undefined
  const eq = isInputObjectType(comparator) ? comparator.getFields().eq : undefined
  if (eq === undefined) throw new Error('ActorFilter has no id')
  return eq.type
}

const MAX_DEPTH = 2

function fieldLeaves(filter: Filter, input: GraphQLInputType, rows: Rows, depth: number): Leaf[] {
  if (!isInputObjectType(input)) return []
  return Object.values(input.getFields()).flatMap((field) => {
    if (['and', 'or', 'not'].includes(field.name) || filter.fields[field.name] === undefined) return []
    const nests = filter.fields[field.name] !== undefined && getNamedType(field.type).name.endsWith('Filter')
    if (nests && getNamedType(field.type).name !== 'ActorFilter' && depth >= MAX_DEPTH) return []
    return leavesOf(filter, field.name, field.type, rows, depth)
  })
}

/** One of each field, its first. */
function oneOfEach(leaves: readonly Leaf[]): Leaf[] {
  const first = new Map<string, Leaf>()
  for (const leaf of leaves) {
    const [name] = Object.keys(leaf.filter)
    if (name !== undefined && !first.has(name)) first.set(name, leaf)
  }
  return [...first.values()]
}

/** Every probe of the lists that the schema declares with `listOf`. */
export function probesOf(schema: GraphQLSchema, rows: Rows): Probe[] {
  const query = schema.getQueryType()
  if (query == null) throw new Error('the schema has no queries')
  const probes: Probe[] = []
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue
    for (const field of listFieldsOf(type)) {
      const list = allLists().find(({ name }) => `${name}Connection` === getNamedType(field.type).name)
      if (list === undefined) continue
      const below = type === query ? {} : { below: { type: type.name, id: parentId(type, rows) } }
      const probe = (given: Partial<Probe>): void => {
        probes.push({ field: field.name, arguments: {}, leaves: [], joined: 'and', ordered: false, ...below, ...given })
      }
      pageProbes(list, rows, type === query, probe)
      const filterArg = field.args.find((arg) => arg.name === 'filter')
      const leaves = list.filter === undefined || filterArg === undefined ? [] : fieldLeaves(list.filter, filterArg.type, rows, 0)
      if (type === query) {
        filterProbes(leaves, probe)
        shorthandProbes(list, field.args, leaves, probe)
      } else {
        for (const leaf of leaves) probe({ arguments: { filter: leaf.filter }, leaves: [{ ...leaf, rule: 'BOUNDED' }] })
      }
    }
  }
  return probes
}

function parentId(type: GraphQLObjectType, rows: Rows): string {
  const table = `${type.name.charAt(0).toLowerCase()}${type.name.slice(1)}`
  return encodeId(snakeCase(table), String(at(rows(table), 0.01).id))
}

/** Every order, from either end and from the middle. */
function pageProbes(list: DeclaredList, rows: Rows, ordered: boolean, probe: (given: Partial<Probe>) => void): void {
  const keys = list.orderFields.flatMap((field) => ['ASC', 'DESC'].map((direction) => ({ field, direction })))
  const pairs = keys.flatMap((first) =>
    keys.filter((second) => second.field !== first.field).map((second) => [first, second]),
  )
  for (const orderBy of [undefined, ...keys.map((key) => [key]), ...pairs]) {
    const given = orderBy === undefined ? {} : { orderBy }
    const row = at(rows(list.table), 0.5)
    const query = list.query(given, new Date())
    const cursor = pageCursor(list.name, query.keys, row)
    const isOrdered = ordered && (orderBy?.length ?? 1) === 1
    probe({ arguments: { ...given, first: 25 }, ordered: isOrdered })
    probe({ arguments: { ...given, last: 25 }, ordered: isOrdered })
    probe({ arguments: { ...given, first: 25, after: cursor }, ordered: isOrdered })
    probe({ arguments: { ...given, last: 25, before: cursor }, ordered: isOrdered })
  }
}

function filterProbes(leaves: readonly Leaf[], probe: (given: Partial<Probe>) => void): void {
  for (const leaf of leaves) {
    probe({ arguments: { filter: leaf.filter }, leaves: [leaf] })
    probe({ arguments: { filter: { not: leaf.filter } }, leaves: [{ ...leaf, rule: 'BOUNDED' }] })
  }
  const pairs = oneOfEach(leaves)
  pairs.forEach((one, index) => {
    for (const other of pairs.slice(index + 1)) {
      probe({ arguments: { filter: { and: [one.filter, other.filter] } }, leaves: [one, other] })
      probe({ arguments: { filter: { or: [one.filter, other.filter] } }, leaves: [one, other], joined: 'or' })
      const not = { not: { or: [one.filter, other.filter] } }
      probe({ arguments: { filter: not }, leaves: [one, other].map((leaf) => ({ ...leaf, rule: 'BOUNDED' })) })
    }
  })
}

const PAGING = ['first', 'after', 'last', 'before', 'filter', 'orderBy']

/** What stands beside `filter` is short for the filter's field of the same name. */
function shorthandProbes(
  list: DeclaredList,
  args: readonly { readonly name: string; readonly type: GraphQLInputType }[],
  leaves: readonly Leaf[],
  probe: (given: Partial<Probe>) => void,
): void {
  for (const { name, type } of args.filter((arg) => !PAGING.includes(arg.name))) {
    const same = leaves.filter((leaf) => name in leaf.filter && leaf.rule === 'INDEXED')
    if (same.length === 0) throw new Error(`${list.name}: nothing is known of the argument ${name}`)
    const leaf = same[0] as Leaf
    const value = deepest(leaf.filter)
    const many = isListType(getNullableType(type))
    probe({ arguments: { [name]: many ? [value].flat() : [value].flat()[0] }, leaves: [leaf] })
  }
}

const deepest = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? deepest(Object.values(value)[0]) : value
