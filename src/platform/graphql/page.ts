// One page of a list, in SQL: which rows, in which order, and whether there are more.

import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { TableName, Tables } from '../db/tables.ts'
import { invalidInput, isAppError } from '../lib/errors.ts'
import type { GraphQLContext } from './context.ts'
import { allOf, type Condition } from './filter-comparators.ts'
import { badCursor, beyond, type OrderKey, orderBy, parsePageCursor } from './order.ts'

const DEFAULT_SIZE = 25
export const MAX_PAGE_SIZE = 100

/** The paging arguments as a client gives them. */
export interface PageArguments {
  readonly first?: number | null | undefined
  readonly after?: string | null | undefined
  readonly last?: number | null | undefined
  readonly before?: string | null | undefined
}

/** What to pick: `size` rows from one end of what lies between two places. */
export interface PageRequest {
  readonly size: number
  readonly backwards: boolean
  readonly after: readonly unknown[] | undefined
  readonly before: readonly unknown[] | undefined
}

export type Row = Readonly<Record<string, unknown>>

export interface Page {
  readonly rows: readonly Row[]
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
}

/** The size of a page that these arguments ask for; also what a list's cost is counted by. */
export function pageSize({ first, last }: PageArguments): number {
  return last ?? first ?? DEFAULT_SIZE
}

/** Reads the paging arguments; `last` replaces `first`. Throws INVALID_INPUT naming the argument. */
export function readPageArguments(args: PageArguments, list: string, keys: readonly OrderKey[]): PageRequest {
  const backwards = args.last !== null && args.last !== undefined
  const size = pageSize(args)
  const name = backwards ? 'last' : 'first'
  if (size > MAX_PAGE_SIZE) {
    throw invalidInput([{ path: [name], code: 'TOO_LARGE', message: `A page has at most ${MAX_PAGE_SIZE} items.` }])
  }
  if (size < 0) {
    throw invalidInput([{ path: [name], code: 'TOO_SMALL', message: 'A page cannot have fewer than 0 items.' }])
  }
  const place = (argument: 'after' | 'before') => {
    const cursor = args[argument]
    return cursor === null || cursor === undefined ? undefined : parsePageCursor(list, keys, cursor, argument)
  }
  return { size, backwards, after: place('after'), before: place('before') }
}

// The list's table is a value here, so its columns are checked where the list is declared, not by Kysely.
type AnyTables = Record<string, Record<string, unknown>>

/** Everything that says which rows a list has. */
export interface PageQuery {
  readonly table: TableName
  /** Columns that tell rows apart, and those of the order. */
  readonly columns: readonly string[]
  readonly keys: readonly OrderKey[]
  readonly condition: Condition
}

const ALIAS = 'item'

/** The alias that conditions on a list's rows refer to. */
export const LIST_ALIAS = ALIAS

/** The statement of a page; `below` joins it to a table of parents. */
export function pick(db: Kysely<Tables>, query: PageQuery, request: PageRequest, below?: { readonly column: string }) {
  const { keys } = query
  const conditions = [
    query.condition,
    ...(request.after === undefined ? [] : [beyond(keys, request.after, ALIAS, false)]),
    ...(request.before === undefined ? [] : [beyond(keys, request.before, ALIAS, true)]),
  ]
  const order = orderBy(keys, ALIAS, request.backwards)
  // As a part of another statement it goes through the plugins with that.
  const rows = ((below === undefined ? db : db.withoutPlugins()) as unknown as Kysely<AnyTables>)
    .selectFrom(`${query.table} as ${ALIAS}`)
    .select(query.columns.map((column) => `${ALIAS}.${column} as ${column}`))
    .where(allOf(conditions))
    .orderBy(order)
    .limit(sql.lit(request.size + 1))
  if (below === undefined) return rows
  return rows
    .select(sql`row_number() over (order by ${order})`.as('rank'))
    .where(sql.ref(`${ALIAS}.${below.column}`), '=', sql.ref('parents.parent'))
}

/** The page of one list. */
export async function pickPage(query: PageQuery, request: PageRequest, ctx: GraphQLContext): Promise<Page> {
  if (request.size === 0) return emptyPage(request)
  const rows = await refusingOddCursors(request, () =>
    ctx.db.read(ctx.workspaceId, async (db) => await pick(db, query, request).execute()),
  )
  return toPage(rows, request)
}

/** The pages of the lists below several parents, in one statement; in the order of the parents. */
export async function pickPages(
  query: PageQuery,
  request: PageRequest,
  column: string,
  parents: readonly string[],
  ctx: GraphQLContext,
): Promise<Page[]> {
  if (request.size === 0) return parents.map(() => emptyPage(request))
  const rows = await refusingOddCursors(request, () =>
    ctx.db.read(ctx.workspaceId, async (db) => {
      const result = await sql<Row & { readonly parent: string; readonly rank: bigint }>`
        select parents.parent, items.*
        from unnest(${parents}::uuid[]) as parents(parent)
        cross join lateral ${pick(db, query, request, { column })} as items
      `.execute(db)
      return result.rows
    }),
  )
  const byParent = new Map<string, typeof rows>()
  for (const row of rows) {
    const known = byParent.get(row.parent)
    if (known === undefined) byParent.set(row.parent, [row])
    else known.push(row)
  }
  return parents.map((parent) => {
    const own = [...(byParent.get(parent) ?? [])].sort((a, b) => Number(a.rank - b.rank))
    return toPage(own, request)
  })
}

/** One statement over all rows of a list, whatever the page: counts and sums. */
export async function aggregate<Result>(
  query: PageQuery,
  columns: RawBuilder<unknown>,
  ctx: GraphQLContext,
  below?: { readonly column: string; readonly parent: string },
  groupBy?: RawBuilder<unknown>,
): Promise<Result[]> {
  return await ctx.db.read(ctx.workspaceId, async (db) => {
    const conditions = [
      query.condition,
      ...(below === undefined ? [] : [sql<boolean>`${sql.ref(`${ALIAS}.${below.column}`)} = ${below.parent}`]),
    ]
    const matching = (db.withoutPlugins() as unknown as Kysely<AnyTables>)
      .selectFrom(`${query.table} as ${ALIAS}`)
      .selectAll(ALIAS)
      .where(allOf(conditions))
    const grouping = groupBy === undefined ? sql`` : sql` group by ${groupBy}`
    const { rows } = await sql<Result>`select ${columns} from ${matching} as ${sql.ref(ALIAS)}${grouping}`.execute(db)
    return rows
  })
}

function toPage(picked: readonly Row[], { size, backwards, after, before }: PageRequest): Page {
  const rows = picked.slice(0, size)
  const more = picked.length > size
  return {
    rows: backwards ? rows.reverse() : rows,
    hasNextPage: backwards ? before !== undefined : more,
    hasPreviousPage: backwards ? more : after !== undefined,
  }
}

const emptyPage = (request: PageRequest): Page => toPage([], request)

/** A cursor whose values are no values of the columns was tampered with: the caller's doing. */
async function refusingOddCursors<Result>(request: PageRequest, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (err) {
    const argument = request.after !== undefined ? 'after' : 'before'
    const cursorGiven = request.after !== undefined || request.before !== undefined
    // The database refused a value (no uuid, timestamp or number) and could not say whose: filters are checked before.
    const nameless = isAppError(err) && err.code === 'INVALID_INPUT' && err.details.issues?.[0]?.path.length === 0
    if (cursorGiven && nameless) {
      throw badCursor(argument, 'This is not a paging cursor that the server gave out.')
    }
    throw err
  }
}
