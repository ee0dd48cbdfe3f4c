// An issuer's person and the account that they are connected to: how that ends, and whose browser it was.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { disconnectIdentity } from '../../src/domains/accounts/own-identities.ts'
import { runSql } from '../support/sql.ts'
import { signedUp } from './browser-visitor.ts'
import { ask, away, awayToConnect, back, emailOf, urlOf } from './oidc-visits.ts'
import { openIdentities } from './open-identities.ts'
import { disconnect, identitiesOf, isSignedIn } from './own-identities.ts'

const { opened, house, person, come, stranger, owner } = openIdentities()

describe('disconnecting', () => {
  const connected = async () => {
    const visitor = await owner()
    opened.issuer.person = person
    await back(visitor, await awayToConnect(visitor))
    const [identity] = await identitiesOf(visitor)
    if (identity === undefined) throw new Error('it is not connected')
    return { visitor, id: identity.id }
  }

  test('ends the sessions that came by it, tokens of the issuer too, and no others', async () => {
    const { visitor, id } = await connected()
    const other = stranger()
    await come(other)
    const token = await opened.issuer.token({ sub: person.sub, aud: 'cadre-api' })
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
    expect(
      (await ask(house, await opened.issuer.token({ sub: person.sub, aud: 'cadre-api', jti: 'new' }))).status,
    ).toBe(200)
  })

  /** Lets all sessions be as they were before it was kept by what they come. */
  const forgetHow = () => runSql(house.ownerUrl, 'update session set identity_id = null')

  test('ends of an account without a password also what nobody knows how it came, but who asks', async () => {
    const visitor = stranger()
    const other = stranger()
    await come(visitor)
    await come(other)
    const label = `another-${person.sub}@example.com`
    await runSql(
      house.ownerUrl,
      `insert into account_identity (id, issuer, subject, account_id, label, created_at)
       select gen_random_uuid(), 'https://before.example', $1, account_id, $2, now() from account_identity where label = $3`,
      [`another-${person.sub}`, label, person.email],
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
    await come(known, { ...person, sub: `known-${person.sub}`, email: `known-${person.sub}@example.com` })
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
    expect(await cameBy(`known-${person.sub}@example.com`)).toEqual([{ identity_id: own?.id.replace('identity_', '') }])
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
    opened.issuer.person = { ...person, sub: `another-${person.sub}` }
    // Also by hand, where the page shows no button any more.
    await runSql(
      house.ownerUrl,
      `update account_identity set issuer = 'https://x.example' where label = '${person.email}'`,
    )
    await back(visitor, await awayToConnect(visitor))
    await runSql(
      house.ownerUrl,
      `update account_identity set issuer = '${opened.issuer.url}/' where issuer = 'https://x.example'`,
    )
    const both = await identitiesOf(visitor)
    expect(both).toHaveLength(2)
    const [{ accountId }] = (await house.db.systemSql
      .selectFrom('accountIdentity')
      .select('accountId')
      .where('label', '=', person.email)
      .execute()) as [{ accountId: string }]
    const ctx = {
      ...(await house.workspace()).ctx,
      accounts: { issuer: { url: opened.issuer.url, name: 'Acme' } } as never,
    }
    const ends = await Promise.allSettled(
      both.map(({ id }) =>
        house.db.inAccountTransaction(ctx, (tx) =>
          disconnectIdentity(tx, { accountId, sessionId: accountId }, id.replace('identity_', '')),
        ),
      ),
    )
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'CONFLICT' } })
    await runSql(house.ownerUrl, `update account_identity set issuer = $1 where issuer = $1 || '/'`, [
      opened.issuer.url,
    ])
    expect(
      (await come(stranger(), { ...person, sub: `another-${person.sub}` })).status + (await come(stranger())).status,
    ).toBe(706)
  })

  test('and coming by it at the same moment leave no session behind', async () => {
    const { visitor, id } = await connected()
    const others = Array.from({ length: 8 }, () => stranger())
    const paths: string[] = []
    for (const other of others) paths.push(await away(other))
    const token = await opened.issuer.token({ sub: person.sub, aud: 'cadre-api' })
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
    const visitor = await signedUp(urlOf(house), `here-${person.sub}@example.com`, 'Here Already')
    const before = visitor.session
    const answer = await come(visitor)
    expect([answer.status, visitor.session]).toEqual([200, before])
    expect(answer.body).toContain('Here Already')
    expect(answer.body).toContain(`Sign in as ${person.email}`)
    const made = await house.db.systemSql.selectFrom('account').select('id').where('email', '=', person.email).execute()
    expect(made).toEqual([])
    expect(await emailOf(visitor)).toBe(`here-${person.sub}@example.com`)
    // A page of somebody else's presses no button.
    expect((await visitor.post(CHANGE_OVER, {})).status).toBe(403)
    expect(await emailOf(visitor)).toBe(`here-${person.sub}@example.com`)

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
    const visitor = await signedUp(urlOf(house), `asked-${person.sub}@example.com`)
    const asked = await come(visitor)
    const token = /name="_token" value="([^"]+)"/.exec(asked.body)?.[1] ?? ''
    const arrival = String(visitor.cookies.get('cadre_arrival'))
    const other = await signedUp(urlOf(house), `unasked-${person.sub}@example.com`)
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
