// An issuer's person and the account that they are connected to: who connects them, and whom an address leads to.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { House } from '../domains/house.ts'
import { runSql } from '../support/sql.ts'
import { PASSWORD, signedUp, type Visitor } from './browser-visitor.ts'
import { away, awayToConnect, back, emailOf, urlOf } from './oidc-visits.ts'
import { houseAt, openIdentities } from './open-identities.ts'
import { identitiesOf } from './own-identities.ts'

const { opened, house, person, come, stranger, owner, anHourPasses } = openIdentities()
let linking: House

beforeAll(async () => {
  linking = await houseAt(opened.issuer, { OIDC_LINK_BY_EMAIL: 'on' })
})
afterAll(() => linking.close())

describe('connecting', () => {
  test('is one press for who signed in a moment ago, and leads in from then on', async () => {
    const visitor = await owner()
    opened.issuer.person = person
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
    const second = await signedUp(urlOf(house), `second-${person.sub}@example.com`)
    expect((await back(second, await awayToConnect(second))).status).toBe(409)
  })

  test('takes the password of who has been signed in for longer: whoever sits at their desk does not know it', async () => {
    const visitor = await owner()
    await anHourPasses()
    opened.issuer.person = { sub: `thief-${person.sub}` }
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
    opened.issuer.person = person
    const path = await awayToConnect(visitor)
    opened.issuer.meanwhile = () => runSql(house.ownerUrl, change, [person.email])
    const answer = await back(visitor, path).finally(() => {
      opened.issuer.meanwhile = undefined
    })
    expect([answer.status, answer.location]).toEqual([status, undefined])
    const connected = await runSql(house.ownerUrl, `select id from account_identity where ${isTheirs}`, [person.email])
    expect(connected).toEqual([])
  })

  test('is not done where the password was changed before the person came back', async () => {
    const visitor = await owner()
    opened.issuer.person = person
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
    const answer = await come(next, { ...person, sub: `next-${person.sub}` })
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
      opened.issuer.person = { ...person, sub: `new-${person.sub}-${n}` }
      paths.push(await away(visitor))
    }
    const answers = await Promise.all(both.map((visitor, n) => back(visitor, paths[n] ?? '')))
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 403])
    const first = both.find(({ session }) => session !== undefined) as Visitor
    expect(await emailOf(first)).toBe(person.email)
    expect((await identitiesOf(first)).map(({ issuer: at }) => at)).toEqual(['before.example', 'Acme'])
  })
})
