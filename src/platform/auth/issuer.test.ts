import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { testLog } from '../../../test/support/context.ts'
import { type FakeIssuer, openIssuer } from '../../../test/support/issuer.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { claimsOf, createIssuer, type Issuer, type IssuerOptions } from './issuer.ts'

let fake: FakeIssuer
let issuer: Issuer
/** Time goes on when a test says so. */
let passedMs = 0
const clock: Clock = {
  ...systemClock,
  now: () => new Date(Date.now() + passedMs),
  monotonicMs: () => performance.now() + passedMs,
}

beforeAll(async () => {
  fake = await openIssuer({ clientId: 'cadre' })
})
afterAll(() => fake.close())
beforeEach(() => {
  passedMs = 0
  issuer = create()
})

const log = Object.assign(Object.create(testLog) as typeof testLog, { warn: () => {} })
const create = (more: Partial<IssuerOptions> = {}): Issuer =>
  createIssuer({
    issuer: fake.url,
    name: 'Acme',
    audience: 'cadre-api',
    clientId: 'cadre',
    clientSecret: undefined,
    clock,
    log,
    ...more,
  })

const ada = { sub: 'ada', aud: 'cadre-api', email: 'ada@example.com', email_verified: true, name: 'Ada' }
const refused = (token: string) => expect(issuer.verify(token)).rejects
const NOT_VALID = { code: 'UNAUTHENTICATED', message: 'This token is not valid here.' }

test('a token of the issuer says who its person is, and until when', async () => {
  const exp = Math.floor(Date.now() / 1_000) + 60
  expect(await issuer.verify(await fake.token({ ...ada, exp }))).toEqual({
    claims: { issuer: fake.url, subject: 'ada', email: 'ada@example.com', emailVerified: true, name: 'Ada' },
    expiresAt: exp * 1_000,
  })
  expect(await issuer.verify(await fake.token({ ...ada, aud: ['other', 'cadre-api'] }))).toBeTruthy()
})

test('a server that is no client of the issuer takes its tokens, and sends nobody there', async () => {
  issuer = create({ clientId: undefined })
  expect([issuer.signsIn, (await issuer.verify(await fake.token(ada))).claims.subject]).toEqual([false, 'ada'])
})

describe('a token is refused', () => {
  test('that is signed by nobody, or by nobody that the issuer knows', async () => {
    const claims = { ...ada, iss: fake.url }
    const exp = Math.floor(Date.now() / 1_000) + 60
    await refused(new UnsecuredJWT({ ...claims, exp }).encode()).toMatchObject(NOT_VALID)
    const other = await generateKeyPair('RS256')
    const sign = (kid: string | undefined) =>
      new SignJWT({ ...claims, exp })
        .setProtectedHeader({ alg: 'RS256', ...(kid === undefined ? {} : { kid }) })
        .sign(other.privateKey)
    await refused(await sign(fake.publicKey().kid)).toMatchObject(NOT_VALID)
    await refused(await sign(undefined)).toMatchObject(NOT_VALID)
    await refused(await sign('another')).toMatchObject(NOT_VALID)
  })

  test('that uses what is public of a key as if it were a secret', async () => {
    const { n = '' } = fake.publicKey()
    const forged = (secret: Uint8Array) =>
      new SignJWT({ ...ada, iss: fake.url, exp: Math.floor(Date.now() / 1_000) + 60 })
        .setProtectedHeader({ alg: 'HS256', kid: fake.publicKey().kid ?? '' })
        .sign(secret)
    await refused(await forged(Buffer.from(n, 'base64url'))).toMatchObject(NOT_VALID)
    await refused(await forged(Buffer.from(JSON.stringify(fake.publicKey())))).toMatchObject(NOT_VALID)
  })

  test('that another issuer made, is meant for somebody else, or speaks for nobody', async () => {
    await refused(await fake.token({ ...ada, iss: 'https://evil.example' })).toMatchObject(NOT_VALID)
    await refused(await fake.token({ ...ada, aud: 'other' })).toMatchObject(NOT_VALID)
    for (const left of ['sub', 'aud', 'exp', 'iss']) {
      await refused(await fake.token({ ...ada, [left]: undefined })).toMatchObject(NOT_VALID)
    }
    for (const sub of ['', 'x'.repeat(256), 'a\0b']) {
      await refused(await fake.token({ ...ada, sub })).toMatchObject(NOT_VALID)
    }
  })

  test('that has expired, is not good yet, or says that somebody was signed out', async () => {
    const token = await fake.token(ada)
    expect(await issuer.verify(token)).toBeTruthy()
    passedMs = 311_000
    await refused(token).toMatchObject({ code: 'UNAUTHENTICATED', message: 'This token has expired.' })
    passedMs = 0
    const soon = Math.floor(Date.now() / 1_000) + 60
    await refused(await fake.token({ ...ada, nbf: soon })).toMatchObject(NOT_VALID)
  })

  test('that ends when there are no dates any more', async () => {
    expect(await issuer.verify(await fake.token({ ...ada, exp: 253_402_300_799 }))).toBeTruthy()
    for (const exp of [253_402_300_800, 1e15, 1e300]) {
      await refused(await fake.token({ ...ada, exp })).toMatchObject(NOT_VALID)
    }
  })

  test('whose subject is not to be told from others', async () => {
    for (const sub of ['\0', '\ud800', 'a\udfff', '\ufffd']) {
      await refused(await fake.token({ ...ada, sub })).toMatchObject(NOT_VALID)
    }
    expect(await issuer.verify(await fake.token({ ...ada, sub: '\u{1f511}' }))).toBeTruthy()
  })

  test('that was made for something else: to tell a client who signed in, or that somebody was signed out', async () => {
    const other = { code: 'UNAUTHENTICATED', message: expect.stringContaining('no access token') }
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const marks = [{ nonce: 'x' }, { at_hash: 'x' }, { c_hash: 'x' }, { s_hash: 'x' }, { events }, { typ: 'ID' }]
    for (const mark of marks) await refused(await fake.token({ ...ada, ...mark })).toMatchObject(other)
    for (const typ of ['logout+jwt', 'secevent+jwt', 'dpop+jwt', 'id']) {
      await refused(await fake.token(ada, { typ })).toMatchObject(other)
    }
    for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT', 'JWT', 'jwt']) {
      expect(await issuer.verify(await fake.token({ ...ada, typ: 'Bearer' }, { typ }))).toBeTruthy()
    }
  })

  test('where the API has no identifier of its own, whatever it is', async () => {
    issuer = create({ audience: undefined })
    for (const typ of ['at+jwt', 'JWT']) {
      await refused(await fake.token({ ...ada, aud: 'cadre' }, { typ })).toMatchObject({
        code: 'UNAUTHENTICATED',
        message: 'This server takes no tokens of Acme.',
      })
    }
  })

  test.each(['', '.', '..', 'a.b', 'a.b.c', 'e30.e30.e30', `${'a'.repeat(10_000)}.b.c`, '\u{1f511}.b.c'])(
    'that is none (%#)',
    (text) => refused(text).toMatchObject(NOT_VALID),
  )
})

describe('the issuer’s keys', () => {
  test('are fetched once for all tokens, and once more when it has a new one, however many forged ones come', async () => {
    const asked = fake.keysAsked
    issuer = create({ cooldownMs: 0 })
    for (let n = 0; n < 3; n++) await issuer.verify(await fake.token(ada))
    expect(fake.keysAsked - asked).toBe(1)
    await fake.rotate()
    await issuer.verify(await fake.token(ada))
    expect(fake.keysAsked - asked).toBe(2)

    issuer = create()
    await issuer.verify(await fake.token(ada))
    const forged = await fake.token(ada, { kid: 'another' })
    for (let n = 0; n < 20; n++) await refused(forged).toMatchObject(NOT_VALID)
    expect(fake.keysAsked - asked).toBe(3)
  })

  test('that cannot be had make nobody’s token wrong, and who comes then does not wait for it each', async () => {
    const token = await fake.token(ada)
    await fake.goAway()
    const away = { code: 'UNAVAILABLE', details: { retryAfterMs: 2_000 } }
    await refused(token).toMatchObject(away)
    await fake.comeBack()
    await refused(token).toMatchObject(away)
    passedMs = 2_001
    expect(await issuer.verify(token)).toBeTruthy()
    await fake.goAway()
    expect(await issuer.verify(token)).toBeTruthy()
    passedMs = 3_700_000
    // An hour later it is asked for its addresses again; what it said then is still good.
    expect(await issuer.verify(await fake.token({ ...ada, exp: Math.floor(Date.now() / 1_000) + 9_000 }))).toBeTruthy()
    await fake.comeBack()
  })

  test('that cannot be had are not asked for once more by each forged token, nor is each told to the log', async () => {
    const told: unknown[] = []
    issuer = create({
      cooldownMs: 0,
      log: Object.assign(Object.create(log), { warn: (line: unknown) => told.push(line) }),
    })
    await issuer.verify(await fake.token(ada))
    const forged = await fake.token(ada, { kid: 'another' })
    await fake.goAway()
    const flood = () =>
      Promise.all(Array.from({ length: 10 }, () => refused(forged).toMatchObject({ code: 'UNAVAILABLE' })))
    await flood()
    const asked = fake.keysAsked
    await fake.comeBack()
    await flood()
    expect([fake.keysAsked - asked, told.length]).toEqual([0, 1])
    expect(await issuer.verify(await fake.token(ada))).toBeTruthy()
    passedMs = 2_001
    await refused(forged).toMatchObject(NOT_VALID)
    expect(fake.keysAsked - asked).toBe(1)
  })

  test('of an issuer that calls itself something else are not fetched', async () => {
    const token = await fake.token(ada)
    issuer = create({ issuer: fake.url.replace('127.0.0.1', 'localhost') })
    await refused(token).toMatchObject({ code: 'UNAVAILABLE' })
  })
})

test('people are sent to an issuer that knows us, with a secret or without', async () => {
  expect(create().signsIn).toBe(true)
  expect(create({ clientId: undefined }).signsIn).toBe(false)
  const withSecret = create({ clientSecret: 'between us' })
  expect((await withSecret.configuration()).serverMetadata().issuer).toBe(fake.url)
  expect(await withSecret.verify(await fake.token(ada))).toBeTruthy()
})

test('a person without a name is called what they sign in as, and a claim that is no text is none', () => {
  const nameOf = (claims: object) => claimsOf({ iss: 'i', sub: 's', ...claims }).name
  expect(nameOf({ name: 'Ada', preferred_username: 'ada1' })).toBe('Ada')
  expect(nameOf({ name: ' ', preferred_username: 'ada1' })).toBe('ada1')
  for (const name of [7, null, {}, 'a\0b']) expect(nameOf({ name })).toBeUndefined()
})

test('an address is confirmed when the issuer says exactly that', () => {
  const confirmed = (claims: object) => claimsOf({ iss: 'i', sub: 's', ...claims }).emailVerified
  expect(confirmed({ email: 'a@example.com', email_verified: true })).toBe(true)
  for (const word of ['true', 1, 'yes', {}, null, undefined, false]) {
    expect(confirmed({ email: 'a@example.com', email_verified: word })).toBe(false)
  }
  expect(confirmed({ email_verified: true })).toBe(false)
  expect(confirmed({ email: ' ', email_verified: true })).toBe(false)
})
