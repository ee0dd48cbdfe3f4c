// Statements as they are sent, and how PostgreSQL would answer them.

import type pg from 'pg'
import { readInWorkspace } from '../../src/platform/db/read.ts'
import type { Database } from '../../src/platform/db/database.ts'

export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

/** A database whose reading statements are kept, exactly as they would be sent, instead of sent; they find nothing. */
export function recording(db: Database, statements: Statement[]): Database {
  const client = {
    query: async ({ name, text, values = [] }: pg.QueryConfig) => {
      if (name !== 'bind_workspace') statements.push({ text, values })
      return { rows: [], rowCount: 0 }
    },
    release: () => {},
  }
  const pool = { connect: async () => client } as unknown as pg.Pool
  return { ...db, read: (workspaceId, work) => readInWorkspace(pool, workspaceId, work) }
}

/** A node of a plan, as EXPLAIN (VERBOSE, FORMAT JSON) gives it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Alias?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Output?: readonly string[]
  readonly 'Plan Rows': number
  readonly Plans?: readonly PlanNode[]
}

/** How a statement would be answered, on a connection that is bound already. `generic`: whatever its values are. */
export async function explain(client: pg.ClientBase, { text, values }: Statement, generic = false): Promise<PlanNode> {
  if (!generic) {
    const { rows } = await client.query({ text: `explain (verbose, format json) ${text}`, values: [...values] })
    return rows[0]['QUERY PLAN'][0].Plan
  }
  await client.query(`prepare probe as ${text}`)
  await client.query('set plan_cache_mode = force_generic_plan')
  try {
    const nulls = values.length === 0 ? '' : `(${values.map(() => 'null').join(', ')})`
    const { rows } = await client.query(`explain (verbose, format json) execute probe${nulls}`)
    return rows[0]['QUERY PLAN'][0].Plan
  } finally {
    await client.query('deallocate probe; reset plan_cache_mode')
  }
}

/** One way in which rows of a table are reached. */
export interface Scan {
  readonly node: string
  readonly table: string
  readonly alias: string
  /** The index conditions; of a bitmap all of them. */
  readonly conditions: readonly string[]
  readonly filter: string
}

const isScan = (node: PlanNode): boolean => node['Relation Name'] !== undefined

export function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
}

export function scansOf(plan: PlanNode): Scan[] {
  return nodesOf(plan)
    .filter(isScan)
    .map((node) => ({
      node: node['Node Type'],
      table: node['Relation Name'] ?? '',
      alias: node.Alias ?? '',
      conditions: [node, ...bitmapsOf(node)].flatMap((part) => part['Index Cond'] ?? []),
      filter: node.Filter ?? '',
    }))
}

/** The bitmap nodes that a bitmap heap scan reads from; sub-plans of its filter are scans of their own. */
function bitmapsOf(node: PlanNode): PlanNode[] {
  return (node.Plans ?? [])
    .filter((child) => child['Node Type'].startsWith('Bitmap') && child['Relation Name'] === undefined)
    .flatMap((child) => [child, ...bitmapsOf(child)])
}

/** For messages: the plan without what does not matter here. */
export function sketch(node: PlanNode, depth = 0): string {
  const parts = [
    node['Node Type'],
    node['Relation Name'] === undefined ? '' : `on ${node['Relation Name']} ${node.Alias}`,
    node['Index Name'] === undefined ? '' : `using ${node['Index Name']}`,
    `rows=${node['Plan Rows']}`,
    node['Index Cond'] === undefined ? '' : `\n${'  '.repeat(depth + 2)}index: ${node['Index Cond']}`,
    node.Filter === undefined ? '' : `\n${'  '.repeat(depth + 2)}filter: ${node.Filter}`,
  ]
  const line = `${'  '.repeat(depth)}${parts.filter((part) => part !== '').join(' ')}`
  return [line, ...(node.Plans ?? []).map((child) => sketch(child, depth + 1))].join('\n')
}
