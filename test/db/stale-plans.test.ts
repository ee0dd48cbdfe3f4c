import { beforeEach, describe, expect, it } from 'vitest'
import { statement } from '../../src/platform/db/statement.ts'
import type { Tx } from '../../src/platform/db/transaction.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { openTestWorkspace } from '../support/open-test-workspace.ts'
import { runSql } from '../support/sql.ts'

const { database, db, ctx } = openTestWorkspace()
let groupId: string

beforeEach(async () => {
  groupId = newId()
  await run((tx) =>
    tx.sql
      .insertInto('handlerGroup')
      .values({ workspaceId: ctx.workspaceId, id: groupId, name: 'G', strategy: 'PRINCIPAL' })
      .execute(),
  )
})

const run = <Result>(work: (tx: Tx) => Promise<Result> | Result): Promise<Result> => db.inTransaction(ctx, work)

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
      await db.read(ctx.workspaceId, (sql) =>
        sql.selectFrom('handlerGroup').select('name').where('id', '=', groupId).execute(),
      ),
      await db.prisma(ctx.workspaceId).handlerGroup.findMany({ where: { id: groupId }, select: { name: true } }),
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
