import {
  CamelCasePlugin,
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import { beforeAll, expect, it } from 'vitest'
import type { Database } from '../../src/platform/db/database.ts'
import type { Tables } from '../../src/platform/db/tables.ts'
import { acquireBound } from '../../src/platform/db/tenant-connections.ts'
import { TenantPlugin } from '../../src/platform/db/tenant-plugin.ts'
import { type EventFilter, readPage } from '../../src/platform/events/log-reader.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { runSql } from '../support/sql.ts'

const SEQUENCER_LOCK = 1
const workspaces = Array.from({ length: 20 }, () => newId())
const [workspaceId = ''] = workspaces
const [subject, run, actor] = [newId(), newId(), newId()]

const { database, db } = openTestDatabase()
beforeAll(async () => {
  await runSql(
    database.url,
    `insert into event_outbox (workspace_id, type, subject_type, subject_id, run_id, actor, origin, occurred_at)
     select ($1::uuid[])[1 + n % 20], 'thing.happened_' || n % 7, 'thing',
            case when n % 1000 = 0 then $2::uuid else gen_random_uuid() end,
            case when n % 1000 = 0 then $3::uuid else gen_random_uuid() end,
            jsonb_build_object('kind', case when n % 1000 = 0 then 'MEMBER' else 'EMPLOYEE' end,
                               'id', case when n % 1000 = 0 then $4::text else gen_random_uuid()::text end),
            jsonb_build_object('requestId', 'request ' || n), now() - (20000 - n) * interval '1 minute'
       from generate_series(1, 20000) n`,
    [workspaces, subject, run, actor],
  )
  for (let n = 0; n < 10; n++) await runSql(database.url, 'select cadre_sequence($1, 0, false)', [SEQUENCER_LOCK])
  await runSql(database.url, 'analyze event_log')
})

/** The statement that reads a page with this filter. */
async function statementOf(filter: EventFilter): Promise<CompiledQuery> {
  const statements: CompiledQuery[] = []
  const collector = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (sql) => new PostgresIntrospector(sql),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    plugins: [new TenantPlugin(workspaceId), new CamelCasePlugin({ maintainNestedObjectKeys: true })],
    log: ({ query }) => {
      statements.push(query)
    },
  })
  const read: Database['read'] = (_workspace, work) => work(collector)
  await readPage({ ...db, read }, { workspaceId, filter, above: 0n, from: 'newest', limit: 26 })
  const [statement] = statements
  if (statement === undefined) throw new Error('nothing was asked')
  return statement
}

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000)

it.each<readonly [string, EventFilter]>([
  ['subject', { subject: { kind: 'thing', id: subject } }],
  ['run', { runId: run }],
  ['one actor', { actorId: actor, actorKind: 'MEMBER' }],
  ['a kind of actor', { actorKind: 'MEMBER' }],
  ['a kind that nobody is', { actorKind: 'SYSTEM' }],
  ['request', { requestId: 'request 1000' }],
  ['a period long ago', { since: ago(15_000), until: ago(14_950) }],
  ['types and a period', { types: ['thing.happened_3'], since: ago(100) }],
  ['one actor within a period', { actorId: actor, actorKind: 'MEMBER', since: ago(10_000) }],
])('a page by %s is read from an index, and little beside what is asked for', async (_by, filter) => {
  const { sql, parameters } = await statementOf(filter)
  const client = await acquireBound(db.app, workspaceId)
  try {
    const explained = await client.query(`explain (analyze, format json) ${sql}`, [...parameters])
    const nodes = planNodes((explained.rows[0] as { 'QUERY PLAN': { Plan: PlanNode }[] })['QUERY PLAN'][0]?.Plan)
    const scans = nodes.filter(({ 'Relation Name': relation }) => relation === 'event_log')
    expect(scans.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([])
    const wasted = scans.map((node) => (node['Rows Removed by Filter'] ?? 0) * (node['Actual Loops'] ?? 1))
    // Of the workspace's 1,000 events.
    expect(Math.max(0, ...wasted)).toBeLessThanOrEqual(200)
  } finally {
    client.release()
  }
})

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Rows Removed by Filter'?: number
  readonly 'Actual Loops'?: number
  readonly Plans?: readonly PlanNode[]
}

const planNodes = (node: PlanNode | undefined): PlanNode[] =>
  node === undefined ? [] : [node, ...(node.Plans ?? []).flatMap(planNodes)]
