import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { systemContext } from '../../../test/support/context.ts'
import { openTestDatabase } from '../../../test/support/open-test-database.ts'
import { runSql } from '../../../test/support/sql.ts'
import { hashKey, looksLikeKey } from '../../platform/auth/api-key.ts'
import type { Ctx } from '../../platform/context.ts'
import { newId } from '../../platform/lib/ids.ts'
import { issueApiKeyInput } from '../keys/model.ts'
import { issueApiKey } from '../keys/service.ts'
import { createWorkspaceInput } from './model.ts'
import { addMember, createWorkspace, findWorkspaceBySlug } from './service.ts'

const { database, db } = openTestDatabase()

const acme = { slug: 'acme', name: 'Acme', timeZone: 'Europe/Berlin', currency: 'EUR', dailyBudgetMicros: 1_000_000n }
const found = (ctx: Ctx, slug: string) =>
  db.inTransaction(ctx, (tx) => createWorkspace(tx, createWorkspaceInput.parse({ ...acme, slug })))

test('a workspace is found by its slug once it is there, and only then', async () => {
  const ctx = systemContext(db, newId())
  expect(await findWorkspaceBySlug(db.systemSql, 'acme')).toBeNull()
  await found(ctx, 'acme')
  const known = {
    id: ctx.workspaceId,
    slug: 'acme',
    name: 'Acme',
    timeZone: 'Europe/Berlin',
    currency: 'EUR',
    allowedOrigins: [],
  }
  expect(await findWorkspaceBySlug(db.systemSql, 'acme')).toEqual(known)
  expect(await findWorkspaceBySlug(db.systemSql, 'acme')).toEqual(known)
})

test('a workspace that is suspended is not found by its slug', async () => {
  const ctx = systemContext(db, newId())
  await found(ctx, 'suspended')
  await runSql(database.url, `update workspace set status = 'SUSPENDED' where slug = 'suspended'`)
  expect(await findWorkspaceBySlug(db.systemSql, 'suspended')).toBeNull()
})

test('guessing slugs costs the database one question per slug, and none for what can be no slug', async () => {
  const asked = vi.spyOn(pg.Client.prototype, 'query')
  try {
    for (const slug of ['guessed', 'guessed', 'Not A Slug', '\0', 'x'.repeat(64)]) {
      expect(await findWorkspaceBySlug(db.systemSql, slug)).toBeNull()
    }
    expect(asked).toHaveBeenCalledTimes(1)
  } finally {
    asked.mockRestore()
  }
})

test('a slug that is taken is a conflict', async () => {
  await found(systemContext(db, newId()), 'taken')
  await expect(found(systemContext(db, newId()), 'taken')).rejects.toMatchObject({
    code: 'CONFLICT',
    details: { reason: 'DUPLICATE' },
  })
})

test.each([
  [{ slug: 'Not A Slug' }, 'slug'],
  [{ slug: 'a--b' }, 'slug'],
  [{ timeZone: 'Mars/Olympus' }, 'timeZone'],
  [{ currency: 'EURO' }, 'currency'],
  [{ dailyBudgetMicros: -1n }, 'dailyBudgetMicros'],
])('%o is refused and the field is named', (input, field) =>
  expect(
    createWorkspaceInput.safeParse({ ...acme, ...input }).error?.issues.map((issue) => issue.path.join('.')),
  ).toEqual([field]),
)

test('a key is told once; what is stored is its hash and enough to recognise it by', async () => {
  const ctx = systemContext(db, newId())
  await found(ctx, 'keys')
  const { key, id } = await db.inTransaction(ctx, async (tx) => {
    const member = await addMember(tx, { name: 'Ada', email: 'Ada@Example.com', role: 'OWNER' })
    const input = {
      memberId: member.id,
      name: 'Demo',
      permissions: ['DEALS_READ'],
      environment: 'LIVE',
      expiresAt: null,
    }
    return await issueApiKey(tx, issueApiKeyInput.parse(input))
  })
  expect(looksLikeKey(key) && key.startsWith('cadre_live_')).toBe(true)
  const row = await db.read(ctx.workspaceId, (sql) =>
    sql.selectFrom('apiKey').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
  )
  expect(row).toMatchObject({
    keyHash: hashKey(key),
    prefix: key.slice(0, 15),
    permissions: ['DEALS_READ'],
  })
  expect(Object.values(row).map(String).join(' ')).not.toContain(key)
})

test('only the server itself makes workspaces, members and keys', async () => {
  const ctx: Ctx = {
    ...systemContext(db, newId()),
    viewer: { kind: 'employee', employeeId: newId(), name: 'Iris', runId: newId() },
  }
  await expect(found(ctx, 'mine')).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await expect(
    db.inTransaction(ctx, (tx) => addMember(tx, { name: 'Eve', email: 'eve@example.com', role: 'OWNER' })),
  ).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect(await findWorkspaceBySlug(db.systemSql, 'mine')).toBeNull()
})

test('two members of a workspace do not share an e-mail address, however it is spelled', async () => {
  const ctx = systemContext(db, newId())
  await found(ctx, 'members')
  const add = (email: string) => db.inTransaction(ctx, (tx) => addMember(tx, { name: 'Ada', email, role: 'MEMBER' }))
  await add('ada@example.com')
  await expect(add('ADA@example.com')).rejects.toMatchObject({ code: 'CONFLICT' })
  await expect(add('ada')).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { issues: [{ path: ['email'] }] } })
})
