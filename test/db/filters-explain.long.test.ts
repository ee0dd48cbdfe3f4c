// Every list, filter and order of the schema, planned as `cadre_app` in one workspace of twenty: on 1,000,000 rows with
// FULL=1, on fewer otherwise. What is asked is made from the schema: see `list-probes.ts` and `comparisons.ts`.

import { type GraphQLInputType, getNamedType } from 'graphql'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/platform/db/database.ts'
import { acquireBound } from '../../src/platform/db/tenant-connections.ts'
import { snakeCase } from '../../src/platform/graphql/filter-comparators.ts'
import { schema } from '../../src/schema.ts'
import { openDatabase } from '../support/context.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { createAsker, type Statement } from './ask-lists.ts'
import { type Comparison, comparisonsOf, filterOfType } from './comparisons.ts'
import { listFieldsOf, type Probe, probesOf, tablesOf } from './list-probes.ts'
import { fillTables, type Sample, sampleOf } from './many-rows.ts'
import * as plans from './plans.ts'

const ROWS = process.env.FULL === '1' ? 1_000_000 : 100_000
// What most rows have, no index helps to find. And what more than one row in a hundred has, a page may find soonest by
// walking along its order's index until it is full.
const MOST = 0.5
const FREQUENT = 0.01

interface Planned {
  readonly title: string
  readonly statement: Statement
  readonly plan: plans.PlanNode
  /** The share of the workspace's rows that match, as far as the planner knows. */
  readonly share: number
}

interface PlannedProbe extends Planned {
  readonly probe: Probe
  /** Takes rows in an order until it has enough; else it counts or sums them all. */
  readonly isPage: boolean
}

interface PlannedComparison extends Planned {
  readonly comparison: Comparison
}

let database: TestDatabase
let db: Database
let client: pg.PoolClient
let workspaceId: string
let predicates: plans.Predicates
let probes: readonly Probe[]
const samples = new Map<string, Sample>()
const ofLists: PlannedProbe[] = []
const ofFilters: PlannedComparison[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  const tables = tablesOf(schema)
  await fillTables(database.url, tables.map(snakeCase), ROWS)
  const workspaces = await runSql<{ id: string }>(database.url, 'select id from workspace order by id')
  workspaceId = String(workspaces[7]?.id)
  db = openDatabase(database.url)
  for (const table of tables) samples.set(table, await db.read(workspaceId, (tx) => sampleOf(tx, table)))
  const rows = (table: string) => samples.get(table)?.rows ?? []
  const rowsIn = (table: string): number => [...samples].find(([name]) => snakeCase(name) === table)?.[1].count ?? 0

  client = await acquireBound(db.app, workspaceId)
  // Workers reading side by side make a small table cheap to read as a whole, which a large one is not.
  if (ROWS < 1_000_000) await client.query('set max_parallel_workers_per_gather = 0')
  predicates = await plans.predicatesOf(client)
  const asker = createAsker(schema, db, workspaceId)
  probes = probesOf(schema, rows)
  for (const probe of probes) {
    const statements = await asker.ask(probe)
    const explained = []
    for (const statement of statements) explained.push({ statement, plan: await plans.explain(client, statement) })
    const counted = explained.find(({ statement }) => statement.text.includes('count(*)'))?.plan
    const table = counted === undefined ? '' : plans.tableOf(counted, 'item')
    const share = counted === undefined ? 0 : plans.expectedRows(counted) / rowsIn(table)
    for (const { statement, plan } of explained) {
      const isPage = /\blimit \d|\blimit \$/.test(statement.text)
      ofLists.push({ title: titleOf(probe, isPage), probe, statement, plan, isPage, share })
    }
  }
  for (const type of Object.values(schema.getTypeMap())) {
    const filter = type.name === 'EventFilter' ? undefined : filterOfType(type as GraphQLInputType)
    if (filter === undefined) continue
    for (const comparison of comparisonsOf(type as GraphQLInputType, rows)) {
      if (comparison.depth > 0) continue
      for (const statement of await asker.askFilter(type as GraphQLInputType, comparison)) {
        const plan = await plans.explain(client, statement)
        const share = plans.expectedRows(plan) / rowsIn(snakeCase(filter.table))
        const title = `${type.name} ${JSON.stringify(comparison.filter)}`
        ofFilters.push({ title, comparison, statement, plan, share })
      }
    }
  }
}, 20 * 60_000)

afterAll(async () => {
  client?.release(true)
  await db?.close()
  await database?.drop()
})

const keyOf = ({ table, own }: Comparison): string => `${table} ${JSON.stringify(own)}`

const titleOf = ({ below, field, arguments: given }: Probe, isPage: boolean): string =>
  `${isPage ? 'page' : 'whole'} of ${below === undefined ? '' : `${below.type}.`}${field} ${JSON.stringify(given)}`

/** What a failing test shows: what was asked, what is wrong, the statement and its plan. */
const fault = ({ title, statement, plan }: Planned, what: string): string =>
  `${title}: ${what}\n${statement.text}\n${plans.sketch(plan)}`

const faultsOf = <Each extends Planned>(all: readonly Each[], isFault: (each: Each) => string | false): string[] =>
  all.flatMap((each) => {
    const what = isFault(each)
    return what === false ? [] : [fault(each, what)]
  })

/** The first few in full, all by their names. */
function expectNone(faults: readonly string[]): void {
  const names = faults.map((each) => each.split('\n')[0])
  expect(names, `\n${faults.slice(0, 5).join('\n\n')}\n`).toEqual([])
}

test('every list of the schema is asked, each with every field of its filter', () => {
  const asked = new Set(probes.map(({ below, field }) => `${below?.type ?? 'Query'}.${field}`))
  const query = schema.getQueryType()
  const lists = query == null ? [] : listFieldsOf(query)
  expect(lists.length).toBeGreaterThan(5)
  for (const { name, args } of lists) {
    expect(asked).toContain(`Query.${name}`)
    const filter = args.find((arg) => arg.name === 'filter')
    if (filter === undefined) continue
    const type = getNamedType(filter.type) as { getFields?(): object }
    const { and, or, not, isNull, ...fields } = (type.getFields?.() ?? {}) as Record<string, unknown>
    const compared = new Set(
      probes
        .filter((probe) => probe.below === undefined && probe.field === name)
        .flatMap(({ comparisons }) => comparisons.flatMap((one) => Object.keys(one.filter))),
    )
    expect([...compared].sort()).toEqual(Object.keys(fields).sort())
  }
})

test('no list, filter or order reads a table as a whole or beyond its workspace', () => {
  expectNone(
    faultsOf([...ofLists, ...ofFilters], ({ plan }) => {
      const beyond = plans.beyondWorkspace(plan)
      return beyond.length > 0 && `reads beyond the workspace: ${beyond.join(', ')}`
    }),
  )
})

test('eq, in, ranges and startsWith stand in an index condition', () => {
  expectNone(
    faultsOf(ofFilters, ({ comparison, plan, share }) => {
      if (comparison.rule !== 'INDEXED' || share > MOST) return false
      return !plans.isIndexed(plan, comparison, predicates) && `no index serves ${comparison.columns.join(' or ')}`
    }),
  )
})

test('a list looks up in an index what is rare, alone and beside another condition, and through relations', () => {
  const shares = new Map(ofFilters.map(({ comparison, share }) => [keyOf(comparison), share]))
  const isRare = (comparison: Comparison): boolean => (shares.get(keyOf(comparison)) ?? 0) < FREQUENT
  let judged = 0
  const faults = faultsOf(ofLists, ({ probe, plan, share }) => {
    const { comparisons, joined, below } = probe
    if (below !== undefined || share >= FREQUENT || !comparisons.every(({ rule }) => rule === 'INDEXED')) return false
    const rare = comparisons.filter(isRare)
    // Beside `or` a relation is asked for row by row, and what is frequent is met soon.
    if (rare.length === 0 || (joined === 'or' && comparisons.some((each) => each.depth > 0 || !isRare(each))))
      return false
    judged++
    const missing = rare.filter((comparison) => !plans.isIndexed(plan, comparison, predicates))
    const isServed =
      joined === 'or' ? missing.length === 0 : comparisons.some((each) => plans.isIndexed(plan, each, predicates))
    return !isServed && `${missing.flatMap(({ columns }) => columns).join(', ')} stands in no index condition`
  })
  expect(judged).toBeGreaterThan(0)
  expectNone(faults)
})

test('contains and endsWith stand in the search function', () => {
  const searched = [
    ...ofFilters.filter(({ comparison }) => comparison.rule === 'SEARCHED'),
    ...ofLists.filter(({ probe }) => probe.comparisons.length === 1 && probe.comparisons[0]?.rule === 'SEARCHED'),
  ]
  expect(searched.length).toBeGreaterThan(0)
  expectNone(faultsOf(searched, ({ plan }) => !plans.isSearched(plan) && 'does not ask the search function'))
})

test('what is searched for reads no table as a whole, in the search function either', async () => {
  const faults: string[] = []
  for (const each of ofFilters.filter(({ comparison }) => comparison.rule === 'SEARCHED')) {
    const whole = await plans.tablesReadWhole(client, each.statement)
    if (whole.length > 0) faults.push(fault(each, `reads ${whole.join(', ')} as a whole`))
  }
  expectNone(faults)
})

test('the search functions stay within their workspace, and find more than two letters in an index', async () => {
  const owner = new pg.Client({ connectionString: database.url })
  await owner.connect()
  try {
    const bodies = await plans.searchBodies(owner)
    expect(bodies.length).toBeGreaterThan(0)
    const faults: string[] = []
    for (const body of bodies) {
      for (const pattern of ['%gordel%', '%gordel', '%or%', '%a']) {
        const plan = await plans.explainSearch(owner, body, workspaceId, pattern)
        const title = `${body.name} ${body.column} ${pattern}`
        const planned: Planned = { title, statement: { text: body.text, values: [] }, plan, share: 0 }
        const served = { table: plans.scansOf(plan)[0]?.table ?? '', columns: [body.column], depth: 0 }
        const isLong = pattern.replaceAll('%', '').length > 2
        if (plans.beyondWorkspace(plan).length > 0) faults.push(fault(planned, 'reads beyond the workspace'))
        if (isLong && !plans.isIndexed(plan, served, predicates)) faults.push(fault(planned, 'compares row by row'))
      }
    }
    expectNone(faults)
  } finally {
    await owner.end()
  }
})

test('an order is read off an index, from either end and from any place', () => {
  expectNone(
    faultsOf(ofLists, ({ probe, plan, isPage }) => {
      return isPage && probe.orderOnly && probe.below === undefined && plans.sorts(plan) && 'is sorted'
    }),
  )
})

test(
  'a statement prepared for any values stays within the workspace too',
  async () => {
    const different = new Map(ofLists.map((each) => [each.statement.text, each]))
    const faults: string[] = []
    for (const each of different.values()) {
      const plan = await plans.explainGeneric(client, each.statement)
      const beyond = plans.beyondWorkspace(plan)
      if (beyond.length > 0) faults.push(fault({ ...each, plan }, `reads beyond the workspace: ${beyond.join(', ')}`))
    }
    expectNone(faults)
  },
  10 * 60_000,
)
