import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkPassword, createAccount } from '../../src/domains/accounts/accounts.ts'
import { createAccountMeans } from '../../src/domains/accounts/means.ts'
import { openSession, refresh, revokeSession } from '../../src/domains/accounts/sessions.ts'
import { createMailer } from '../../src/domains/mail/mailer.ts'
import { type AccountMeans, accountMeansOf } from '../../src/platform/auth/account-means.ts'
import { type Authenticator, createAuthenticator } from '../../src/platform/auth/authenticate.ts'
import type { Ctx } from '../../src/platform/context.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { insertWorkspace, systemContext, testLog } from '../support/context.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { runSql } from '../support/sql.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'

const { database, db } = openTestDatabase()
let means: AccountMeans
let ctx: Ctx
let authenticator: Authenticator
let shift = 0
const folder = openTemporaryFolder('cadre-accounts-')
const clock = { ...systemClock, now: () => new Date(Date.now() + shift), monotonicMs: () => performance.now() + shift }

beforeAll(async () => {
  const mailer = createMailer({ folder, defaultFrom: 'cadre@localhost' })
  const publicUrl = () => 'http://cadre.example'
  means = createAccountMeans({ db, clock, log: testLog, mailer, signUp: 'open', publicUrl, tellLinks: false })
  ctx = { ...systemContext(db, newId()), clock, viewer: { kind: 'anonymous' }, accounts: means }
  authenticator = createAuthenticator({ db, clock, log: testLog })
})
afterAll(async () => {
  await means.close()
  rmSync(folder, { recursive: true, force: true })
})

const PASSWORD = 'a long enough password'
let people = 0

/** Tells whether a row was written again. */
const xidOf = async (sessionId: string): Promise<string | undefined> =>
  (await runSql<{ xmin: string }>(database.url, 'select xmin::text from session where id = $1', [sessionId]))[0]?.xmin

async function person(): Promise<{ id: string; email: string }> {
  const email = `person-${++people}@example.com`
  const passwordHash = await means.passwords.hash(PASSWORD)
  const { id } = await db.inAccountTransaction(ctx, (tx) =>
    createAccount(tx, { email, name: 'Grace', passwordHash, emailVerified: false }),
  )
  return { id, email }
}

const open = (accountId: string, kind: 'BROWSER' | 'PROGRAM', workspaceId: string | null = null) =>
  db.inAccountTransaction(ctx, (tx) => openSession(tx, { accountId, kind, workspaceId }))
const change = async (token: string) => {
  const key = await means.refreshKey()
  return await db.inAccountTransaction(ctx, (tx) => refresh(tx, token, key))
}
const tokenOf = async (accountId: string, sessionId: string, workspaceId: string | null = null) =>
  `Bearer ${(await accountMeansOf(ctx).accessTokens.issue({ accountId, sessionId, workspaceId })).token}`

test('a session without a workspace is an account’s, and nobody’s once it is revoked', async () => {
  const { id } = await person()
  const { sessionId } = await open(id, 'PROGRAM')
  const bearer = await tokenOf(id, sessionId)
  const viewer = { kind: 'account', accountId: id, sessionId, name: 'Grace' }
  expect(await authenticator.authenticate(bearer)).toEqual({ viewer, workspaceId: undefined })
  await db.inAccountTransaction(ctx, (tx) => revokeSession(tx, { accountId: id, sessionId, because: 'REVOKED' }))
  await expect(authenticator.authenticate(bearer, { anew: true })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

test('a session in a workspace is a member’s, with what their role holds at that moment', async () => {
  const { id } = await person()
  const workspace = await insertWorkspace(db)
  const { sessionId, secret } = await open(id, 'BROWSER', workspace.id)
  const bearer = await tokenOf(id, sessionId, workspace.id)
  await expect(authenticator.authenticate(bearer)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  expect(await authenticator.authenticateCookie(secret)).toMatchObject({ viewer: { kind: 'account' } })
  await db.inTransaction(systemContext(db, workspace.id), (tx) =>
    tx.sql.updateTable('member').set({ accountId: id, role: 'VIEWER' }).execute(),
  )
  for (const found of [
    await authenticator.authenticate(bearer, { anew: true }),
    await authenticator.authenticateCookie(secret, { anew: true }),
  ]) {
    expect(found).toMatchObject({
      workspaceId: workspace.id,
      viewer: { kind: 'member', memberId: workspace.memberId, accountId: id, sessionId },
    })
    const permissions = found.viewer.kind === 'member' ? found.viewer.permissions : new Set()
    expect([permissions.has('DEALS_READ'), permissions.has('DEALS_WRITE')]).toEqual([true, false])
  }
})

test('a browser’s secret is no bearer token, and a bearer token no cookie', async () => {
  const { id } = await person()
  const browser = await open(id, 'BROWSER')
  const program = await open(id, 'PROGRAM')
  for (const secret of [browser.secret, program.secret]) {
    await expect(authenticator.authenticate(`Bearer ${secret}`)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  }
  await expect(authenticator.authenticateCookie(program.secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  await expect(change(browser.secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

test('20 refreshes with one token at once tell one successor, and only one comes of it', async () => {
  const { id } = await person()
  const { sessionId, secret } = await open(id, 'PROGRAM')
  const answers = await Promise.all(Array.from({ length: 20 }, () => change(secret)))
  const told = new Set(answers.map((answer) => ('refreshToken' in answer ? answer.refreshToken : answer)))
  expect(told.size).toBe(1)
  const tokens = await db.systemSql.selectFrom('refreshToken').selectAll().where('sessionId', '=', sessionId).execute()
  expect(tokens.map(({ usedAt }) => usedAt === null).sort()).toEqual([false, true])
})

test('a token that comes back after its successor was used ends the session, and every token of it', async () => {
  const { id } = await person()
  const { sessionId, secret: first } = await open(id, 'PROGRAM')
  const second = await change(first)
  const third = 'refreshToken' in second ? await change(second.refreshToken) : second
  if (!('refreshToken' in third)) throw new Error('it was changed')
  expect(await change(first)).toEqual({ usedTwice: true, sessionId })
  await expect(change(third.refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  const session = await db.systemSql
    .selectFrom('session')
    .select('revokedBecause')
    .where('id', '=', sessionId)
    .executeTakeFirst()
  expect(session).toEqual({ revokedBecause: 'TOKEN_USED_TWICE' })
})

test('a token that comes back later than ten seconds ends the session, though nobody has used its successor', async () => {
  const { id } = await person()
  const { sessionId, secret } = await open(id, 'PROGRAM')
  await change(secret)
  shift += 10_001
  expect(await change(secret)).toEqual({ usedTwice: true, sessionId })
})

test('a session that nobody used for 30 days is over', async () => {
  const { id } = await person()
  const { secret } = await open(id, 'PROGRAM')
  shift += 30 * 24 * 3_600_000
  await expect(change(secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

test('a browser’s session lives 30 days from its last use, 180 in all, and is written once an hour', async () => {
  const HOUR = 3_600_000
  const { id } = await person()
  const openedAt = Date.now() + shift
  const { sessionId, secret } = await open(id, 'BROWSER')
  const row = () =>
    db.systemSql
      .selectFrom('session')
      .select(['lastUsedAt', 'expiresAt'])
      .where('id', '=', sessionId)
      .executeTakeFirstOrThrow()
  const written = async () => {
    const { lastUsedAt, expiresAt } = await row()
    return [lastUsedAt, expiresAt].map((each) => Math.round((each.getTime() - openedAt) / HOUR))
  }
  /** Several processes, each with what it knows itself. */
  const houses = Array.from({ length: 3 }, () => createAuthenticator({ db, clock, log: testLog }))
  const use = () => Promise.all(houses.map((each) => each.authenticateCookie(secret)))

  await use()
  shift += HOUR - 60_000
  await use()
  expect(await written()).toEqual([0, 720])
  shift += 120_000
  const before = await xidOf(sessionId)
  await use()
  await use()
  await expect.poll(written).toEqual([1, 721])
  const noted = await xidOf(sessionId)
  expect(noted).not.toBe(before)
  shift += 30 * 60_000
  await use()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(await xidOf(sessionId)).toBe(noted)

  for (let day = 25; day < 180; day += 25) {
    shift = openedAt + day * 24 * HOUR - Date.now()
    await use()
    await expect.poll(written).toEqual([day * 24, Math.min(day + 30, 180) * 24])
  }
  shift = openedAt + 180 * 24 * HOUR - Date.now()
  await expect(use()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

test('a browser’s session that nobody used for 30 days is over, and what is revoked is not prolonged', async () => {
  const { id } = await person()
  const [idle, revoked] = [await open(id, 'BROWSER'), await open(id, 'BROWSER')]
  await authenticator.authenticateCookie(revoked.secret)
  await db.inAccountTransaction(ctx, (tx) =>
    revokeSession(tx, { accountId: id, sessionId: revoked.sessionId, because: 'REVOKED' }),
  )
  shift += 30 * 24 * 3_600_000
  for (const { secret } of [idle, revoked]) {
    await expect(authenticator.authenticateCookie(secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  }
})

test('a program’s session is as old as its refreshes: an access token alone does not prolong it', async () => {
  const { id } = await person()
  const { sessionId, secret } = await open(id, 'PROGRAM')
  const openedAt = Date.now() + shift
  const days = async () => {
    const { expiresAt } = await db.systemSql
      .selectFrom('session')
      .select('expiresAt')
      .where('id', '=', sessionId)
      .executeTakeFirstOrThrow()
    return Math.round((expiresAt.getTime() - openedAt) / 86_400_000)
  }
  shift += 2 * 86_400_000
  await authenticator.authenticate(await tokenOf(id, sessionId), { anew: true })
  const used = () =>
    db.systemSql.selectFrom('session').select('lastUsedAt').where('id', '=', sessionId).executeTakeFirstOrThrow()
  await expect.poll(async () => (await used()).lastUsedAt.getTime() - openedAt).toBeGreaterThan(86_400_000)
  expect(await days()).toBe(30)
  let token = secret
  for (let day = 22; day < 180; day += 20) {
    shift = openedAt + day * 86_400_000 - Date.now()
    const refreshed = await change(token)
    if (!('refreshToken' in refreshed)) throw new Error('it was changed')
    token = refreshed.refreshToken
    expect(await days()).toBe(Math.min(day + 30, 180))
  }
  shift = openedAt + 180 * 86_400_000 - Date.now()
  await expect(change(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

test('an access token is good for a quarter of an hour, and says that it has expired', async () => {
  const { id } = await person()
  const { sessionId } = await open(id, 'PROGRAM')
  const bearer = await tokenOf(id, sessionId)
  expect(await authenticator.authenticate(bearer)).toMatchObject({ viewer: { kind: 'account' } })
  shift += 15 * 60_000 + 6_000
  await expect(authenticator.authenticate(bearer)).rejects.toThrow(/expired/)
})

test('whatever is wrong with a log-in, the answer is one and so is the work', async () => {
  const { email } = await person()
  const suspended = await person()
  await db.systemSql.updateTable('account').set({ status: 'SUSPENDED' }).where('id', '=', suspended.id).execute()
  await means.passwords.verify(null, 'warm')
  const wrong = [
    { email, password: 'another password' },
    { email: 'nobody@example.com', password: PASSWORD },
    { email: suspended.email, password: PASSWORD },
  ]
  const told: unknown[] = []
  for (const given of wrong) {
    const before = means.passwords.worked()
    const err = await checkPassword(ctx, given).catch((thrown: Error & { code: string }) => thrown)
    told.push([err instanceof Error && err.message, 'code' in err && err.code, means.passwords.worked() - before])
  }
  expect(new Set(told.map((each) => JSON.stringify(each))).size).toBe(1)
  expect(told[0]).toEqual([expect.any(String), 'UNAUTHENTICATED', 1])
  expect(await checkPassword(ctx, { email: email.toUpperCase(), password: PASSWORD })).toMatchObject({ email })
})

test('after five wrong passwords the right one must wait as well, also when all come at once', async () => {
  const { email } = await person()
  const attempt = (password: string) =>
    checkPassword(ctx, { email, password }).catch((thrown: { code: string; details: object }) => thrown)
  const before = means.passwords.worked()
  const answers = await Promise.all(Array.from({ length: 12 }, () => attempt('wrong, and long enough')))
  const codes = answers.map((answer) => 'code' in answer && answer.code)
  expect(codes.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(5)
  expect(codes.filter((code) => code === 'LIMIT_EXCEEDED')).toHaveLength(7)
  expect(means.passwords.worked() - before).toBe(5)
  expect(await attempt(PASSWORD)).toMatchObject({
    code: 'LIMIT_EXCEEDED',
    details: { retryAfterMs: expect.any(Number) },
  })
})
