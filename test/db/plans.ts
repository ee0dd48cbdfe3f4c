// How PostgreSQL would answer a statement, and what must hold of it.

import type pg from 'pg'
import type { Statement } from './ask-lists.ts'
import type { Comparison } from './comparisons.ts'

/** A node of a plan, as EXPLAIN (VERBOSE, FORMAT JSON) gives it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Alias?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly 'Parent Relationship'?: string
  readonly Filter?: string
  readonly Output?: readonly string[]
  readonly 'Plan Rows': number
  readonly Plans?: readonly PlanNode[]
}

/** The plan for these very values, on a connection that is bound already. */
export async function explain(client: pg.ClientBase, { text, values }: Statement): Promise<PlanNode> {
  const { rows } = await client.query({ text: `explain (verbose, format json) ${text}`, values: [...values] })
  return rows[0]['QUERY PLAN'][0].Plan
}

/** The plan that a prepared statement may come to have, whatever its values are. */
export async function explainGeneric(client: pg.ClientBase, { text, values }: Statement): Promise<PlanNode> {
  const nulls = values.length === 0 ? '' : `(${values.map(() => 'null').join(', ')})`
  await client.query(`set plan_cache_mode = force_generic_plan; prepare probe as ${text}`)
  const { rows } = await client.query(`explain (verbose, format json) execute probe${nulls}`)
  await client.query('deallocate probe; reset plan_cache_mode')
  return rows[0]['QUERY PLAN'][0].Plan
}

export function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
}

/** One way in which rows of a table are reached, with its index conditions: those of a bitmap stand below its heap. */
interface Scan {
  readonly kind: string
  readonly table: string
  readonly alias: string
  readonly conditions: readonly string[]
  readonly indexes: readonly string[]
}

export function scansOf(plan: PlanNode): Scan[] {
  return nodesOf(plan).flatMap((node) => {
    const { 'Relation Name': table, Alias: alias = '', 'Node Type': kind } = node
    if (table === undefined) return []
    const parts = [node, ...bitmapsOf(node)]
    const conditions = parts.flatMap((part) => part['Index Cond'] ?? [])
    return [{ kind, table, alias, conditions, indexes: parts.flatMap((part) => part['Index Name'] ?? []) }]
  })
}

function bitmapsOf(node: PlanNode): PlanNode[] {
  return (node.Plans ?? [])
    .filter((child) => child['Node Type'].startsWith('Bitmap') && child['Relation Name'] === undefined)
    .flatMap((child) => [child, ...bitmapsOf(child)])
}

/** The table behind an alias. */
export const tableOf = (plan: PlanNode, alias: string): string =>
  scansOf(plan).find((scan) => scan.alias === alias)?.table ?? ''

export const sorts = (plan: PlanNode): boolean => nodesOf(plan).some((node) => node['Node Type'].includes('Sort'))

/** How many rows the planner expects to match: those of the statement, or those that it counts or sums. */
export function expectedRows(plan: PlanNode): number {
  const counted = plan.Plans?.find((child) => child['Parent Relationship'] === 'Outer')
  return plan['Node Type'] === 'Aggregate' && counted !== undefined ? expectedRows(counted) : plan['Plan Rows']
}

const OF_WORKSPACE = /\bworkspace_id = /
// Equal to a column of a table that is bounded itself.
const LOOK_UP = /= "?\w+"?\."?\w+"?\)/

/** What is read beyond the workspace: a table as a whole, or an index without its first column. */
export function beyondWorkspace(plan: PlanNode): string[] {
  return scansOf(plan).flatMap(({ kind, table, conditions }) => {
    if (conditions.some((condition) => OF_WORKSPACE.test(condition))) return []
    if (!kind.includes('Seq') && conditions.some((condition) => LOOK_UP.test(condition))) return []
    return [`${kind} on ${table}`]
  })
}

/** What an index condition is looked for. */
type Served = Pick<Comparison, 'table' | 'columns' | 'depth'>

const isAbout = (scan: Scan, { table, depth }: Served): boolean =>
  scan.table === table && (depth === 0 ? !scan.alias.startsWith('related') : scan.alias.startsWith('related'))

/** What partial indexes hold, by their names: a condition that is the same stands in the index itself. */
export type Predicates = ReadonlyMap<string, string>

export async function predicatesOf(client: pg.ClientBase): Promise<Predicates> {
  const { rows } = await client.query<{ name: string; predicate: string }>(
    `select indexrelid::regclass::text as name, pg_get_expr(indpred, indrelid) as predicate
       from pg_index where indpred is not null`,
  )
  return new Map(rows.map(({ name, predicate }) => [name, predicate]))
}

/** Whether the comparison stands in an index condition. */
export function isIndexed(plan: PlanNode, comparison: Served, predicates: Predicates): boolean {
  const scans = scansOf(plan).filter((scan) => isAbout(scan, comparison))
  const conditions = scans.flatMap((scan) => [
    ...scan.conditions,
    ...scan.indexes.flatMap((index) => predicates.get(index) ?? []),
  ])
  return comparison.columns.some((column) =>
    conditions.some((condition) => new RegExp(`\\b${column}\\b`).test(condition)),
  )
}

/** Whether the search function is asked. */
export const isSearched = (plan: PlanNode): boolean =>
  nodesOf(plan).some((node) => node.Output?.some((output) => output.includes('cadre_search.')))

/** A statement inside one of the search functions. */
export interface SearchBody {
  readonly name: string
  readonly column: string
  readonly text: string
}

/** What the search functions run, as they stand in the database. Throws when one is not written as is known here. */
export async function searchBodies(client: pg.ClientBase): Promise<SearchBody[]> {
  const { rows } = await client.query<{ name: string; source: string }>(
    `select proname as name, prosrc as source from pg_proc where pronamespace = 'cadre_search'::regnamespace`,
  )
  return rows.flatMap(({ name, source }) => {
    const found = [...source.matchAll(/WHEN '(\w+)' THEN RETURN QUERY ([^;]+);/g)]
    if (found.length !== source.split('RETURN QUERY').length - 1) throw new Error(`${name} is written in another way`)
    return found.map(([, column = '', text = '']) => ({ name, column, text }))
  })
}

/** The plan inside a search function, as the role that it runs as, for this pattern and workspace. */
export async function explainSearch(
  client: pg.ClientBase,
  { text }: SearchBody,
  workspaceId: string,
  pattern: string,
): Promise<PlanNode> {
  await client.query('begin; set local role cadre_search')
  try {
    const values = [workspaceId, pattern]
    return await explain(client, {
      text: text.replace(/\btenant\b/, '$1::uuid').replace(/\bpattern\b/, '$2::text'),
      values,
    })
  } finally {
    await client.query('rollback')
  }
}

/** Runs a statement and names the tables that were read as a whole for it, inside functions too. */
export async function tablesReadWhole(client: pg.ClientBase, { text, values }: Statement): Promise<string[]> {
  const counts = async () => {
    const { rows } = await client.query<{ name: string; scans: string }>(
      `select relname as name, seq_scan::text as scans from pg_stat_xact_user_tables where schemaname = 'public'`,
    )
    return new Map(rows.map(({ name, scans }) => [name, Number(scans)]))
  }
  await client.query('begin read only')
  try {
    const before = await counts()
    await client.query({ text, values: [...values] })
    const after = await counts()
    return [...after].flatMap(([name, scans]) => (scans > (before.get(name) ?? 0) ? [name] : []))
  } finally {
    await client.query('rollback')
  }
}

/** For messages: the plan without what does not matter here. */
export function sketch(node: PlanNode, depth = 0): string {
  const indent = '  '.repeat(depth)
  const { 'Relation Name': table, 'Index Name': index, 'Index Cond': condition, Filter: filter } = node
  const lines = [
    `${indent}${node['Node Type']}${table === undefined ? '' : ` on ${table} ${node.Alias}`}${index === undefined ? '' : ` using ${index}`} rows=${node['Plan Rows']}`,
    ...(condition === undefined ? [] : [`${indent}    index: ${condition}`]),
    ...(filter === undefined ? [] : [`${indent}    filter: ${filter}`]),
  ]
  return [...lines, ...(node.Plans ?? []).map((child) => sketch(child, depth + 1))].join('\n')
}
