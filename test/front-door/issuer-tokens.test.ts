// Access tokens of an issuer of OpenID Connect, sent as bearer tokens.

import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { restoreAccount, suspendAccount } from '../../src/domains/accounts/suspension.ts'
import { purgeSessions } from '../../src/domains/accounts/sweeps.ts'
import { createAuthenticator } from '../../src/platform/auth/authenticate.ts'
import { createIssuer, type Issuer } from '../../src/platform/auth/issuer.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { unavailable } from '../../src/platform/lib/errors.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { type House, openHouse } from '../domains/house.ts'
import { systemContext } from '../support/context.ts'
import { type FakeIssuer, openIssuer } from '../support/issuer.ts'
import { runSql } from '../support/sql.ts'
import { Visitor } from './browser-visitor.ts'
import { ADA, ask, come as comeFrom, urlOf, WHO } from './oidc-visits.ts'

let issuer: FakeIssuer
let house: House
let env: Record<string, string>
const log = createLogger({ level: 'error', format: 'json' })

beforeAll(async () => {
  issuer = await openIssuer({ clientId: 'cadre' })
  env = { OIDC_ISSUER: issuer.url, OIDC_CLIENT_ID: 'cadre', OIDC_AUDIENCE: 'cadre-api', OIDC_NAME: 'Acme' }
  house = await openHouse({ log, env })
})
afterAll(async () => {
  await house.close()
  await issuer.close()
})

const come = (visitor: Visitor, person: FakeIssuer['person']) => comeFrom(issuer, visitor, person)

describe('a bearer token of the issuer', () => {
  const token = (claims: object = {}) => issuer.token({ sub: 'ada', aud: 'cadre-api', ...claims })

  test('speaks for the account of its person, in their only workspace or the one that is named', async () => {
    const visitor = new Visitor(urlOf(house))
    await come(visitor, ADA)
    const mine = await token()
    expect(await ask(house, mine)).toMatchObject({
      status: 200,
      body: { data: { viewer: { account: { email: ADA.email }, workspace: null } } },
    })
    await visitor.submit('/account', { workspaceName: 'First' }, { to: '/account/workspaces' })
    const only = { data: { viewer: { workspace: { name: 'First' } } } }
    expect((await ask(house, await token({ jti: '1' }))).body).toMatchObject(only)
    await visitor.submit('/account', { workspaceName: 'Second' }, { to: '/account/workspaces' })
    expect((await ask(house, await token({ jti: '2' }))).body).toMatchObject({ data: { viewer: { workspace: null } } })
    const second = { data: { viewer: { workspace: { name: 'Second' } } } }
    expect((await ask(house, await token({ jti: '2' }), { 'x-cadre-workspace': 'second' })).body).toMatchObject(second)
    const foreign = await house.workspace('Foreign')
    for (const name of [foreign.id, `workspace_${foreign.id}`, 'nowhere', '\u00e9']) {
      const answer = await ask(house, await token({ jti: '3' }), { 'x-cadre-workspace': name })
      expect([answer.status, JSON.stringify(answer.body)]).toEqual([401, expect.stringContaining('no member of it')])
    }
  })

  test('of a person without an account makes none', async () => {
    const answer = await ask(house, await token({ sub: 'unknown', email: 'grace@example.com', email_verified: true }))
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([401, expect.stringContaining('/sign-in')])
  })

  test('is refused when it is forged, not for us, over, or the cookie of the same person lies beside it', async () => {
    const visitor = new Visitor(urlOf(house))
    await come(visitor, ADA)
    const good = await token()
    const [head = '', , signature = ''] = good.split('.')
    const payload = Buffer.from(
      JSON.stringify({ iss: issuer.url, sub: 'ada', aud: 'cadre-api', exp: 9_999_999_999 }),
    ).toString('base64url')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const bad of [
      `${head}.${payload}.${signature}`,
      `${none}.${payload}.AA`,
      await token({ aud: 'x' }),
      await token({ exp: 1_000 }),
    ]) {
      expect((await ask(house, bad)).status).toBe(401)
      expect((await visitor.ask(WHO, { authorization: `Bearer ${bad}` })).status).toBe(401)
    }
  })

  test('is a session that its person ends like others, and stays ended however often it is sent', async () => {
    const visitor = new Visitor(urlOf(house))
    await come(visitor, ADA)
    const mine = await token({ jti: 'ended' })
    expect((await ask(house, mine)).status).toBe(200)
    await visitor.submit('/account', {}, { to: '/account/sessions/end-others' })
    await expect.poll(async () => (await ask(house, mine)).status).toBe(401)
    expect((await ask(house, mine, { 'x-cadre-workspace': 'second' })).status).toBe(401)
    expect((await ask(house, await token({ jti: 'new' }))).status).toBe(200)
  })

  test('that is sent first while its person’s account is erased is refused, and stands in nobody’s way', async () => {
    await come(new Visitor(urlOf(house)), { ...ADA, sub: 'noa', email: 'noa@example.com' })
    const hers = await token({ sub: 'noa' })
    const eraser = new pg.Client({ connectionString: house.ownerUrl })
    await eraser.connect()
    try {
      await eraser.query('begin')
      const { rows } = await eraser.query<{ id: string }>(
        `select id from account where email_folded = 'noa@example.com' for update`,
      )
      const answer = ask(house, hers)
      const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and wait_event <> 'advisory'`
      await expect.poll(async () => (await eraser.query(waiting)).rowCount).toBe(1)
      for (const table of ['session', 'account_identity']) {
        await eraser.query(`delete from ${table} where account_id = $1`, [rows[0]?.id])
      }
      await eraser.query('delete from account where id = $1', [rows[0]?.id])
      await eraser.query('commit')
      expect((await answer).status).toBe(401)
    } finally {
      await eraser.end()
    }
  })

  test('that was revoked stays so for as long as it could be good, however long ago that was', async () => {
    const visitor = new Visitor(urlOf(house))
    await come(visitor, { ...ADA, sub: 'eve', email: 'eve@example.com' })
    const yearS = 365 * 24 * 3_600
    const long = await token({ sub: 'eve', exp: Math.floor(Date.now() / 1_000) + yearS })
    expect((await ask(house, long)).status).toBe(200)
    await visitor.submit('/account', {}, { to: '/account/sessions/end-others' })
    await expect.poll(async () => (await ask(house, long)).status).toBe(401)
    const later = (days: number) => new Date(Date.now() + days * 24 * 3_600_000)
    await purgeSessions(house.db, later(60))
    // What was found is kept for two seconds: another workspace's name has it looked up anew.
    expect((await ask(house, long, { 'x-cadre-workspace': 'anywhere' })).status).toBe(401)
    const { body } = await ask(house, long)
    expect(JSON.stringify(body)).toContain('was revoked')
    const count = () =>
      house.db.systemSql
        .selectFrom('session')
        .select('id')
        .where('revokedAt', 'is not', null)
        .where('expiresAt', '>', later(300))
        .execute()
    expect(await count()).toHaveLength(1)
    await purgeSessions(house.db, later(366))
    expect(await count()).toHaveLength(0)
  })

  test('is not its person just now: what wants them to be takes more', async () => {
    const visitor = new Visitor(urlOf(house))
    const mia = { ...ADA, sub: 'mia', email: 'mia@example.com' }
    await come(visitor, mia)
    const hers = await token({ sub: 'mia' })
    const refusal = async (mutation: string) => {
      const query = `mutation { ${mutation} { ... on InvalidInputError { issues { field code message } } } }`
      const { body } = await ask(house, hers, {}, query)
      return Object.values((body as { data: Record<string, unknown> }).data)[0]
    }
    const told = (message: string) => ({ issues: [{ field: 'currentPassword', code: 'NOT_ALLOWED', message }] })
    const noPassword = 'Your account has no password: a mail lets you set one'
    const anew = told(`${noPassword}, or sign in once more and do this within ten minutes.`)
    expect(await refusal('eraseAccount(input: {})')).toEqual(anew)
    // As sessions were from before it was kept by what they come.
    await runSql(house.ownerUrl, `update session set identity_id = null where kind = 'PROGRAM'`)
    expect(await refusal('eraseAccount(input: {})')).toEqual(anew)
    const change = 'changePassword(input: { currentPassword: "none of them", newPassword: "a kite needs wind" })'
    expect(await refusal(change)).toEqual(told(`${noPassword}.`))
    const { body } = await visitor.ask('mutation { eraseAccount(input: {}) { __typename } }')
    expect(body).toMatchObject({ data: { eraseAccount: { __typename: 'EraseAccountPayload' } } })
  })

  test('is none that tells a client who has signed in', async () => {
    const visitor = new Visitor(urlOf(house))
    await come(visitor, ADA)
    for (const claims of [{ aud: 'cadre' }, { nonce: 'x' }, { at_hash: 'x' }, { aud: ['cadre-api'], nonce: 'x' }]) {
      expect((await ask(house, await token({ ...claims, jti: JSON.stringify(claims) }))).status).toBe(401)
    }
    const access = await issuer.token({ sub: 'ada', aud: 'cadre-api' }, { typ: 'at+jwt' })
    expect((await ask(house, access)).status).toBe(200)
  })
})

describe('who was let in with one', () => {
  const person = { ...ADA, sub: 'lin', email: 'lin@example.com' }
  const exp = Math.floor(Date.now() / 1_000) + 3_600
  let isAway = false
  let passedMs = 0
  let token: string
  let visitor: Visitor
  const look = async (anew: boolean) => {
    const real = createIssuer({ ...oidc(), clock: systemClock, log })
    const verify: Issuer['verify'] = (text) =>
      isAway ? Promise.reject(unavailable('Acme cannot be reached at the moment.')) : real.verify(text)
    const clock = { ...systemClock, now: () => new Date(Date.now() + passedMs) }
    const authenticator = createAuthenticator({ db: house.db, clock, log, issuer: { ...real, verify } })
    return (await authenticator.authenticate(`Bearer ${token}`, { anew })).viewer.kind
  }
  const oidc = () => ({
    issuer: issuer.url,
    name: 'Acme',
    audience: 'cadre-api',
    clientId: 'cadre',
    clientSecret: undefined,
  })

  beforeEach(async () => {
    isAway = false
    passedMs = 0
    visitor = new Visitor(urlOf(house))
    await come(visitor, person)
    token = await issuer.token({ sub: 'lin', aud: 'cadre-api', exp, jti: randomUUID() })
    expect(await look(false)).toBe('account')
    isAway = true
  })

  test('stays while the issuer is away, and nobody comes in', async () => {
    expect(await look(true)).toBe('account')
    await expect(look(false)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('goes all the same when the token is over or the session is revoked', async () => {
    passedMs = 3_601_000
    await expect(look(true)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: 'This token has expired.' })
    passedMs = 0
    await visitor.submit('/account', {}, { to: '/account/sessions/end-others' })
    await expect(look(true)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('goes when the account is suspended', async () => {
    const change = (verb: typeof suspendAccount | typeof restoreAccount) =>
      house.db.inAccountTransaction(systemContext(house.db, randomUUID()), (tx) => verb(tx, person.email))
    await change(suspendAccount)
    await expect(look(true)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await change(restoreAccount)
  })

  test('goes when the account is gone', async () => {
    const { body } = await visitor.ask('mutation { eraseAccount(input: {}) { __typename } }')
    expect(body).toMatchObject({ data: { eraseAccount: { __typename: 'EraseAccountPayload' } } })
    await expect(look(true)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('is told that the token is over as soon as it is, and not that somebody has revoked it', async () => {
    isAway = false
    passedMs = 3_601_000
    await expect(look(true)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: 'This token has expired.' })
  })
})

test('where the API has no identifier at the issuer its tokens are refused, also those meant for the client', async () => {
  const { OIDC_AUDIENCE: _none, ...others } = env
  const closed = await openHouse({ log, env: others })
  try {
    await comeFrom(issuer, new Visitor(urlOf(closed)), ADA)
    const answer = await ask(closed, await issuer.token({ sub: 'ada', aud: 'cadre' }))
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([401, expect.stringContaining('takes no tokens')])
  } finally {
    await closed.close()
  }
})

test('while the issuer is away its tokens are unavailable', async () => {
  const empty = await openHouse({ log, env })
  await issuer.goAway()
  try {
    const answer = await ask(empty, await issuer.token({ sub: 'ada', aud: 'cadre-api' }))
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([503, expect.stringContaining('UNAVAILABLE')])
  } finally {
    await issuer.comeBack()
    await empty.close()
  }
})
