import { beforeEach, describe, expect, test } from 'vitest'
import { insertWorkspace, systemContext, testLog } from '../../../test/support/context.ts'
import { openTestDatabase } from '../../../test/support/open-test-database.ts'
import { runSql } from '../../../test/support/sql.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { newId } from '../lib/ids.ts'
import { createKey, type NewKey } from './api-key.ts'
import { type Authenticator, createAuthenticator } from './authenticate.ts'
import { PERMISSIONS } from './viewer.ts'

const { database, db } = openTestDatabase()
let house: { readonly id: string; readonly memberId: string }
let authenticator: Authenticator
/** Time goes on when a test says so. */
let passedMs = 0
const start = Date.now()
const clock: Clock = { ...systemClock, now: () => new Date(start + passedMs), monotonicMs: () => 1_000 + passedMs }

beforeEach(async () => {
  passedMs = 0
  house = await insertWorkspace(db)
  authenticator = createAuthenticator({ db, clock, log: testLog })
})

const insertKey = async (more: Record<string, unknown> = {}): Promise<NewKey & { readonly id: string }> => {
  const made = createKey()
  const id = newId()
  await db.inTransaction(systemContext(db, house.id), (tx) =>
    tx.sql
      .insertInto('apiKey')
      .values({
        workspaceId: house.id,
        id,
        memberId: house.memberId,
        name: 'Key',
        prefix: made.prefix,
        keyHash: made.hash,
        permissions: [...PERMISSIONS],
        ...more,
      })
      .execute(),
  )
  return { ...made, id }
}
const held = async ({ plain }: NewKey, anew = false): Promise<string[]> => {
  const { viewer } = await authenticator.authenticate(`Bearer ${plain}`, { anew })
  return viewer.kind === 'apiKey' ? [...viewer.permissions] : []
}
const setRole = (role: string) =>
  runSql(database.url, 'update member set role = $1 where id = $2', [role, house.memberId])

describe('what a key may', () => {
  test('is lowered with its member’s role, two seconds later at the latest, and raised again no higher than the key', async () => {
    const key = await insertKey({ permissions: ['DEALS_READ', 'DEALS_WRITE', 'MEMBERS_WRITE'] })
    expect(await held(key)).toEqual(['DEALS_READ', 'DEALS_WRITE', 'MEMBERS_WRITE'])
    await setRole('VIEWER')
    passedMs = 1_999
    expect(await held(key)).toEqual(['DEALS_READ', 'DEALS_WRITE', 'MEMBERS_WRITE'])
    passedMs = 2_001
    expect(await held(key)).toEqual(['DEALS_READ'])
    await setRole('OWNER')
    expect(await held(key, true)).toEqual(['DEALS_READ', 'DEALS_WRITE', 'MEMBERS_WRITE'])
  })

  test('is asked for anew at once by who wants to know now, and then known to all', async () => {
    const key = await insertKey({ permissions: ['DEALS_READ', 'DEALS_WRITE'] })
    await held(key)
    await setRole('VIEWER')
    expect(await held(key, true)).toEqual(['DEALS_READ'])
    expect(await held(key)).toEqual(['DEALS_READ'])
  })

  test('is nothing while its member’s role is a word that this code does not know', async () => {
    const key = await insertKey({ permissions: [...PERMISSIONS, 'EVERYTHING'] })
    await runSql(database.url, 'alter table member drop constraint member_role')
    await setRole('EMPEROR')
    expect(await held(key)).toEqual([])
    await setRole('OWNER')
    expect(await held(key, true)).toEqual([...PERMISSIONS])
  })
})

describe('a key is refused', () => {
  const refused = (key: NewKey) => expect(authenticator.authenticate(`Bearer ${key.plain}`, { anew: true })).rejects

  test('once its member was removed, whatever stands on the key', async () => {
    const key = await insertKey()
    await held(key)
    await runSql(database.url, 'update member set removed_at = now() where id = $1', [house.memberId])
    await refused(key).toMatchObject({ code: 'UNAUTHENTICATED', message: 'This key is not valid.' })
  })

  test('once the overlap is over in which it was still good beside the one that replaced it', async () => {
    const before = createKey()
    const key = await insertKey({ previousKeyHash: before.hash, previousExpiresAt: new Date(start + 60_000) })
    expect(await held(before)).toEqual(await held(key))
    passedMs = 60_000
    await refused(before).toMatchObject({ code: 'UNAUTHENTICATED', message: 'This key has expired.' })
    expect((await held(key)).length).toBeGreaterThan(0)
  })

  test('when the key itself has expired, though the overlap goes on', async () => {
    const before = createKey()
    const until = { previousKeyHash: before.hash, previousExpiresAt: new Date(start + 60_000) }
    const key = await insertKey({ ...until, expiresAt: new Date(start + 30_000) })
    passedMs = 30_000
    for (const secret of [before, key]) await refused(secret).toMatchObject({ message: 'This key has expired.' })
  })
})
