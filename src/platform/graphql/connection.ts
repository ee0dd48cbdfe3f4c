// Lists: Relay connections with filter, order and keyset paging, one implementation for all.
//
// A page is made in two steps. SQL picks the ids (and the order's values, for the cursors) of one row more than asked
// for; Prisma then loads these rows with exactly what the client selected. `totalCount` is counted only when selected.
// A list below a parent (the steps of a run) picks the pages of all parents in the answer in one statement, so the
// number of statements does not grow with the number of parents.

import type { InputFieldMap, ObjectFieldsShape, OutputRef } from '@pothos/core'
import { queryFromInfo } from '@pothos/plugin-prisma'
import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import type { Viewer } from '../auth/viewer.ts'
import type { TableName, Tables } from '../db/tables.ts'
import { invalidInput } from '../lib/errors.ts'
import { builder, type Types } from './builder.ts'
import { type Connection, connectionType, type OrderField, orderInputType } from './connection-types.ts'
import type { GraphQLContext } from './context.ts'
import { filledUp } from './fill-up.ts'
import type { Filter } from './filter.ts'
import { allOf, type Comparison, TRUE } from './filter-comparators.ts'
import { delegateOf, type Model } from './node.ts'
import { type Direction, type OrderColumn, type OrderKey, pageCursor } from './order.ts'
import {
  aggregate,
  LIST_ALIAS,
  type Page,
  type PageArguments,
  type PageQuery,
  pageSize,
  pickPage,
  pickPages,
  type Row,
  readPageArguments,
} from './page.ts'
import { fieldPath, selects } from './selection.ts'

const MAX_ORDER_KEYS = 5

interface ListOptions<Table extends TableName, Field extends string> {
  readonly table: Table
  readonly model: Model
  /** The items' type, as `builder.prismaNode` returned it. */
  readonly type: OutputRef<unknown> & { readonly name: string }
  /** What the list can be narrowed by. */
  readonly filter?: Filter
  /** What clients can order by. */
  readonly order?: Readonly<Record<Field, OrderField<keyof Tables[Table] & string>>>
  /** The order when the client asks for none. */
  readonly defaultOrder: readonly (OrderColumn<keyof Tables[Table] & string> & { readonly direction: Direction })[]
  /** The columns that tell rows apart within the workspace; `id` unless told. */
  readonly key?: readonly (keyof Tables[Table] & string)[]
  /** Further fields of the connection, e.g. `totalAmount`: see `Connection.select`. */
  readonly fields?: ObjectFieldsShape<Types, Connection>
}

interface FieldOptions {
  /** What the list holds, in a sentence. */
  readonly description: string
  /** Shorthands beside `filter`, e.g. `submissions(form:)`. */
  readonly args?: (t: PothosSchemaTypes.InputFieldBuilder<Types, 'Arg'>) => InputFieldMap
  /** The filter that the shorthands stand for; it holds besides the client's own. */
  readonly where?: (args: Readonly<Record<string, unknown>>) => Comparison | undefined
}

/** A kind of list, to be put where it belongs with `all` or `of`. */
export interface List {
  readonly type: OutputRef<Connection>
  /** Options for `t.field`: every row of the workspace. */
  all(options: FieldOptions): ListField<unknown>
  /** Options for `t.field` of a parent: its rows, by the column that refers to the parent's id. */
  of(column: string, options: FieldOptions): ListField<{ readonly id: string }> & { select: { id: true } }
}

interface ListField<Parent> {
  readonly type: OutputRef<Connection>
  readonly description: string
  readonly args: InputFieldMap
  readonly complexity: (args: object) => { field: number; multiplier: number }
  resolve(parent: Parent, args: object, ctx: GraphQLContext, info: GraphQLResolveInfo): Promise<Connection>
}

interface ListArguments extends PageArguments {
  readonly filter?: Comparison | null
  readonly orderBy?: readonly { readonly field: string; readonly direction: Direction }[] | null
}

/** A list as it was declared; for the tests that go through all of them. */
export interface DeclaredList {
  readonly name: string
  readonly table: TableName
  readonly filter: Filter | undefined
  readonly orderFields: readonly string[]
  /** What a page is picked with, for arguments as a client gives them. */
  query(args: object, now: Date): PageQuery
}

/** A shorthand's condition is written by the schema; the caller gives a value or an id. */
const SCHEMA: Viewer = { kind: 'system' }

/** When a list is asked for, and by whom. */
interface Asking {
  readonly now: Date
  readonly viewer: Viewer
}

const declaredLists: DeclaredList[] = []

/** Every list of the schema. */
export const allLists = (): readonly DeclaredList[] => declaredLists

/**
 * Declares a kind of list; makes `<Name>Connection`, `<Name>Edge`, `<Name>Order` and `<Name>OrderField`.
 *
 * ```ts
 * const dealList = listOf('Deal', {
 *   table: 'deal', model: 'Deal', type: Deal, filter: dealFilter,
 *   order: { CREATED: { description: 'When it was created.', columns: [{ column: 'createdAt' }] } },
 *   defaultOrder: [{ column: 'createdAt', direction: 'DESC' }],
 * })
 * builder.queryField('deals', (t) => t.field(dealList.all({ description: 'Deals, newest first.' })))
 * builder.prismaObjectField('Contact', 'deals', (t) => t.field(dealList.of('contactId', { description: 'Its deals.' })))
 * ```
 */
export function listOf<const Table extends TableName, Field extends string>(
  name: string,
  options: ListOptions<Table, Field>,
): List {
  const type = connectionType(name, options.type, options.fields)
  const order = (options.order ?? {}) as Readonly<Record<string, OrderField<string>>>
  const orderInput = Object.keys(order).length === 0 ? undefined : orderInputType(name, order)
  const rowKey: readonly string[] = options.key ?? ['id']

  const keysOf = ({ orderBy }: ListArguments): OrderKey[] => {
    const asked = orderBy === null || orderBy === undefined || orderBy.length === 0 ? undefined : orderBy
    const keys = asked === undefined ? [...options.defaultOrder] : askedKeys(asked, order)
    // Ends with the row's own key, in the direction of the last one, so that one index serves the whole.
    const direction = keys.at(-1)?.direction ?? 'ASC'
    for (const column of rowKey) {
      if (!keys.some((key) => key.column === column)) keys.push({ column: column as never, direction })
    }
    return keys
  }

  const queryOf = (keys: readonly OrderKey[], args: ListArguments, field: FieldOptions, asking: Asking): PageQuery => {
    const { filter } = options
    const at = { alias: LIST_ALIAS, ...asking }
    const asked = args.filter ?? undefined
    const shorthand = field.where?.(args as Readonly<Record<string, unknown>>)
    const condition =
      filter === undefined
        ? TRUE
        : allOf([
            ...(asked === undefined ? [] : [filter.condition(asked, { ...at, path: ['filter'] })]),
            ...(shorthand === undefined ? [] : [filter.condition(shorthand, { ...at, viewer: SCHEMA, path: [] })]),
          ])
    return {
      table: options.table,
      columns: [...new Set([...rowKey, ...keys.map((key) => key.column)])],
      keys,
      condition,
    }
  }

  declaredLists.push({
    name,
    table: options.table,
    filter: options.filter,
    orderFields: Object.keys(order),
    query: (args, now) => {
      const asking: Asking = { now, viewer: SCHEMA }
      return queryOf(keysOf(args as ListArguments), args as ListArguments, { description: '' }, asking)
    },
  })

  const load = async (rows: readonly Row[], ctx: GraphQLContext, info: GraphQLResolveInfo) => {
    if (rows.length === 0) return new Map<string, object>()
    const query = queryFromInfo({
      context: ctx,
      info,
      typeName: options.type.name,
      paths: [['nodes'], ['edges', 'node']],
    })
    const found = await delegateOf(options.model, ctx).findMany({ ...query, where: whereOf(rows, rowKey) })
    return new Map(found.map((item) => [keyText(item as Row, rowKey), item]))
  }

  const connect = (
    page: Page,
    items: ReadonlyMap<string, object> | undefined,
    keys: readonly OrderKey[],
    select: Connection['select'],
  ): Connection => {
    const edges = page.rows.flatMap((row) => {
      const node = items === undefined ? row : items.get(keyText(row, rowKey))
      // A row that went away between the two steps is left out.
      return node === undefined ? [] : [{ node, cursor: pageCursor(name, keys, row) }]
    })
    return { nodes: edges.map((edge) => edge.node), edges, page, select }
  }

  const argsOf = (field: FieldOptions): InputFieldMap =>
    builder.args((t) => ({
      first: t.int({ defaultValue: 25, description: 'How many, at most 100; from the beginning or after `after`.' }),
      after: t.string({ description: 'Those that follow this paging cursor.' }),
      last: t.int({ description: 'How many from the end or before `before`, instead of `first`; at most 100.' }),
      before: t.string({ description: 'Those that come before this paging cursor.' }),
      ...field.args?.(t as never),
      ...(options.filter === undefined
        ? {}
        : { filter: t.field({ type: options.filter.input, description: 'Only those for which this holds.' }) }),
      ...(orderInput === undefined
        ? {}
        : {
            orderBy: t.field({
              type: [orderInput],
              description: 'In this order; what comes first counts first. At most 5.',
            }),
          }),
    })) as InputFieldMap

  const common = (field: FieldOptions) => ({
    type,
    description: field.description,
    args: argsOf(field),
    complexity: (args: object) => ({ field: 1, multiplier: Math.max(1, pageSize(args as ListArguments)) }),
  })

  const wants = (info: GraphQLResolveInfo) => {
    const items = selects(info, 'nodes') || selects(info, 'edges', 'node')
    return { items, page: items || selects(info, 'edges') || selects(info, 'pageInfo') }
  }

  const nothing: Page = { rows: [], hasNextPage: false, hasPreviousPage: false }

  return {
    type,
    all: (field) => ({
      ...common(field),
      resolve: async (_parent, given, ctx, info) => {
        const args = given as ListArguments
        const keys = keysOf(args)
        const query = queryOf(keys, args, field, { now: ctx.clock.now(), viewer: ctx.viewer })
        const request = readPageArguments(args, name, keys)
        const wanted = wants(info)
        const page = wanted.page ? await pickPage(query, request, ctx) : nothing
        const items = wanted.items ? await load(page.rows, ctx, info) : undefined
        return connect(page, items, keys, (columns, groupBy) => aggregate(query, columns, ctx, undefined, groupBy))
      },
    }),
    of: (column, field) => ({
      ...common(field),
      select: { id: true },
      resolve: async (parent, given, ctx, info) => {
        const args = given as ListArguments
        const keys = keysOf(args)
        const query = queryOf(keys, args, field, { now: ctx.clock.now(), viewer: ctx.viewer })
        const wanted = wants(info)
        const loader = ctx.loaders.get(fieldPath(info), () => {
          const request = readPageArguments(args, name, keys)
          return new DataLoader<string, { page: Page; items: ReadonlyMap<string, object> | undefined }>(
            async (parents) => {
              const pages = await pickPages(query, request, column, parents, ctx)
              const rows = pages.flatMap((page) => page.rows)
              const items = wanted.items ? await load(rows, ctx, info) : undefined
              return pages.map((page) => ({ page, items }))
            },
          )
        })
        const { page, items } = wanted.page ? await loader.load(parent.id) : { page: nothing, items: undefined }
        return connect(page, items, keys, (columns, groupBy) =>
          aggregate(query, columns, ctx, { column, parent: parent.id }, groupBy),
        )
      },
    }),
  }
}

function askedKeys(
  asked: NonNullable<ListArguments['orderBy']>,
  order: Readonly<Record<string, OrderField<string>>>,
): OrderKey[] {
  if (asked.length > MAX_ORDER_KEYS) {
    throw invalidInput([{ path: ['orderBy'], code: 'TOO_LONG', message: `At most ${MAX_ORDER_KEYS} keys.` }])
  }
  const keys: OrderKey[] = []
  asked.forEach(({ field, direction }, index) => {
    for (const column of order[field]?.columns ?? []) {
      if (keys.some((key) => key.column === column.column)) {
        const path = ['orderBy', String(index), 'field']
        throw invalidInput([{ path, code: 'DUPLICATE', message: `The list is ordered by ${field} already.` }])
      }
      keys.push({ ...column, direction })
    }
  })
  return keys
}

const keyText = (row: Row, key: readonly string[]): string => key.map((column) => String(row[column])).join('_')

/** The rows by their keys. */
function whereOf(rows: readonly Row[], key: readonly string[]): object {
  const [only, ...rest] = key
  if (only !== undefined && rest.length === 0) return { [only]: { in: filledUp(rows.map((row) => row[only])) } }
  return { OR: filledUp(rows).map((row) => Object.fromEntries(key.map((column) => [column, row[column]]))) }
}
