// An issuer's person and the account that they are connected to: who connects them, who sees it, and how it ends.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { disconnectIdentity } from '../../src/domains/accounts/own-identities.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { type House, openHouse } from '../domains/house.ts'
import { type FakeIssuer, openIssuer } from '../support/issuer.ts'
import { runSql } from '../support/sql.ts'
import { PASSWORD, signedUp, Visitor } from './browser-visitor.ts'
import { ask, away, awayToConnect, back, come as comeFrom, emailOf, urlOf } from './oidc-visits.ts'

let issuer: FakeIssuer
let house: House
let linking: House
const log = createLogger({ level: 'error', format: 'json' })

beforeAll(async () => {
  issuer = await openIssuer({ clientId: 'cadre' })
  const env = { OIDC_ISSUER: issuer.url, OIDC_CLIENT_ID: 'cadre', OIDC_AUDIENCE: 'cadre-api', OIDC_NAME: 'Acme' }
  house = await openHouse({ log, env })
  linking = await openHouse({ log, env: { ...env, OIDC_LINK_BY_EMAIL: 'on' } })
})
afterAll(async () => {
  await house.close()
  await linking.close()
  await issuer.close()
})

let people = 0
let person: { readonly sub: string; readonly email: string; readonly email_verified: boolean; readonly name: string }
beforeEach(() => {
  people += 1
  person = { sub: `sub-${people}`, email: `person-${people}@example.com`, email_verified: true, name: `Ada ${people}` }
})

const come = (visitor: Visitor, who: FakeIssuer['person'] = person) => comeFrom(issuer, visitor, who)
const stranger = (of = house) => new Visitor(urlOf(of))
const owner = (of = house) => signedUp(urlOf(of), person.email, `Grace ${people}`)

/** Whoever is signed in has been for an hour. */
const anHourPasses = (of = house) =>
  runSql(of.ownerUrl, `update session set created_at = created_at - interval '1 hour'`)

interface Shown {
  readonly id: string
  readonly issuer: string
  readonly label: string
  readonly connectedAt: string
  readonly lastUsedAt: string | null
}

async function identitiesOf(visitor: Visitor): Promise<readonly Shown[]> {
  const { body } = await visitor.ask('{ viewer { account { identities { id issuer label connectedAt lastUsedAt } } } }')
  return (body as { data: { viewer: { account: { identities: readonly Shown[] } } } }).data.viewer.account.identities
}

const disconnect = async (visitor: Visitor, id: string) => {
  const { body } = await visitor.ask(
    `mutation { disconnectIdentity(input: { id: "${id}" }) { __typename
      ... on DisconnectIdentityPayload { account { identities { id } } } ... on UserError { code message } } }`,
  )
  return (body as { data: { disconnectIdentity: Record<string, unknown> } }).data.disconnectIdentity
}

const isSignedIn = async (visitor: Visitor) => (await visitor.visit('/account')).status === 200

describe('connecting', () => {
  test('is one press for who signed in a moment ago, and leads in from then on', async () => {
    const visitor = await owner()
    issuer.person = person
    const path = await awayToConnect(visitor)
    // Somebody else's browser gets nothing by the same address.
    expect((await back(stranger(), path)).status).toBe(403)
    expect(await identitiesOf(visitor)).toEqual([])
    expect((await back(visitor, path)).location).toBe('/account?done=connected')
    expect(await identitiesOf(visitor)).toMatchObject([{ issuer: 'Acme', label: person.email, lastUsedAt: null }])
    const other = stranger()
    await come(other)
    expect(await emailOf(other)).toBe(person.email)
    expect((await identitiesOf(other))[0]?.lastUsedAt).not.toBeNull()
    // And nobody else connects the same person of the issuer's.
    const second = await signedUp(urlOf(house), `second-${people}@example.com`)
    expect((await back(second, await awayToConnect(second))).status).toBe(409)
  })

  test('takes the password of who has been signed in for longer: whoever sits at their desk does not know it', async () => {
    const visitor = await owner()
    await anHourPasses()
    issuer.person = { sub: `thief-${people}` }
    for (const password of ['', 'not the password of them']) {
      const answer = await visitor.submit('/account', { password }, { to: '/account/connect' })
      expect([answer.status, answer.body.includes('This is not your password.')]).toEqual([422, true])
      expect(answer.body).not.toContain('/authorize')
    }
    expect((await visitor.post('/account/connect', { password: PASSWORD })).status).toBe(403)
    const path = await awayToConnect(visitor, { password: PASSWORD })
    expect((await back(visitor, path)).location).toBe('/account?done=connected')
  })

  test('takes signing in anew from who has no password', async () => {
    const visitor = stranger()
    await come(visitor)
    await anHourPasses()
    const page = await visitor.visit('/account')
    expect(page.body).toContain('You can sign in with Acme.')
    await runSql(
      house.ownerUrl,
      `update account_identity set issuer = 'https://before.example' where label = '${person.email}'`,
    )
    const anew = 'no password: a mail lets you set one, or sign in once more and do this within ten minutes'
    const alone = await visitor.visit('/account')
    expect(alone.body).toContain(anew)
    expect(alone.body).not.toContain('action="/account/connect"')
    // Also by hand, where the page has no form for it.
    const _token = /name="_token" value="([^"]+)"/.exec(alone.body)?.[1] ?? ''
    const refused = await visitor.post('/account/connect', { _token, password: '' })
    expect([refused.status, refused.body.includes(anew)]).toEqual([422, true])
  })

  const isTheirs = 'account_id = (select id from account where email = $1)'
  test.each([
    ['the session ended', 401, `update session set revoked_at = now(), revoked_because = 'REVOKED' where ${isTheirs}`],
    ['the account was suspended', 401, `update account set status = 'SUSPENDED' where email = $1`],
    ['the password was changed', 409, 'update account set password_changed_at = now() where email = $1'],
  ])('is not done where %s while the issuer was asked', async (_what, status, change) => {
    const visitor = await owner()
    issuer.person = person
    const path = await awayToConnect(visitor)
    issuer.meanwhile = () => runSql(house.ownerUrl, change, [person.email])
    const answer = await back(visitor, path).finally(() => {
      issuer.meanwhile = undefined
    })
    expect([answer.status, answer.location]).toEqual([status, undefined])
    const connected = await runSql(house.ownerUrl, `select id from account_identity where ${isTheirs}`, [person.email])
    expect(connected).toEqual([])
  })

  test('is not done where the password was changed before the person came back', async () => {
    const visitor = await owner()
    issuer.person = person
    const path = await awayToConnect(visitor)
    const fields = { currentPassword: PASSWORD, newPassword: `${PASSWORD} again` }
    expect((await visitor.submit('/account', fields, { to: '/account/password' })).status).toBe(303)
    expect((await back(visitor, path)).status).toBe(409)
    expect(await identitiesOf(visitor)).toEqual([])
  })
})

describe('an address that an account has', () => {
  test.each(['house', 'linking'])('is no way into one with a password (%s)', async (which) => {
    const of = which === 'house' ? house : linking
    const visitor = await owner(of)
    await runSql(of.ownerUrl, `update account set email_verified_at = now() where email = '${person.email}'`)
    const next = stranger(of)
    const answer = await come(next)
    expect([answer.status, next.session]).toEqual([403, undefined])
    expect(answer.body).toContain('Sign in as you did before')
    expect(answer.body).toContain('href="/sign-in?next=%2Faccount"')
    expect(await identitiesOf(visitor)).toEqual([])
    expect(await emailOf(visitor)).toBe(person.email)
  })

  test('is no way into one of another person of the same issuer: an address is given to its next owner', async () => {
    await come(stranger(linking))
    const next = stranger(linking)
    const answer = await come(next, { ...person, sub: `next-${people}` })
    expect([answer.status, next.session]).toEqual([403, undefined])
  })

  test('leads into one that nobody reaches otherwise, where the setting says so, and for one person alone', async () => {
    for (const of of [house, linking]) {
      await come(stranger(of))
      await runSql(
        of.ownerUrl,
        `update account_identity set issuer = 'https://before.example' where label = '${person.email}'`,
      )
    }
    expect((await come(stranger(house))).status).toBe(403)
    const unconfirmed = { ...person, email_verified: false }
    expect((await come(stranger(linking), unconfirmed)).status).toBe(403)
    const both = [stranger(linking), stranger(linking)]
    const paths: string[] = []
    for (const [n, visitor] of both.entries()) {
      issuer.person = { ...person, sub: `new-${people}-${n}` }
      paths.push(await away(visitor))
    }
    const answers = await Promise.all(both.map((visitor, n) => back(visitor, paths[n] ?? '')))
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 403])
    const first = both.find(({ session }) => session !== undefined) as Visitor
    expect(await emailOf(first)).toBe(person.email)
    expect((await identitiesOf(first)).map(({ issuer: at }) => at)).toEqual(['before.example', 'Acme'])
  })
})

describe('disconnecting', () => {
  const connected = async () => {
    const visitor = await owner()
    issuer.person = person
    await back(visitor, await awayToConnect(visitor))
    const [identity] = await identitiesOf(visitor)
    if (identity === undefined) throw new Error('it is not connected')
    return { visitor, id: identity.id }
  }

  test('ends the sessions that came by it, tokens of the issuer too, and no others', async () => {
    const { visitor, id } = await connected()
    const other = stranger()
    await come(other)
    const token = await issuer.token({ sub: person.sub, aud: 'cadre-api' })
    expect((await ask(house, token)).status).toBe(200)
    expect(await disconnect(visitor, id)).toMatchObject({ account: { identities: [] } })
    expect(await isSignedIn(other)).toBe(false)
    await expect.poll(async () => (await ask(house, token)).status, { timeout: 4_000 }).toBe(401)
    expect(await isSignedIn(visitor)).toBe(true)
    expect((await come(stranger())).status).toBe(403)
    expect(await disconnect(visitor, id)).toMatchObject({ code: 'NOT_FOUND' })
    // Connected again, a token from before stays ended.
    await back(visitor, await awayToConnect(visitor))
    expect((await ask(house, token, { 'x-cadre-workspace': 'fleet' })).status).toBe(401)
    expect((await ask(house, await issuer.token({ sub: person.sub, aud: 'cadre-api', jti: 'new' }))).status).toBe(200)
  })

  /** Lets all sessions be as they were before it was kept by what they come. */
  const forgetHow = () => runSql(house.ownerUrl, 'update session set identity_id = null')

  test('ends of an account without a password also what nobody knows how it came, but who asks', async () => {
    const visitor = stranger()
    const other = stranger()
    await come(visitor)
    await come(other)
    const label = `another-${people}@example.com`
    await runSql(
      house.ownerUrl,
      `insert into account_identity (id, issuer, subject, account_id, label, created_at)
       select gen_random_uuid(), 'https://before.example', $1, account_id, $2, now() from account_identity where label = $3`,
      [`another-${people}`, label, person.email],
    )
    await forgetHow()
    const before = (await identitiesOf(visitor)).find((each) => each.label === label)
    expect(await disconnect(visitor, before?.id ?? '')).toMatchObject({ __typename: 'DisconnectIdentityPayload' })
    expect([await isSignedIn(visitor), await isSignedIn(other)]).toEqual([true, false])
  })

  test('leaves what nobody knows how it came where there is a password', async () => {
    const { visitor, id } = await connected()
    const other = stranger()
    await come(other)
    await forgetHow()
    await disconnect(visitor, id)
    expect([await isSignedIn(visitor), await isSignedIn(other)]).toEqual([true, true])
  })

  test('knows of sessions from before how they came, where it can have been one way alone', async () => {
    const { visitor, id } = await connected()
    const known = stranger()
    await come(known, { ...person, sub: `known-${people}`, email: `known-${people}@example.com` })
    await forgetHow()
    const file = new URL('../../prisma/migrations/20261126221000_identities/migration.sql', import.meta.url)
    const [backfill = ''] = /^UPDATE "session"[^;]*;/m.exec(readFileSync(file, 'utf8')) ?? []
    await runSql(house.ownerUrl, backfill)
    const cameBy = (email: string) =>
      runSql(
        house.ownerUrl,
        `select s.identity_id from session s join account a on a.id = s.account_id where a.email = $1`,
        [email],
      )
    const [own] = await identitiesOf(known)
    expect(await cameBy(`known-${people}@example.com`)).toEqual([{ identity_id: own?.id.replace('identity_', '') }])
    expect(await cameBy(person.email)).toEqual([{ identity_id: null }])
    expect((await identitiesOf(visitor)).map((each) => each.id)).toEqual([id])
  })

  test('is a press on the account’s page', async () => {
    const { visitor } = await connected()
    const page = await visitor.visit('/account')
    expect(page.body).toContain(`Acme: ${person.email}`)
    const done = await visitor.submit('/account', {}, { to: '/account/disconnect' })
    expect(done.location).toBe('/account?done=disconnected')
    expect((await visitor.visit('/account')).body).toContain('Connect Acme')
  })

  test('is refused where it is the only way in, also of two at the same moment', async () => {
    const visitor = stranger()
    await come(visitor)
    const [first] = await identitiesOf(visitor)
    expect(await disconnect(visitor, first?.id ?? '')).toMatchObject({
      __typename: 'ConflictError',
      message: expect.stringContaining('only way'),
    })
    issuer.person = { ...person, sub: `another-${people}` }
    // Also by hand, where the page shows no button any more.
    await runSql(
      house.ownerUrl,
      `update account_identity set issuer = 'https://x.example' where label = '${person.email}'`,
    )
    await back(visitor, await awayToConnect(visitor))
    await runSql(
      house.ownerUrl,
      `update account_identity set issuer = '${issuer.url}/' where issuer = 'https://x.example'`,
    )
    const both = await identitiesOf(visitor)
    expect(both).toHaveLength(2)
    const [{ accountId }] = (await house.db.systemSql
      .selectFrom('accountIdentity')
      .select('accountId')
      .where('label', '=', person.email)
      .execute()) as [{ accountId: string }]
    const ctx = { ...(await house.workspace()).ctx, accounts: { issuer: { url: issuer.url, name: 'Acme' } } as never }
    const ends = await Promise.allSettled(
      both.map(({ id }) =>
        house.db.inAccountTransaction(ctx, (tx) =>
          disconnectIdentity(tx, { accountId, sessionId: accountId }, id.replace('identity_', '')),
        ),
      ),
    )
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'CONFLICT' } })
    await runSql(house.ownerUrl, `update account_identity set issuer = $1 where issuer = $1 || '/'`, [issuer.url])
    expect(
      (await come(stranger(), { ...person, sub: `another-${people}` })).status + (await come(stranger())).status,
    ).toBe(706)
  })

  test('and coming by it at the same moment leave no session behind', async () => {
    const { visitor, id } = await connected()
    const others = Array.from({ length: 8 }, () => stranger())
    const paths: string[] = []
    for (const other of others) paths.push(await away(other))
    const token = await issuer.token({ sub: person.sub, aud: 'cadre-api' })
    await Promise.all([
      ...others.map((other, n) => back(other, paths[n] ?? '')),
      ask(house, token),
      disconnect(visitor, id),
    ])
    for (const other of others) expect(await isSignedIn(other)).toBe(false)
    await expect.poll(async () => (await ask(house, token)).status, { timeout: 4_000 }).toBe(401)
    expect(await isSignedIn(visitor)).toBe(true)
  })
})

describe('who comes from the issuer while somebody is signed in here', () => {
  const CHANGE_OVER = '/sign-in/oidc/change-over'

  test('is nobody new until that one says so, and nothing was made', async () => {
    const visitor = await signedUp(urlOf(house), `here-${people}@example.com`, 'Here Already')
    const before = visitor.session
    const answer = await come(visitor)
    expect([answer.status, visitor.session]).toEqual([200, before])
    expect(answer.body).toContain('Here Already')
    expect(answer.body).toContain(`Sign in as ${person.email}`)
    const made = await house.db.systemSql.selectFrom('account').select('id').where('email', '=', person.email).execute()
    expect(made).toEqual([])
    expect(await emailOf(visitor)).toBe(`here-${people}@example.com`)
    // A page of somebody else's presses no button.
    expect((await visitor.post(CHANGE_OVER, {})).status).toBe(403)
    expect(await emailOf(visitor)).toBe(`here-${people}@example.com`)

    const again = await come(visitor)
    const token = /name="_token" value="([^"]+)"/.exec(again.body)?.[1] ?? ''
    const changed = await visitor.post(CHANGE_OVER, { _token: token })
    expect([changed.status, changed.location]).toEqual([303, '/'])
    expect(await emailOf(visitor)).toBe(person.email)
    const old = stranger()
    old.cookies.set('cadre_session', String(before))
    expect(await isSignedIn(old)).toBe(false)
  })

  test('is asked of that one alone: not with another’s answer, not twice, and not after they signed out', async () => {
    const visitor = await signedUp(urlOf(house), `asked-${people}@example.com`)
    const asked = await come(visitor)
    const token = /name="_token" value="([^"]+)"/.exec(asked.body)?.[1] ?? ''
    const arrival = String(visitor.cookies.get('cadre_arrival'))
    const other = await signedUp(urlOf(house), `unasked-${people}@example.com`)
    other.cookies.set('cadre_arrival', arrival)
    const otherToken = /name="_token" value="([^"]+)"/.exec((await other.visit('/account')).body)?.[1] ?? ''
    expect((await other.post(CHANGE_OVER, { _token: otherToken })).status).toBe(403)
    visitor.cookies.set('cadre_arrival', `${arrival}x`)
    expect((await visitor.post(CHANGE_OVER, { _token: token })).status).toBe(403)
    // What was sealed as a flow is no arrival.
    await away(visitor)
    visitor.cookies.set('cadre_arrival', String(visitor.cookies.get('cadre_flow')))
    expect((await visitor.post(CHANGE_OVER, { _token: token })).status).toBe(403)
    await visitor.submit('/account', {}, { to: '/sign-out' })
    visitor.cookies.set('cadre_arrival', arrival)
    expect((await visitor.post(CHANGE_OVER, { _token: token })).status).toBe(403)
    expect(visitor.session).toBeUndefined()
    const made = await house.db.systemSql.selectFrom('account').select('id').where('email', '=', person.email).execute()
    expect(made).toEqual([])
  })

  test('is not asked when it is the same person: they are signed in anew', async () => {
    const visitor = stranger()
    await come(visitor)
    const before = visitor.session
    const answer = await come(visitor)
    expect([answer.status, answer.location]).toEqual([303, '/'])
    expect(visitor.session).not.toBe(before)
    expect(await emailOf(visitor)).toBe(person.email)
  })
})
