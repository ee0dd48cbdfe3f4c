import { sql } from 'kysely'
import type pg from 'pg'
import { expect, test } from 'vitest'
import type { Database } from '../../src/platform/db/database.ts'
import { sqlStatement } from '../../src/platform/db/statement.ts'
import { connectionOf, type Tx } from '../../src/platform/db/transaction.ts'
import { appendEvents } from '../../src/platform/events/append.ts'
import { Foretold } from '../../src/platform/foretold.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { openDatabase } from '../support/context.ts'
import { openTestWorkspace } from '../support/open-test-workspace.ts'
import { runSql } from '../support/sql.ts'

const { database, db, ctx } = openTestWorkspace(2)

/** A pipeline with one stage. */
async function makePipeline(tx: Tx, name: string): Promise<string> {
  const id = newId()
  await tx.sql.insertInto('pipeline').values({ workspaceId: tx.workspaceId, id, name }).execute()
  await tx.sql
    .insertInto('stage')
    .values({
      workspaceId: tx.workspaceId,
      id: newId(),
      pipelineId: id,
      name,
      kind: 'OPEN',
      position: 0,
      probability: 0.5,
    })
    .execute()
  return id
}

/** Of the pipelines that others see. */
const names = () =>
  db.read(ctx.workspaceId, async (read) =>
    (await read.selectFrom('pipeline').select('name').orderBy('name').execute()).map(({ name }) => name),
  )

test('what is written can be read in every way until it is ended, by nobody else, and is gone then', async () => {
  const dry = db.dry()
  const id = await dry.inTransaction(ctx, (tx) => makePipeline(tx, 'Held'))
  // Of several levels: Prisma makes a transaction of that, which must not end this one.
  const read = () =>
    dry.prisma(ctx.workspaceId).pipeline.findMany({ include: { stages: { include: { deals: true } } } })
  const expected = [{ id, name: 'Held', stages: [{ name: 'Held', deals: [] }] }]
  expect(await Promise.all([read(), read()])).toMatchObject([expected, expected])
  const byKysely = await dry.read(ctx.workspaceId, (s) => s.selectFrom('pipeline').select('id').execute())
  expect(byKysely).toEqual([{ id }])
  expect(await names()).toEqual([])
  expect(dry.rows).toEqual({
    pipeline: { inserted: 1, updated: 0, deleted: 0 },
    stage: { inserted: 1, updated: 0, deleted: 0 },
  })
  await dry.end(true)
  expect(await names()).toEqual([])
})

test('what reads too late is refused, and reads of nobody’s transaction', async () => {
  const dry = db.dry()
  await dry.inTransaction(ctx, (tx) => makePipeline(tx, 'Late'))
  const client = dry.prisma(ctx.workspaceId)
  await dry.end(false)
  const next = db.dry()
  await next.inTransaction(ctx, (tx) => makePipeline(tx, 'Next'))
  await expect(client.pipeline.findMany()).rejects.toThrow('the transaction has ended')
  await expect(dry.read(ctx.workspaceId, (s) => s.selectFrom('pipeline').selectAll().execute())).rejects.toThrow(
    'the transaction has ended',
  )
  await expect(dry.inTransaction(ctx, () => 1)).rejects.toThrow('a dry run is one transaction')
  await next.end(true)
})

test('it only reads over the connection that is held', async () => {
  const dry = db.dry()
  await dry.inTransaction(ctx, (tx) => makePipeline(tx, 'Reading'))
  await expect(dry.prisma(ctx.workspaceId).pipeline.deleteMany()).rejects.toThrow('only a read')
  await dry.end(true)
  expect(await names()).toEqual([])
})

test('rows are counted with what triggers write, and without what the session wrote before', async () => {
  await runSql(
    database.url,
    `create function again() returns trigger language plpgsql security definer as
       $$ begin update pipeline set name = name || ', again' where id = new.pipeline_id; return null; end $$;
     create trigger again after insert on stage for each row execute function again()`,
  )
  await db.inTransaction(ctx, (tx) => makePipeline(tx, 'Before'))
  const dry = db.dry()
  await dry.inTransaction(ctx, async (tx) => {
    await makePipeline(tx, 'Triggered')
    appendEvents(tx, [{ type: 'deal.created', subject: { kind: 'deal', id: newId() } }])
  })
  expect(dry.rows).toEqual({
    event_outbox: { inserted: 1, updated: 0, deleted: 0 },
    pipeline: { inserted: 1, updated: 1, deleted: 0 },
    stage: { inserted: 1, updated: 0, deleted: 0 },
  })
  await dry.end(true)
  expect(await names()).toEqual(['Before, again'])
  await runSql(database.url, 'drop trigger again on stage; delete from stage; delete from pipeline')
})

const breakRule = sqlStatement<{ readonly id: string }>(
  `INSERT INTO pipeline (workspace_id, id, name) VALUES ($1::uuid, $2::uuid, '')`,
  ['workspaceId', 'id'],
)

test('a write that nobody has waited for fails it as COMMIT would be failed', async () => {
  const work = async (tx: Tx) => {
    const id = await makePipeline(tx, 'Twice')
    tx.write(breakRule, { id })
    return id
  }
  const said = (of: Database) => of.inTransaction(ctx, work).then(String, (err: Error) => `${err.name}: ${err.message}`)
  const dry = db.dry()
  expect(await said(dry)).toBe(await said(db))
  expect(await said(db.dry())).toMatch(/Error/)
  expect(dry.rows).toEqual({})
  await dry.end(true)
})

test('a deadlock is tried anew, and what was foretold before it is forgotten; callbacks of a commit do not run', async () => {
  const foretold = new Foretold()
  const dry = db.dry()
  let attempts = 0
  let committed = 0
  const id = newId()
  await dry.inTransaction({ ...ctx, foretold }, async (tx) => {
    attempts += 1
    tx.onCommit(() => {
      committed += 1
    })
    tx.foretold?.effect({ kind: 'RUN_QUEUED', id })
    if (attempts === 1) await sql`do $$ begin raise sqlstate '40P01'; end $$`.execute(tx.sql)
  })
  await dry.end(true)
  expect({ attempts, committed, effects: foretold.effects }).toEqual({
    attempts: 2,
    committed: 0,
    effects: [{ kind: 'RUN_QUEUED', id }],
  })
})

test('where the server does not count, no number is made up', async () => {
  const uncounted = openDatabase(database.url, 1)
  const client = await uncounted.app.connect()
  const query = client.query.bind(client) as (config: unknown) => unknown
  client.query = ((config: string | pg.QueryConfig) =>
    query(
      typeof config === 'string'
        ? config
        : { ...config, text: config.text.replace(`current_setting('track_counts')`, `'off'`) },
    )) as typeof client.query
  client.release()
  const dry = uncounted.dry()
  await dry.inTransaction(ctx, (tx) => makePipeline(tx, 'Uncounted'))
  expect(dry.rows).toBeUndefined()
  await dry.end(true)
  await uncounted.close()
})

test('connections go back to the pool as they came', async () => {
  const pids = async () => {
    const pid = (tx: Tx) => (connectionOf(tx) as pg.PoolClient & { processID: number }).processID
    return await db.inTransaction(ctx, pid)
  }
  const before = await pids()
  for (let n = 0; n < 5; n++) {
    const dry = db.dry()
    await dry.inTransaction(ctx, (tx) => makePipeline(tx, 'Returned'))
    await dry.end(true)
  }
  expect(db.app.totalCount).toBeLessThanOrEqual(2)
  expect(await pids()).toBe(before)
})
