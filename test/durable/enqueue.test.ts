import { beforeAll, describe, expect, test } from 'vitest'
import { connectDirect } from '../../src/platform/db/connect.ts'
import { enqueueSegment } from '../../src/platform/durable/enqueue.ts'
import { installDurable } from '../../src/platform/durable/install.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { systemContext } from '../support/context.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { runSql } from '../support/sql.ts'
import { count, insertRuns, type RunRef } from './arrange.ts'

const { database, db } = openTestDatabase()
let mine: RunRef
let foreign: RunRef

const enqueue = (run: RunRef, segment = 1, workspaceId = run.workspaceId) =>
  db.inTransaction(systemContext(db, workspaceId), (tx) =>
    enqueueSegment(tx, { runId: run.runId, segment, priority: 'NORMAL' }),
  )
const rowsOf = (run: RunRef) => count(database.url, `dbos.workflow_status WHERE workflow_uuid LIKE '%${run.runId}%'`)

describe('enqueuing a segment', () => {
  beforeAll(async () => {
    const [first, second] = await insertRuns(database.url, 2, 1)
    if (first === undefined || second === undefined) throw new Error('no runs')
    mine = first
    foreign = second
  })

  test('stores the ids under the segment’s own id, in the partition of its workspace', async () => {
    await enqueue(mine)
    const rows = await runSql(
      database.url,
      `SELECT s.workflow_uuid, s.status, s.queue_name, s.queue_partition_key, s.priority, i.inputs::json AS inputs
         FROM dbos.workflow_status s JOIN dbos.workflow_input i USING (workflow_uuid)`,
    )
    expect(rows).toEqual([
      {
        workflow_uuid: `${mine.workspaceId}:${mine.runId}:1`,
        status: 'ENQUEUED',
        queue_name: 'runs',
        queue_partition_key: mine.workspaceId,
        priority: 3,
        inputs: { positionalArgs: [mine.workspaceId, mine.runId, 1], namedArgs: {} },
      },
    ])
  })

  test('does nothing when its transaction rolls back', async () => {
    const [run] = await insertRuns(database.url, 1, 1)
    if (run === undefined) throw new Error('no run')
    const failing = db.inTransaction(systemContext(db, run.workspaceId), async (tx) => {
      enqueueSegment(tx, { runId: run.runId, segment: 1, priority: 'URGENT' })
      throw new Error('on second thought')
    })
    await expect(failing).rejects.toThrow('on second thought')
    expect(await rowsOf(run)).toBe(0)
  })

  test('twice in twenty transactions at once is once', async () => {
    const [run] = await insertRuns(database.url, 1, 1)
    if (run === undefined) throw new Error('no run')
    await Promise.all(Array.from({ length: 20 }, () => enqueue(run)))
    expect(await rowsOf(run)).toBe(1)
  })

  test('of another workspace’s run is refused, and so is one of no run and from no workspace', async () => {
    await expect(enqueue(foreign, 1, mine.workspaceId)).rejects.toThrow('is not of the bound workspace')
    await expect(enqueue({ ...mine, runId: newId() })).rejects.toThrow('is not of the bound workspace')
    const unbound = runSql(database.url, `SET ROLE cadre_app; SELECT cadre_enqueue('${mine.runId}', 1, 'NORMAL')`)
    await expect(unbound).rejects.toThrow('is not of the bound workspace')
    expect(await rowsOf(foreign)).toBe(0)
  })

  test('with a priority or a number that does not exist is refused', async () => {
    const as = (call: string) =>
      runSql(
        database.url,
        `SET ROLE cadre_app; SET app.workspace_id = '${mine.workspaceId}'; SELECT cadre_enqueue('${mine.runId}', ${call})`,
      )
    await expect(as(`2, 'SOON'`)).rejects.toThrow('unknown priority SOON')
    await expect(as(`2, NULL`)).rejects.toThrow('unknown priority')
    await expect(as(`0, 'NORMAL'`)).rejects.toThrow('a segment is a number from 1 on')
  })
})

describe('the queue’s tables', () => {
  test('are out of reach for requests, but for the one function', async () => {
    const asApp = (sql: string) => runSql(database.url, `SET ROLE cadre_app; ${sql}`)
    await expect(asApp('SELECT * FROM dbos.workflow_status')).rejects.toThrow('permission denied for schema dbos')
    await expect(asApp(`SELECT dbos.enqueue_workflow('segment', 'runs')`)).rejects.toThrow(
      'permission denied for schema dbos',
    )
    const others = runSql(database.url, `SET ROLE cadre_search; SELECT cadre_enqueue('${mine.runId}', 1, 'LOW')`)
    await expect(others).rejects.toThrow('permission denied for function cadre_enqueue')
  })

  test('are installed again without a change, and their owner keeps no right to create anything', async () => {
    const client = await connectDirect(database.url)
    const before = await count(database.url, 'dbos.workflow_status')
    await installDurable({ client, url: database.url })
    await client.end()
    expect(await count(database.url, 'dbos.workflow_status')).toBe(before)
    expect(
      await runSql(
        database.url,
        `SELECT has_database_privilege('cadre_system', current_database(), 'CREATE') AS database,
                has_schema_privilege('cadre_system', 'public', 'CREATE') AS public,
                (SELECT pg_get_userbyid(proowner)::text FROM pg_proc WHERE proname = 'cadre_enqueue') AS owner,
                (SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'dbos') AS schema_owner,
                (SELECT count(*)::int FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                  WHERE nspname = 'dbos' AND relkind = 'r' AND relowner <> 'cadre_system'::regrole) AS foreign_tables`,
      ),
    ).toEqual([
      { database: false, public: false, owner: 'cadre_system', schema_owner: 'cadre_system', foreign_tables: 0 },
    ])
  })
})
