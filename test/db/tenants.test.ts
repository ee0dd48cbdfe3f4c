import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { acquireBound } from '../../src/platform/db/tenant-connections.ts'
import { insertWorkspace, openDatabase, systemContext } from '../support/context.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase } from '../support/test-database.ts'

const { database, db } = openTestDatabase(4)
const tenants: { id: string; memberId: string }[] = []

beforeAll(async () => {
  for (let n = 0; n < 5; n++) tenants.push(await insertWorkspace(db, `Tenant ${n}`))
})

const tenantTables = async () =>
  (
    await runSql<{ name: string }>(
      database.url,
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind = 'r' and c.relname <> '_prisma_migrations' order by 1`,
    )
  ).map(({ name }) => name)

test('every table has row-level security enabled, and none forces it on its owner', async () => {
  const rows = await runSql<{ name: string; enabled: boolean; forced: boolean }>(
    database.url,
    `select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind = 'r' and c.relname <> '_prisma_migrations'`,
  )
  expect(rows.length).toBeGreaterThan(20)
  expect(rows.filter(({ enabled, forced }) => !enabled || forced)).toEqual([])
})

test('as cadre_app with no workspace bound there are no rows, in every table', async () => {
  const client = await db.app.connect()
  try {
    expect((await client.query('select current_user')).rows).toEqual([{ current_user: 'cadre_app' }])
    await client.query(`select set_config('app.workspace_id', '', false)`)
    for (const table of await tenantTables()) {
      const allowed = await client.query<{ may: boolean }>(`select has_table_privilege($1, 'select') as may`, [table])
      if (allowed.rows[0]?.may !== true) continue
      expect({ table, rows: (await client.query(`select from "${table}"`)).rowCount }).toEqual({ table, rows: 0 })
    }
  } finally {
    client.release(true)
  }
})

test('a cross join sees the workspace’s rows only, of either table', async () => {
  const [tenant] = tenants
  if (tenant === undefined) throw new Error('there are tenants')
  const rows = await db.read(tenant.id, (q) =>
    q.selectFrom('workspace').crossJoin('member').select(['workspace.id', 'member.id as memberId']).execute(),
  )
  expect(rows).toEqual([{ id: tenant.id, memberId: tenant.memberId }])
})

test('no connection is bound to what is no workspace', async () => {
  const idle = db.app.totalCount
  for (const id of ['', 'x', `${tenants[0]?.id}'`]) {
    await expect(acquireBound(db.app, id)).rejects.toThrow(/only be bound to a workspace id/)
  }
  expect(db.app.totalCount).toBe(idle)
})

test('an idle connection that is bound to the workspace is lent to it again, whoever came between', async () => {
  const own = openDatabase(database.url, 4)
  try {
    const ids = tenants.slice(0, 4).map(({ id }) => id)
    const lent = await Promise.all(ids.map((id) => acquireBound(own.app, id)))
    const at = new Map(ids.map((id, index) => [id, lent[index]]))
    for (const client of lent) client.release()
    for (const order of [ids, [...ids].reverse(), ids.slice(1), ids.slice(0, 2)]) {
      // In one tick, and one after the other.
      const together = await Promise.all(order.map((id) => acquireBound(own.app, id)))
      expect(together.map((client, index) => client === at.get(order[index] ?? ''))).toEqual(order.map(() => true))
      for (const client of together) client.release()
      for (const id of order) {
        const client = await acquireBound(own.app, id)
        expect(client).toBe(at.get(id))
        client.release()
      }
    }
  } finally {
    await own.close()
  }
})

test('a connection that cannot be bound is thrown away: nobody gets it under the tenant before', async () => {
  const own = await createTestDatabase()
  const others = openDatabase(own.url, 1)
  try {
    const first = await acquireBound(others.app, tenants[0]?.id ?? '')
    first.release()
    // In this database binding fails; what was bound before stays so.
    await runSql(
      own.url,
      `create function public.set_config(text, text, boolean) returns text language plpgsql
         as $$ begin raise exception 'not now'; end $$`,
    )
    const session = await acquireBound(others.app, tenants[0]?.id ?? '')
    await session.query('set search_path = public, pg_catalog')
    session.release()
    const client = others.prisma(tenants[1]?.id ?? '')
    await expect(client.member.findMany()).rejects.toThrow(/not now/)
    await expect(acquireBound(others.app, tenants[1]?.id ?? '').then((c) => c.release())).resolves.toBeUndefined()
  } finally {
    await others.close()
    await own.drop()
  }
})

test('a statement without any predicate sees the bound workspace only', async () => {
  for (const { id } of tenants) {
    const client = await acquireBound(db.app, id)
    const { rows } = await client.query('select workspace_id from member')
    client.release()
    expect(rows).toEqual([{ workspace_id: id }])
  }
})

test('the predicate alone, without row-level security, keeps workspaces apart', async () => {
  const copy = await createTestDatabase()
  const bare = openDatabase(copy.url, 2)
  try {
    const [first, second] = [await insertWorkspace(bare), await insertWorkspace(bare)]
    await runSql(
      copy.url,
      'alter table member disable row level security; alter table workspace disable row level security',
    )
    const seen = await bare.read(first.id, (query) =>
      query
        .selectFrom('member')
        .innerJoin('workspace', 'workspace.id', 'member.workspaceId')
        .select(['member.id', 'workspace.id as workspaceId'])
        .execute(),
    )
    expect(seen).toEqual([{ id: first.memberId, workspaceId: first.id }])
    await bare.inTransaction(systemContext(bare, first.id), async (tx) => {
      const changed = await tx.sql.updateTable('member').set({ name: 'Changed' }).executeTakeFirst()
      expect(changed.numUpdatedRows).toBe(1n)
      const inSubquery = await tx.sql
        .selectFrom('member')
        .select((eb) => eb.selectFrom('member as other').select(eb.fn.countAll().as('n')).as('n'))
        .executeTakeFirstOrThrow()
      expect(Number(inSubquery.n)).toBe(1)
    })
    expect(await bare.prisma(first.id).member.findMany({ select: { id: true } })).toEqual([{ id: first.memberId }])
    expect(await bare.prisma(first.id).workspace.findUnique({ where: { id: second.id } })).toBeNull()
  } finally {
    await bare.close()
    await copy.drop()
  }
})

test('100 executions of 5 workspaces started in one tick each see their own rows and never another’s', async () => {
  for (let round = 0; round < 10; round++) {
    const results = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const tenant = tenants[n % tenants.length]
        if (tenant === undefined) throw new Error('no tenant')
        const prisma = db.prisma(tenant.id)
        const [unique, foreign, many] = await Promise.all([
          prisma.member.findUnique({ where: { workspaceId_id: { workspaceId: tenant.id, id: tenant.memberId } } }),
          prisma.member.findUnique({
            where: {
              workspaceId_id: { workspaceId: tenant.id, id: tenants[(n + 1) % tenants.length]?.memberId ?? '' },
            },
          }),
          prisma.member.findMany({ include: { workspace: true } }),
        ])
        return (
          unique?.workspaceId === tenant.id &&
          foreign === null &&
          many.length === 1 &&
          many[0]?.workspace.id === tenant.id
        )
      }),
    )
    expect(results.filter((ok) => !ok)).toEqual([])
  }
})

test('a row cannot be written into another workspace', async () => {
  const [mine, other] = tenants
  if (mine === undefined || other === undefined) throw new Error('no tenants')
  const write = db.inTransaction(systemContext(db, mine.id), (tx) =>
    tx.sql
      .insertInto('handlerGroup')
      .values({ workspaceId: other.id, id: mine.id, name: 'Smuggled', strategy: 'PRINCIPAL' })
      .execute(),
  )
  await expect(write).rejects.toThrow(/row-level security/)
})

test('after a transaction that rolled back, the connection is still bound to its own workspace', async () => {
  const [first, second] = tenants
  if (first === undefined || second === undefined) throw new Error('no tenants')
  const narrow = openDatabase(database.url, 1)
  try {
    await narrow.read(first.id, (query) => query.selectFrom('member').selectAll().execute())
    await expect(
      narrow.inTransaction(systemContext(narrow, second.id), async () => {
        throw new Error('rolled back')
      }),
    ).rejects.toThrow('rolled back')
    // Without the plugin's predicate: only the binding decides.
    const bound = await acquireBound(narrow.app, second.id)
    const { rows } = await bound.query('select workspace_id from member')
    bound.release()
    expect(rows).toEqual([{ workspace_id: second.id }])
  } finally {
    await narrow.close()
  }
})

test('the log and the outbox cannot be changed by a request', async () => {
  const tenant = tenants[0]
  if (tenant === undefined) throw new Error('no tenant')
  for (const statement of ['delete from event_log', 'update event_log set data = data', 'delete from event_outbox']) {
    const attempt = db.inTransaction(systemContext(db, tenant.id), (tx) => sql.raw(statement).execute(tx.sql))
    await expect(attempt).rejects.toThrow(/permission denied/)
  }
})
