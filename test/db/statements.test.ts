import { sql } from 'kysely'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Given, sqlStatement, statement } from '../../src/platform/db/statement.ts'
import { inTransaction, type Tx } from '../../src/platform/db/transaction.ts'
import { appendEvents, lastEventOf } from '../../src/platform/events/append.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { insertWorkspace, systemContext } from '../support/context.ts'
import { openTestWorkspace } from '../support/open-test-workspace.ts'
import { runSql } from '../support/sql.ts'
import { tapped } from '../support/tapped-pool.ts'

const { database, db, ctx } = openTestWorkspace()
let groupId: string

beforeEach(async () => {
  groupId = newId()
  await run((tx) => tx.write(insertGroup, { id: groupId, strategy: 'PRINCIPAL' }))
})

const run = <Result>(work: (tx: Tx) => Promise<Result> | Result): Promise<Result> => db.inTransaction(ctx, work)

const insertGroup = statement((template, input: Given & { readonly id: string; readonly strategy: string }) =>
  template
    .insertInto('handlerGroup')
    .values({ workspaceId: input.workspaceId, id: input.id, name: 'G', strategy: input.strategy }),
)
const addToTurn = statement((template, input: { readonly id: string; readonly by: number }) =>
  template
    .updateTable('handlerGroup')
    .set((eb) => ({ turn: eb('turn', '+', input.by) }))
    .where('id', '=', input.id)
    .returning(['id', 'createdAt', 'turn']),
)
const timesTen = statement((template, input: { readonly id: string }) =>
  template
    .updateTable('handlerGroup')
    .set((eb) => ({ turn: eb('turn', '*', 10) }))
    .where('id', '=', input.id),
)

const turnOf = async (id: string): Promise<number | undefined> =>
  (await runSql<{ turn: number }>(database.url, 'select turn from handler_group where id = $1', [id]))[0]?.turn
const eventTypes = async (subjectId: string): Promise<string[]> =>
  (
    await runSql<{ type: string }>(database.url, 'select type from event_outbox where subject_id = $1 order by id', [
      subjectId,
    ])
  ).map(({ type }) => type)
const happened = (type: string) => ({ type, subject: { kind: 'thing', id: groupId } })

describe('a prepared statement', () => {
  it('is bound to its input anew each time, and answers with names as TypeScript writes them', async () => {
    expect(await run((tx) => tx.run(addToTurn, { id: groupId, by: 2 }))).toMatchObject([{ id: groupId, turn: 2 }])
    const [row] = await run((tx) => tx.run(addToTurn, { id: groupId, by: 3 }))
    expect(row).toMatchObject({ turn: 5, createdAt: expect.any(Date) })
  })

  it('names the workspace by itself: another’s row is not found, with policies or without', async () => {
    const other = (await insertWorkspace(db, 'Other')).id
    expect(await db.inTransaction(systemContext(db, other), (tx) => tx.run(addToTurn, { id: groupId, by: 1 }))).toEqual(
      [],
    )
    const { text, values } = addToTurn.bind({ id: groupId, by: 1, workspaceId: other, now: new Date() })
    expect(await runSql(database.url, text, [...values])).toEqual([])
    const input = { id: groupId, by: 1, workspaceId: ctx.workspaceId }
    expect(await db.inTransaction(systemContext(db, other), (tx) => tx.run(addToTurn, input))).toEqual([])
    expect(await turnOf(groupId)).toBe(0)
  })
})

describe('what a transaction sends', () => {
  it('is done in the order of the calls, whether it is awaited or not', async () => {
    await run(async (tx) => {
      tx.write(addToTurn, { id: groupId, by: 1 })
      tx.write(timesTen, { id: groupId })
      await tx.run(addToTurn, { id: groupId, by: 2 })
      await tx.sql
        .updateTable('handlerGroup')
        .set((eb) => ({ turn: eb('turn', '*', 10) }))
        .where('id', '=', groupId)
        .execute()
      tx.write(addToTurn, { id: groupId, by: 3 })
    })
    expect(await turnOf(groupId)).toBe(123)
  })

  it('fails with the error of the write that nobody awaited, and leaves nothing behind', async () => {
    const attempt = run((tx) => {
      tx.write(addToTurn, { id: groupId, by: 1 })
      tx.write(insertGroup, { id: groupId, strategy: 'PRINCIPAL' })
    })
    await expect(attempt).rejects.toMatchObject({ code: 'CONFLICT', details: { reason: 'DUPLICATE' } })
    const later = run(async (tx) => {
      tx.write(insertGroup, { id: newId(), strategy: 'NONSENSE' })
      await tx.run(addToTurn, { id: groupId, by: 1 })
    })
    await expect(later).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    const asIf = run((tx) => {
      tx.rollbackAtEnd()
      tx.write(insertGroup, { id: groupId, strategy: 'PRINCIPAL' })
    })
    await expect(asIf).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await turnOf(groupId)).toBe(0)
  })

  it('fails with the error of the statement that was refused, not with that of the writes behind it', async () => {
    let attempts = 0
    const raise = sqlStatement<{ readonly code: string }>('SELECT cadre_test_raise($1)', ['code'])
    await runSql(
      database.url,
      `create or replace function cadre_test_raise(code text) returns void language plpgsql as $$
       begin raise exception 'refused' using errcode = code; end $$`,
    )
    const result = await run(async (tx) => {
      attempts += 1
      if (attempts > 1) return 'done'
      const refused = tx.run(raise, { code: '40001' })
      tx.write(addToTurn, { id: groupId, by: 1 })
      await refused
      return 'never'
    })
    expect([result, attempts]).toEqual(['done', 2])
  })
})

describe('a transaction whose BEGIN fails', () => {
  it('does nothing of what was sent right behind it', async () => {
    const refusesBegin = tapped(db.app, (query, ...args) =>
      String(args[0]).startsWith('BEGIN') ? Promise.reject(new Error('cancelled')) : query(...args),
    )
    const attempt = inTransaction(refusesBegin, ctx, async (tx) => {
      tx.write(addToTurn, { id: groupId, by: 1 })
      await tx.run(addToTurn, { id: groupId, by: 1 })
    })
    await expect(attempt).rejects.toThrow('cancelled')
    expect(await turnOf(groupId)).toBe(0)
  })
})

describe('what is sent when the transaction has ended', () => {
  it('is refused: a statement, an event, a savepoint', async () => {
    let ended: Tx | undefined
    await run((tx) => {
      ended = tx
      appendEvents(tx, [happened('a.done')])
    })
    const tx = ended as Tx
    expect(() => tx.write(addToTurn, { id: groupId, by: 1 })).toThrow(/has ended/)
    await expect(tx.run(addToTurn, { id: groupId, by: 1 })).rejects.toThrow(/has ended/)
    expect(() => appendEvents(tx, [happened('b.done')])).toThrow(/has ended/)
    await expect(tx.savepoint(async () => {})).rejects.toThrow(/has ended/)
    expect(await turnOf(groupId)).toBe(0)
  })
})

describe('the events of a transaction', () => {
  it('are written when it ends, in order; asked for the last one’s id, at once', async () => {
    const id = await run(async (tx) => {
      appendEvents(tx, [happened('a.done'), happened('b.done')])
      const id = await lastEventOf(tx)
      appendEvents(tx, [happened('c.done')])
      return id
    })
    expect(await eventTypes(groupId)).toEqual(['a.done', 'b.done', 'c.done'])
    const [row] = await runSql<{ type: string }>(database.url, 'select type from event_outbox where id = $1', [id])
    expect(row?.type).toBe('b.done')
  })

  it('are those of every view of it: one who acts for another appends to the same list', async () => {
    const last = await run(async (tx) => {
      appendEvents(tx, [happened('a.done')])
      const employee: Tx = { ...tx, viewer: { kind: 'employee', employeeId: newId(), name: 'Iris', runId: newId() } }
      appendEvents(employee, [happened('b.done')])
      return lastEventOf(tx)
    })
    const rows = await runSql<{ id: string; actor: { kind: string } }>(
      database.url,
      'select id::text, actor from event_outbox where subject_id = $1 order by id',
      [groupId],
    )
    expect(rows.map(({ actor }) => actor.kind)).toEqual(['SYSTEM', 'EMPLOYEE'])
    expect(String(last)).toBe(rows[1]?.id)
  })
})

describe('a savepoint', () => {
  it('that is rolled back takes its writes and its events with it, and no others', async () => {
    await run(async (tx) => {
      tx.write(addToTurn, { id: groupId, by: 1 })
      appendEvents(tx, [happened('before.done')])
      const inside = tx.savepoint(async () => {
        tx.write(addToTurn, { id: groupId, by: 10 })
        appendEvents(tx, [happened('inside.done')])
        throw new Error('the tool failed')
      })
      await expect(inside).rejects.toThrow('the tool failed')
      appendEvents(tx, [happened('after.done')])
    })
    expect(await turnOf(groupId)).toBe(1)
    expect(await eventTypes(groupId)).toEqual(['before.done', 'after.done'])
  })

  it('within another is rolled back with it', async () => {
    await run(async (tx) => {
      const outer = tx.savepoint(async () => {
        tx.write(addToTurn, { id: groupId, by: 100 })
        appendEvents(tx, [happened('outer.done')])
        await expect(
          tx.savepoint(async () => {
            appendEvents(tx, [happened('inner.done')])
            await lastEventOf(tx)
            throw new Error('inner')
          }),
        ).rejects.toThrow('inner')
        throw new Error('outer')
      })
      await expect(outer).rejects.toThrow('outer')
      expect(await lastEventOf(tx)).toBeNull()
    })
    expect(await turnOf(groupId)).toBe(0)
    expect(await eventTypes(groupId)).toEqual([])
  })

  it('fails with the error of a write in it that nobody awaited; the transaction goes on', async () => {
    await run(async (tx) => {
      const inside = tx.savepoint(async () => tx.write(insertGroup, { id: groupId, strategy: 'PRINCIPAL' }))
      await expect(inside).rejects.toMatchObject({ code: '23505' })
      await tx.savepoint(async () => tx.write(addToTurn, { id: groupId, by: 4 }))
    })
    expect(await turnOf(groupId)).toBe(4)
  })

  it('in which the connection is lost says that the database is away, not that the savepoint is', async () => {
    const lost = run((tx) =>
      tx.savepoint(async () => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx.sql)
        await runSql(database.url, 'select pg_terminate_backend($1)', [rows[0]?.pid])
        await tx.run(addToTurn, { id: groupId, by: 1 })
      }),
    )
    await expect(lost).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await turnOf(groupId)).toBe(0)
  })
})

describe('a transaction whose verb swallowed a failure', () => {
  it('fails all the same when a write had failed, with that write’s error', async () => {
    const swallowed = run(async (tx) => {
      tx.write(insertGroup, { id: groupId, strategy: 'PRINCIPAL' })
      await tx.run(addToTurn, { id: groupId, by: 1 }).catch(() => {})
      return 'done'
    })
    await expect(swallowed).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await turnOf(groupId)).toBe(0)
  })

  it('is told so by the next statement', async () => {
    const goesOn = run(async (tx) => {
      await sql`select 1 / 0`.execute(tx.sql).catch(() => {})
      await tx.run(addToTurn, { id: groupId, by: 1 })
    })
    await expect(goesOn).rejects.toThrow(/current transaction is aborted/)
    expect(await turnOf(groupId)).toBe(0)
  })
})

describe('the statements of a transaction', () => {
  it('that are too long to be kept are sent unprepared and answer alike', async () => {
    const comment = `/* ${'long '.repeat(2_000)} */`
    const long = sqlStatement<{ readonly n: number }, { n: number }>(`select $1::int as n ${comment}`, ['n'])
    const found = await run(async (tx) => {
      const [bySql] = (await sql<{ n: number }>`select 2 as n ${sql.raw(comment)}`.execute(tx.sql)).rows
      const [byRun] = await tx.run(long, { n: 1 })
      const kept = sql<{
        n: number
      }>`select count(*)::int as n from pg_prepared_statements where statement like '%long long%'
                                         and statement not like '%pg_prepared_statements%'`
      return [byRun?.n, bySql?.n, (await kept.execute(tx.sql)).rows[0]?.n]
    })
    expect(found).toEqual([1, 2, 0])
    expect((await db.system.query(`select $1::int as n ${comment}`, [3])).rows).toEqual([{ n: 3 }])
  })

  it('cannot begin another transaction in it, nor stream, and one that counts no rows changed none', async () => {
    await run(async (tx) => {
      await expect(tx.sql.transaction().execute(async () => {})).rejects.toThrow('the transaction has begun already')
      const streaming = tx.sql.selectFrom('handlerGroup').selectAll().stream()[Symbol.asyncIterator]()
      await expect(streaming.next()).rejects.toThrow('streaming is not offered inside a transaction')
      expect((await sql`set local application_name = 'x'`.execute(tx.sql)).numAffectedRows).toBe(0n)
      tx.write(addToTurn, { id: groupId, by: 1 })
    })
    expect(await turnOf(groupId)).toBe(1)
  })

  it('that no event came of leave the log alone, and one event too large for it takes all back', async () => {
    await run((tx) => appendEvents(tx, []))
    const tooLarge = run((tx) => {
      tx.write(addToTurn, { id: groupId, by: 1 })
      appendEvents(tx, [{ ...happened('a.done'), data: { text: 'x'.repeat(32 * 1024) } }])
    })
    await expect(tooLarge).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: { issues: [{ code: 'TOO_LARGE' }] },
    })
    expect(await turnOf(groupId)).toBe(0)
    expect(await eventTypes(groupId)).toEqual([])
  })

  it('know from a visitor and from a cause what the log may say of them', async () => {
    await run((tx) => {
      const origin = { requestId: 'r', ip: '192.0.2.1' } as Tx['origin']
      appendEvents({ ...tx, viewer: { kind: 'anonymous' }, origin }, [happened('a.done')])
      appendEvents({ ...tx, origin, cause: { outboxId: 7n, depth: 3 } }, [happened('b.done')])
    })
    const rows = await runSql(
      database.url,
      'select origin, cause_id::text, depth from event_outbox where subject_id = $1 order by id',
      [groupId],
    )
    expect(rows).toEqual([
      { origin: { requestId: 'r' }, cause_id: null, depth: 0 },
      { origin: { requestId: 'r', ip: '192.0.2.1' }, cause_id: '7', depth: 3 },
    ])
  })
})
