import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { CommitUnknown, inTransaction } from '../../src/platform/db/transaction.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { openTestWorkspace } from '../support/open-test-workspace.ts'
import { runSql } from '../support/sql.ts'
import { tapped } from '../support/tapped-pool.ts'

const { database, db, ctx } = openTestWorkspace()

const insertGroup = async (id: string) =>
  db.inTransaction(ctx, (tx) =>
    tx.sql
      .insertInto('handlerGroup')
      .values({ workspaceId: ctx.workspaceId, id, name: 'G', strategy: 'PRINCIPAL' })
      .execute(),
  )
const turnOf = async (id: string) =>
  (
    await db.read(ctx.workspaceId, (q) =>
      q.selectFrom('handlerGroup').select('turn').where('id', '=', id).executeTakeFirst(),
    )
  )?.turn

test('two transactions that lock two rows in opposite order both succeed: the deadlock is tried anew', async () => {
  const [a, b] = [newId(), newId()]
  await insertGroup(a)
  await insertGroup(b)
  let attempts = 0
  const bump = (first: string, second: string, meet: Promise<void>, arrived: () => void) =>
    db.inTransaction(ctx, async (tx) => {
      attempts++
      for (const id of [first, second]) {
        await tx.sql
          .updateTable('handlerGroup')
          .set((eb) => ({ turn: eb('turn', '+', 1) }))
          .where('id', '=', id)
          .execute()
        arrived()
        await meet
      }
    })
  let arrivals = 0
  let open: () => void = () => {}
  const meet = new Promise<void>((resolve) => {
    open = resolve
  })
  const arrived = () => {
    if (++arrivals === 2) open()
  }
  await Promise.all([bump(a, b, meet, arrived), bump(b, a, meet, arrived)])
  expect(attempts).toBeGreaterThan(2)
  expect([await turnOf(a), await turnOf(b)]).toEqual([2, 2])
})

test('a throw rolls back, and what was to happen after the commit does not', async () => {
  const id = newId()
  let rang = false
  const attempt = db.inTransaction(ctx, async (tx) => {
    tx.onCommit(() => {
      rang = true
    })
    await tx.sql
      .insertInto('handlerGroup')
      .values({ workspaceId: ctx.workspaceId, id, name: 'G', strategy: 'PRINCIPAL' })
      .execute()
    throw new Error('no')
  })
  await expect(attempt).rejects.toThrow('no')
  expect(await turnOf(id)).toBeUndefined()
  expect(rang).toBe(false)
})

test('a dry run gives its result and leaves nothing', async () => {
  const id = newId()
  const result = await db.inTransaction(ctx, async (tx) => {
    tx.rollbackAtEnd()
    await tx.sql
      .insertInto('handlerGroup')
      .values({ workspaceId: ctx.workspaceId, id, name: 'G', strategy: 'PRINCIPAL' })
      .execute()
    return 'as if'
  })
  expect(result).toBe('as if')
  expect(await turnOf(id)).toBeUndefined()
})

test('a statement that the database refuses is told in the caller’s words', async () => {
  const id = newId()
  await insertGroup(id)
  await expect(insertGroup(id)).rejects.toMatchObject({ code: 'CONFLICT', details: { reason: 'DUPLICATE' } })
  const nullCharacter = db.inTransaction(ctx, (tx) =>
    tx.sql.updateTable('handlerGroup').set({ name: 'a\u0000b' }).where('id', '=', id).execute(),
  )
  await expect(nullCharacter).rejects.toMatchObject({ code: 'INVALID_INPUT' })
})

test('a connection that breaks in the middle is UNAVAILABLE and the next transaction gets a new one', async () => {
  const broken = db.inTransaction(ctx, async (tx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx.sql)
    await runSql(database.url, 'select pg_terminate_backend($1)', [rows[0]?.pid])
    await tx.sql.selectFrom('member').selectAll().execute()
  })
  await expect(broken).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect(insertGroup(newId())).resolves.toBeDefined()
})

test('a COMMIT whose answer was lost is neither repeated nor called failed', async () => {
  const id = newId()
  let attempts = 0
  // The network is what fails here: the statement reaches PostgreSQL, its answer does not reach us.
  const cut = tapped(db.app, async (query, ...args) => {
    const result = await query(...args)
    if (args[0] === 'COMMIT') throw new Error('Connection terminated unexpectedly')
    return result
  })
  const attempt = inTransaction(cut, ctx, async (tx) => {
    attempts++
    await tx.sql
      .insertInto('handlerGroup')
      .values({ workspaceId: ctx.workspaceId, id, name: 'G', strategy: 'PRINCIPAL' })
      .execute()
  })
  await expect(attempt).rejects.toBeInstanceOf(CommitUnknown)
  expect(attempts).toBe(1)
  expect(await turnOf(id)).toBe(0)
})

test('a statement that failed and was swallowed does not pass for a commit', async () => {
  const swallowed = db.inTransaction(ctx, async (tx) => {
    await sql`select 1 / 0`.execute(tx.sql).catch(() => {})
    return 'done'
  })
  await expect(swallowed).rejects.toThrow(/rolled back/)
})

test('a branch that was not awaited cannot write after the transaction has ended', async () => {
  const id = newId()
  let late: Promise<unknown> = Promise.resolve()
  await db.inTransaction(ctx, async (tx) => {
    late = new Promise((resolve) => setImmediate(resolve))
      .then(() => new Promise((resolve) => setTimeout(resolve, 100)))
      .then(() =>
        tx.sql
          .insertInto('handlerGroup')
          .values({ workspaceId: ctx.workspaceId, id, name: 'G', strategy: 'PRINCIPAL' })
          .execute(),
      )
  })
  await expect(late).rejects.toThrow(/has ended/)
  expect(await turnOf(id)).toBeUndefined()
})

test('what is refused at COMMIT is told in the caller’s words, and known not to have happened', async () => {
  await runSql(
    database.url,
    `create table once (n int unique deferrable initially deferred); grant insert on once to cadre_app`,
  )
  const attempt = db.inTransaction(ctx, async (tx) => {
    await sql`insert into once values (1), (1)`.execute(tx.sql)
  })
  await expect(attempt).rejects.toMatchObject({ code: 'CONFLICT', details: { reason: 'DUPLICATE' } })
  expect(await runSql(database.url, 'select from once')).toEqual([])
})

test('a date is that day’s midnight in UTC, whatever the process’s own zone', async () => {
  const { rows } = await db.system.query(`select date '2025-03-30' as day, 9007199254740993::bigint as large`)
  expect(rows).toEqual([{ day: new Date('2025-03-30T00:00:00.000Z'), large: 9_007_199_254_740_993n }])
})
