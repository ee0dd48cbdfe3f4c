import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { shownUrl } from '../../src/platform/http/shown-url.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { mailsTo, mailTo } from '../support/mail-folder.ts'
import { runSql } from '../support/sql.ts'
import { caller, PASSWORD, sessionOf, signedUp } from './people.ts'
import { standingHouse } from './standing-house.ts'

const house = standingHouse()
let addresses = 0
const newAddress = () => `New-${++addresses}@people.example`

type Person = Awaited<ReturnType<typeof signedUp>>

const mailWith = (part: string, address: string) => mailTo(house.mailFolder, address, part)

const ask = (person: Pick<Person, 'mutate'>, email: string, currentPassword = PASSWORD) =>
  person.mutate('requestEmailChange', { email, currentPassword })
const confirm = (token: string, as: Pick<Person, 'mutate'> = caller(house)) =>
  as.mutate('confirmEmailChange', { token })
const tokenTo = async (email: string): Promise<string> =>
  /confirm-email\?token=(\S+)/.exec(await mailWith('confirm-email', email))?.[1] ?? ''

/** A link that was asked for and mailed. */
async function linked(person: Pick<Person, 'mutate'>, email: string): Promise<string> {
  expect(await ask(person, email)).toMatchObject({ accepted: true })
  return await tokenTo(email)
}

const emailOf = async (as: Pick<Person, 'query'>) =>
  ((await as.query('{ viewer { account { email emailVerified } } }')).viewer as { account: object }).account
const works = (as: Pick<Person, 'query'>) =>
  as.query('{ viewer { permissions } }').then(
    () => true,
    () => false,
  )
const logIn = (email: string) => caller(house).mutate('logIn', { email, password: PASSWORD })
const over = { issues: [{ field: 'token', code: 'UNKNOWN_REFERENCE' }] }

describe('an e-mail address', () => {
  test('is changed by the link that was mailed to the new one, once; the old one is told and other sessions end', async () => {
    const grace = await signedUp(house, 'Moving')
    const other = sessionOf(await logIn(grace.email))
    const email = newAddress()
    const token = await linked(grace, email)
    expect(await mailWith(token, email)).toContain(
      `${shownUrl(new URL(house.endpoint).origin)}/confirm-email?token=cadre_email_`,
    )
    expect(await emailOf(grace)).toEqual({ email: grace.email, emailVerified: false })

    const answers = await Promise.all(Array.from({ length: 10 }, () => confirm(token, grace)))
    expect(answers.filter((answer) => answer.email === email)).toHaveLength(1)
    expect(await confirm(token)).toMatchObject(over)
    expect(await emailOf(grace)).toEqual({ email, emailVerified: true })
    expect(await mailWith('no more with this address', grace.email)).toContain(email)
    await expect.poll(() => works(caller(house, other.accessToken.token)), { timeout: 4_000 }).toBe(false)
    expect(await works(grace)).toBe(true)
    await expect(logIn(grace.email)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(sessionOf(await logIn(email.toLowerCase()))).toMatchObject({ account: { email } })

    const { members } = await grace.query('{ members { nodes { email version } } }')
    expect(members).toEqual({ nodes: [{ email, version: 2 }] })
    const told = () =>
      runSql(
        house.ownerUrl,
        `select actor ->> 'kind' as by, changes from event_log where workspace_id = $1 and type = 'member.updated'`,
        [grace.workspace?.workspaceId.replace('workspace_', '')],
      )
    const changes = [{ field: 'email', from: grace.email, to: email.toLowerCase() }]
    await expect.poll(told).toEqual([{ by: 'MEMBER', changes }])
  })

  test('is confirmed where nobody is signed in, and then every session has ended', async () => {
    const grace = await signedUp(house)
    expect(await confirm(await linked(grace, newAddress()))).toMatchObject({ __typename: 'ConfirmEmailChangePayload' })
    await expect.poll(() => works(grace), { timeout: 4_000 }).toBe(false)
  })

  test('is not changed without the password, after five wrong ones not even with it, nor to what it is', async () => {
    const grace = await signedUp(house)
    const wrong = { issues: [{ field: 'currentPassword', code: 'NOT_ALLOWED' }] }
    const email = newAddress()
    expect(await ask(grace, grace.email.toUpperCase())).toMatchObject({
      issues: [{ field: 'email', code: 'DUPLICATE' }],
    })
    expect(await ask(grace, 'nowhere')).toMatchObject({ issues: [{ field: 'email' }] })
    for (let n = 0; n < 5; n++) expect(await ask(grace, email, `wrong number ${n}`)).toMatchObject(wrong)
    expect(await ask(grace, email)).toMatchObject({ code: 'LIMIT_EXCEEDED' })
    const linda = await signedUp(house)
    await runSql(house.ownerUrl, 'update account set password_hash = null where email = $1', [linda.email])
    const answer = await ask(linda, email)
    expect(answer).toMatchObject(wrong)
    await expect
      .poll(() => house.db.systemSql.selectFrom('accountToken').selectAll().where('email', '=', email).execute())
      .toEqual([])
  })

  test('is told by no earlier link either: whoever asks for another one, taken or free, voids it', async () => {
    const [grace, linda] = [await signedUp(house), await signedUp(house)]
    for (const other of [linda.email, newAddress()]) {
      const earlier = await linked(grace, newAddress())
      expect(await ask(grace, other)).toMatchObject({ accepted: true })
      await mailWith(other === linda.email ? 'nothing was changed' : 'confirm-email', other)
      expect(await confirm(earlier)).toMatchObject(over)
    }
    // Somebody else's address is kept nowhere.
    const kept = house.db.systemSql.selectFrom('accountToken').select('hash').where('email', '=', linda.email)
    expect(await kept.execute()).toEqual([])
  })

  test('that has an account gets a note and no link, and who asks is told nothing of it', async () => {
    const [grace, linda] = [await signedUp(house), await signedUp(house)]
    const [free, taken] = [newAddress(), linda.email.toUpperCase()]
    expect(await ask(grace, taken)).toEqual(await ask(grace, free))
    await tokenTo(free)
    const note = await mailWith('nothing was changed', linda.email)
    expect(note).not.toContain('token=')
    expect(note).not.toContain(grace.email)
  })

  test('that somebody signs up with meanwhile stays theirs, also at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const grace = await signedUp(house)
      const email = newAddress()
      const token = await linked(grace, email)
      const signUp = () =>
        caller(house).mutate('signUp', { email: email.toUpperCase(), name: 'Linda', password: PASSWORD })
      const answers =
        round === 0 ? [await signUp(), await confirm(token)] : await Promise.all([signUp(), confirm(token)])
      const lost = answers.filter(({ __typename }) => __typename === 'ConflictError')
      expect(lost).toMatchObject([{ reason: 'DUPLICATE' }])
      const rows = await runSql(house.ownerUrl, 'select id from account where email_folded = $1', [email.toLowerCase()])
      expect(rows).toHaveLength(1)
    }
  })

  test('stays a member’s own where somebody else of the workspace has the new one', async () => {
    const grace = await signedUp(house, 'Two addresses')
    const email = newAddress()
    const workspaceId = grace.workspace?.workspaceId.replace('workspace_', '')
    await runSql(
      house.ownerUrl,
      `insert into member (workspace_id, id, name, email, email_normalised, role)
       values ($1, gen_random_uuid(), 'Keys only', $2, $2, 'MEMBER')`,
      [workspaceId, email.toLowerCase()],
    )
    expect(await confirm(await linked(grace, email), grace)).toMatchObject({ email })
    const { members } = await grace.query('{ members { nodes { name email } } }')
    expect((members as { nodes: unknown[] }).nodes).toContainEqual({ name: 'Grace', email: grace.email })
  })
})

describe('a link that changes an address', () => {
  test('is over after an hour, after a newer one, and with the password that it was asked for with', async () => {
    const grace = await signedUp(house)
    const [first, second, third] = [newAddress(), newAddress(), newAddress()]
    const older = await linked(grace, first)
    const newer = await linked(grace, second)
    expect(await confirm(older)).toMatchObject(over)
    await runSql(house.ownerUrl, `update account_token set expires_at = now() where email = $1`, [second])
    expect(await confirm(newer)).toMatchObject(over)
    const last = await linked(grace, third)
    await grace.mutate('changePassword', { currentPassword: PASSWORD, newPassword: `${PASSWORD} again` })
    expect(await confirm(last)).toMatchObject(over)
    for (const token of ['', 'cadre_email_none', `cadre_email_${'x'.repeat(43)}`]) {
      expect(await confirm(token)).toMatchObject(over)
    }
    expect(await emailOf(grace)).toMatchObject({ email: grace.email })
  })

  test('ends the links that were mailed to the old address, and is ended by one of them', async () => {
    const grace = await signedUp(house)
    const resetTo = async (email: string) => {
      await caller(house).mutate('requestPasswordReset', { email })
      return /reset-password\?token=(\S+)/.exec(await mailWith('reset-password', email))?.[1]
    }
    const reset = (token: string | undefined) =>
      caller(house).mutate('resetPassword', { token, password: 'another long password' })
    const [email, never] = [newAddress(), newAddress()]
    const before = await resetTo(grace.email)
    expect(await confirm(await linked(grace, email), grace)).toMatchObject({ email })
    expect(await reset(before)).toMatchObject(over)
    const pending = await linked(grace, never)
    expect(await reset(await resetTo(email))).toMatchObject({ reset: true })
    expect(await confirm(pending)).toMatchObject(over)
  })

  test('leaves no way in by a reset that was asked for at the same moment, for the old address', async () => {
    const grace = await signedUp(house)
    const email = newAddress().toLowerCase()
    const client = new pg.Client({ connectionString: house.ownerUrl })
    await client.connect()
    await client.query('begin')
    await client.query('update account set email = $1, email_folded = $1 where email = $2', [email, grace.email])
    const ask = (address: string) => caller(house).mutate('requestPasswordReset', { email: address })
    await ask(grace.email)
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await expect.poll(async () => (await runSql(house.ownerUrl, waiting)).length, { timeout: 5_000 }).toBe(1)
    await client.query('commit')
    await client.end()
    await expect.poll(async () => (await runSql(house.ownerUrl, waiting)).length, { timeout: 5_000 }).toBe(0)
    await ask(email)
    await mailWith('reset-password', email)
    expect(mailsTo(house.mailFolder, grace.email)).toEqual([])
    const tokens = house.db.systemSql.selectFrom('accountToken').select('usedAt')
    const accountId = grace.account.id.replace('account_', '')
    expect(await tokens.where('accountId', '=', accountId).execute()).toEqual([{ usedAt: null }])
  })

  test('of who was suspended does nothing, also once they are restored', async () => {
    const grace = await signedUp(house)
    const token = await linked(grace, newAddress())
    await runSql(house.ownerUrl, `update account set status = 'SUSPENDED' where email = $1`, [grace.email])
    expect(await confirm(token)).toMatchObject(over)
  })

  test('leaves the issuer’s people connected: they are known by their subject', async () => {
    const grace = await signedUp(house)
    const accountId = grace.account.id.replace('account_', '')
    const identity = { id: newId(), issuer: 'https://login.example', subject: grace.email, accountId }
    await house.db.systemSql.insertInto('accountIdentity').values(identity).execute()
    await confirm(await linked(grace, newAddress()), grace)
    const left = house.db.systemSql.selectFrom('accountIdentity').select('subject').where('accountId', '=', accountId)
    expect(await left.execute()).toEqual([{ subject: grace.email }])
  })
})
