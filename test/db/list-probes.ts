// What can be asked of the lists, found without knowing any of them: every list field of the schema, every comparison of
// its filter, pairs of them, every order from both ends and from the middle. A new list or filter is among them by itself.

import {
  type GraphQLArgument,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
} from 'graphql'
import { formatCursor } from '../../src/platform/events/cursor.ts'
import { allLists, type DeclaredList } from '../../src/platform/graphql/connection.ts'
import { snakeCase } from '../../src/platform/graphql/filter-comparators.ts'
import { pageCursor } from '../../src/platform/graphql/order.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { at, type Comparison, comparisonsOf, filterOfType, type Rows } from './comparisons.ts'

export interface Probe {
  readonly field: string
  /** The thing that the list belongs to, where it is not the workspace's. */
  readonly below?: { readonly type: string; readonly id: string }
  readonly arguments: Readonly<Record<string, unknown>>
  readonly comparisons: readonly Comparison[]
  readonly joined: 'and' | 'or'
  /** Asks for nothing but an order. */
  readonly orderOnly: boolean
}

type Add = (probe: Partial<Probe>) => void

/** The life of the log that cursors are of. */
export const EPOCH = 1

const PAGING = ['first', 'after', 'last', 'before']
const BESIDE_SHORTHANDS = [...PAGING, 'filter', 'orderBy']

/** The list fields of a type. */
export const listFieldsOf = (type: GraphQLObjectType) =>
  Object.values(type.getFields()).filter(
    (field) =>
      getNamedType(field.type).name.endsWith('Connection') &&
      PAGING.every((name) => field.args.some((arg) => arg.name === name)),
  )

/** The camelCase tables that lists and filters read. */
export function tablesOf(schema: GraphQLSchema): string[] {
  const filters = Object.values(schema.getTypeMap()).flatMap((type: GraphQLNamedType) =>
    type.name === 'EventFilter' ? [] : (filterOfType(type as never)?.table ?? []),
  )
  return [...new Set(['eventLog', ...allLists().map(({ table }) => table), ...filters])]
}

/** Lists of events, whatever they are told as. */
const OF_THE_LOG = ['EventConnection', 'WorkspaceSettingsVersionConnection']

/** Everything that is asked of the lists. */
export function probesOf(schema: GraphQLSchema, rows: Rows): Probe[] {
  const probes: Probe[] = []
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue
    const isQuery = type === schema.getQueryType()
    for (const field of listFieldsOf(type)) {
      const below = isQuery ? {} : { below: { type: type.name, id: parentId(type, rows) } }
      const add: Add = (probe) => {
        const plain = { field: field.name, arguments: {}, comparisons: [], joined: 'and', orderOnly: false } as const
        probes.push({ ...plain, ...below, ...probe })
      }
      const connection = getNamedType(field.type).name
      if (OF_THE_LOG.includes(connection)) {
        eventProbes(schema, isQuery, rows, add)
        continue
      }
      const list = allLists().find(({ name }) => `${name}Connection` === connection)
      if (list === undefined) throw new Error(`${type.name}.${field.name} is a list that no listOf made`)
      orderProbes(list, rows, add)
      const filter = field.args.find((arg) => arg.name === 'filter')
      const comparisons = filter === undefined ? [] : comparisonsOf(filter.type, rows)
      if (isQuery) {
        filterProbes(comparisons, add)
        shorthandProbes(list, field.args, comparisons, add)
      } else {
        // A parent has few of them, and its own index comes first.
        for (const one of comparisons) add({ arguments: { filter: one.filter } })
      }
    }
  }
  return probes
}

function parentId({ name }: GraphQLObjectType, rows: Rows): string {
  // There is one, and whatever is asked is asked in it.
  if (name === 'Workspace') return encodeId('workspace', String(at(rows('eventLog'), 0).workspaceId))
  const table = `${name.charAt(0).toLowerCase()}${name.slice(1)}`
  return encodeId(snakeCase(table), String(at(rows(table), 0).id))
}

function orderProbes(list: DeclaredList, rows: Rows, add: Add): void {
  const keys = list.orderFields.flatMap((field) => ['ASC', 'DESC'].map((direction) => ({ field, direction })))
  const pairs = keys.flatMap((first) => keys.filter(({ field }) => field !== first.field).map((next) => [first, next]))
  for (const orderBy of [undefined, ...keys.map((key) => [key]), ...pairs]) {
    const given = orderBy === undefined ? {} : { orderBy }
    const cursor = pageCursor(list.name, list.query(given, new Date()).keys, at(rows(list.table), 0.5))
    for (const page of [{ first: 25 }, { last: 25 }, { first: 25, after: cursor }, { last: 25, before: cursor }]) {
      add({ arguments: { ...given, ...page }, orderOnly: (orderBy?.length ?? 1) === 1 })
    }
  }
}

const loosened = (comparisons: readonly Comparison[]): Comparison[] =>
  comparisons.map((one) => ({ ...one, rule: 'BOUNDED' }))

function filterProbes(comparisons: readonly Comparison[], add: Add): void {
  for (const one of comparisons) {
    add({ arguments: { filter: one.filter }, comparisons: [one] })
    add({ arguments: { filter: { not: one.filter } }, comparisons: loosened([one]) })
  }
  const firsts = new Map(comparisons.toReversed().map((one) => [Object.keys(one.filter)[0], one]))
  const fields = [...firsts.values()]
  fields.forEach((one, index) => {
    for (const other of fields.slice(index + 1)) {
      const both = [one, other]
      const filters = both.map(({ filter }) => filter)
      add({ arguments: { filter: { and: filters } }, comparisons: both })
      add({ arguments: { filter: { or: filters } }, comparisons: both, joined: 'or' })
      add({ arguments: { filter: { not: { or: filters } } }, comparisons: loosened(both), joined: 'or' })
    }
  })
}

/** What stands beside `filter` is short for the filter's field of the same name. */
function shorthandProbes(
  list: DeclaredList,
  args: readonly GraphQLArgument[],
  comparisons: readonly Comparison[],
  add: Add,
): void {
  for (const { name, type } of args.filter((arg) => !BESIDE_SHORTHANDS.includes(arg.name))) {
    const meant = comparisons.flatMap((one) => {
      const given = one.filter[name] as { eq?: unknown; id?: { eq?: unknown } } | undefined
      const value = given?.eq ?? given?.id?.eq
      return value === undefined ? [] : [{ one, value }]
    })
    if (meant.length === 0) throw new Error(`what ${name} means for a list of ${list.name} is not known here`)
    for (const { one, value } of meant) {
      add({ arguments: { [name]: isListType(getNullableType(type)) ? [value] : value }, comparisons: [one] })
    }
  }
}

const HOUR_MS = 3_600_000

/** The log is a list of its own making. */
function eventProbes(schema: GraphQLSchema, isQuery: boolean, rows: Rows, add: Add): void {
  const log = rows('eventLog')
  const [early, middle, late] = [0.2, 0.5, 0.8].map((share) => at(log, share))
  const cursor = (row: typeof middle) => formatCursor({ epoch: EPOCH, position: row?.position as bigint })
  const between = { after: cursor(early), before: cursor(late) }
  for (const page of [{ first: 25 }, { last: 25 }, { first: 25, ...between }, { last: 25, ...between }]) {
    add({ arguments: page, orderOnly: true })
  }
  if (!isQuery) return
  add({ arguments: { from: cursor(early), to: cursor(late) } })
  const named = (row: typeof middle) => String(row?.type).toUpperCase().replace('.', '_')
  const types = [...new Set(log.map(named))]
  const moment = middle?.occurredAt as Date
  const fields: Record<string, { readonly given: readonly unknown[]; readonly columns: readonly string[] }> = {
    types: { given: [...types.map((type) => [type]), types], columns: ['type'] },
    subject: { given: [{ eq: encodeId('deal', String(middle?.subjectId)) }], columns: ['subject_id'] },
    run: { given: [encodeId('run', String(log.find((row) => row.runId !== null)?.runId))], columns: ['run_id'] },
    actor: {
      given: [
        { eq: encodeId('employee', String(log.find((row) => row.actorId !== null)?.actorId)) },
        { kind: 'EMPLOYEE' },
      ],
      columns: ['actor_id', 'actor_kind'],
    },
    occurredAt: {
      given: [{ gte: moment.toISOString(), lt: new Date(moment.getTime() + HOUR_MS).toISOString() }],
      columns: ['occurred_at'],
    },
    requestId: { given: [middle?.requestId], columns: ['request_id'] },
  }
  const input = schema.getType('EventFilter') as { getFields?(): Record<string, unknown> } | undefined
  const probes = Object.keys(input?.getFields?.() ?? {}).flatMap((name): Comparison[] => {
    const field = fields[name]
    if (field === undefined) throw new Error(`what EventFilter.${name} is served by is not known here`)
    const { given, columns } = field
    return given.map((value) => ({
      filter: { [name]: value },
      own: { [name]: value },
      rule: 'INDEXED',
      table: 'event_log',
      columns,
      depth: 0,
    }))
  })
  for (const one of probes) {
    for (const page of [{ first: 25 }, { last: 25 }, { first: 25, ...between }]) {
      add({ arguments: { filter: one.filter, ...page }, comparisons: [one] })
    }
    for (const other of probes.filter((each) => each.columns[0] !== one.columns[0])) {
      add({ arguments: { filter: { ...one.filter, ...other.filter } }, comparisons: [one, other] })
    }
  }
}
