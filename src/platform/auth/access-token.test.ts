import { SignJWT } from 'jose'
import { beforeEach, expect, test } from 'vitest'
import { openTestDatabase } from '../../../test/support/open-test-database.ts'
import type { Database } from '../db/database.ts'
import { serverSecret } from '../db/server-secret.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { newId } from '../lib/ids.ts'
import { type AccessTokens, createAccessTokens, saysItIsOurs } from './access-token.ts'

const MONTH_MS = 30 * 24 * 3_600_000
const claims = { accountId: newId(), sessionId: newId(), workspaceId: newId() }
const NOT_VALID = { code: 'UNAUTHENTICATED', message: 'This access token is not valid.' }

const { db } = openTestDatabase()
let tokens: AccessTokens
/** Time goes on when a test says so. */
let passedMs = 0
const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + passedMs) }

beforeEach(() => {
  passedMs = 0
  tokens = createAccessTokens({ db, clock })
})

const kidNow = () => String(Math.floor(clock.now().getTime() / MONTH_MS))

/** Signed with the key that this process signs with, whatever it says. */
async function sign(said: Record<string, unknown>, { kid = kidNow(), typ = 'at+jwt' } = {}): Promise<string> {
  const key = Buffer.from(await serverSecret(db, `access-token-${kidNow()}`), 'base64url')
  const now = Math.floor(clock.now().getTime() / 1_000)
  return new SignJWT({ iss: 'cadre', sub: claims.accountId, sid: claims.sessionId, iat: now, exp: now + 60, ...said })
    .setProtectedHeader({ alg: 'HS256', typ, kid })
    .sign(key)
}

test('a token says who asks, with a workspace and without one, to every process on the database', async () => {
  const elsewhere = createAccessTokens({ db, clock })
  for (const said of [claims, { ...claims, workspaceId: null }]) {
    const { token } = await tokens.issue(said)
    expect(await elsewhere.read(token)).toEqual(said)
    expect(saysItIsOurs(token)).toBe(true)
  }
  expect(await tokens.read(await sign({}))).toEqual({ ...claims, workspaceId: null })
})

test('a token of the month before is good while it lasts, and none that names another key', async () => {
  passedMs = MONTH_MS - (Date.now() % MONTH_MS) - 60_000
  const { token } = await tokens.issue(claims)
  passedMs += 120_000
  expect(await tokens.read(token)).toEqual(claims)
  const kid = Number(kidNow())
  for (const other of [String(kid - 2), String(kid + 2), '', 'x', '-1', '1e3', `${kid}.0`]) {
    await expect(tokens.read(await sign({}, { kid: other }))).rejects.toMatchObject(NOT_VALID)
  }
})

test('a token that is signed well and says nonsense is refused, and an old one is told that it is old', async () => {
  for (const said of [
    { sub: 'somebody' },
    { sid: 7 },
    { wid: 'a place' },
    { sid: undefined },
    { exp: undefined },
    { iss: 'another' },
  ]) {
    await expect(tokens.read(await sign(said))).rejects.toMatchObject(NOT_VALID)
  }
  await expect(tokens.read(await sign({}, { typ: 'JWT' }))).rejects.toMatchObject(NOT_VALID)
  const { token } = await tokens.issue(claims)
  passedMs = 15 * 60_000 + 6_000
  await expect(tokens.read(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: /has expired/ })
})

test('while the key cannot be looked up no token is called wrong, and the next look-up is made anew', async () => {
  const { token } = await tokens.issue(claims)
  let away = true
  const sometimes = {
    get systemSql() {
      if (away) throw new Error('the database is away')
      return db.systemSql
    },
  } as Database
  const other = createAccessTokens({ db: sometimes, clock })
  await expect(other.read(token)).rejects.toThrow('the database is away')
  away = false
  expect(await other.read(token)).toEqual(claims)
})
