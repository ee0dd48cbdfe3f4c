import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../../src/platform/db/database.ts'
import { statement } from '../../src/platform/db/statement.ts'
import type { Tx } from '../../src/platform/db/transaction.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { insertWorkspace, openDatabase, systemContext } from '../support/context.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let database: TestDatabase
let db: Database
let workspaceId: string
let groupId: string

beforeAll(async () => {
  database = await createTestDatabase()
  db = openDatabase(database.url)
  workspaceId = (await insertWorkspace(db)).id
})
afterAll(async () => {
  await db.close()
  await database.drop()
})
beforeEach(async () => {
  groupId = newId()
  await run((tx) =>
    tx.sql.insertInto('handlerGroup').values({ workspaceId, id: groupId, name: 'G', strategy: 'PRINCIPAL' }).execute(),
  )
})

const run = <Result>(work: (tx: Tx) => Promise<Result> | Result): Promise<Result> =>
  db.inTransaction(systemContext(db, workspaceId), work)

const turnOf = async (id: string): Promise<number | undefined> =>
  (await runSql<{ turn: number }>(database.url, 'select turn from handler_group where id = $1', [id]))[0]?.turn

describe('a statement that was prepared before a newer Cadre changed the columns', () => {
  it('is prepared anew in a transaction, whatever connections know it', async () => {
    const seeAll = statement((template, input: { readonly id: string }) =>
      template.selectFrom('handlerGroup').selectAll().where('id', '=', input.id).forUpdate(),
    )
    const look = () => run((tx) => tx.run(seeAll, { id: groupId }))
    await Promise.all(Array.from({ length: 10 }, look))
    await runSql(database.url, 'alter table handler_group add column newer text')
    try {
      expect(await Promise.all(Array.from({ length: 10 }, look))).toHaveLength(10)
    } finally {
      await runSql(database.url, 'alter table handler_group drop column newer')
    }
  })

  it('is prepared anew where it is refused only with COMMIT', async () => {
    const touch = statement((template, input: { readonly id: string }) =>
      template
        .updateTable('handlerGroup')
        .set((eb) => ({ turn: eb('turn', '+', 1) }))
        .where('id', '=', input.id)
        .returningAll(),
    )
    const touchLast = () => run((tx) => tx.write(touch, { id: groupId }))
    await Promise.all(Array.from({ length: 10 }, touchLast))
    await runSql(database.url, 'alter table handler_group add column newer text')
    try {
      await Promise.all(Array.from({ length: 10 }, touchLast))
      expect(await turnOf(groupId)).toBe(20)
    } finally {
      await runSql(database.url, 'alter table handler_group drop column newer')
    }
  })

  it('is prepared anew where it only reads, through Kysely or through Prisma', async () => {
    const names = async () => [
      await db.read(workspaceId, (sql) =>
        sql.selectFrom('handlerGroup').select('name').where('id', '=', groupId).execute(),
      ),
      await db.prisma(workspaceId).handlerGroup.findMany({ where: { id: groupId }, select: { name: true } }),
    ]
    const expected = [[{ name: 'G' }], [{ name: 'G' }]]
    await Promise.all(Array.from({ length: 10 }, names))
    await runSql(database.url, 'alter table handler_group alter column name type varchar(500)')
    try {
      expect(await Promise.all(Array.from({ length: 10 }, names))).toEqual(Array(10).fill(expected))
    } finally {
      await runSql(database.url, 'alter table handler_group alter column name type text')
    }
  })
})
