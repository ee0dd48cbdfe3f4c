// Signing in at an issuer of OpenID Connect with a browser.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { type House, openHouse } from '../domains/house.ts'
import { type FakeIssuer, openIssuer } from '../support/issuer.ts'
import { signedUp, Visitor } from './browser-visitor.ts'
import { ADA, away, back, come as comeFrom, emailOf, urlOf } from './oidc-visits.ts'

let issuer: FakeIssuer
let house: House
let byInvitation: House
const logged: string[] = []
const log = createLogger({ level: 'debug', format: 'json', stream: { write: (line) => void logged.push(line) } })

beforeAll(async () => {
  issuer = await openIssuer({ clientId: 'cadre', clientSecret: 'shared-with-nobody' })
  const env = {
    OIDC_ISSUER: issuer.url,
    OIDC_CLIENT_ID: 'cadre',
    OIDC_CLIENT_SECRET: 'shared-with-nobody',
    OIDC_NAME: 'Acme',
  }
  house = await openHouse({ log, env })
  byInvitation = await openHouse({ log, env: { ...env, SIGN_UP: 'invited' } })
})
afterAll(async () => {
  await house.close()
  await byInvitation.close()
  await issuer.close()
})
afterEach(() => {
  issuer.idTokenClaims = {}
  issuer.nextError = undefined
})

const come = (visitor: Visitor, person: FakeIssuer['person'], from?: string) => comeFrom(issuer, visitor, person, from)

describe('who comes from the issuer', () => {
  test('for the first time has an account then, goes on where they wanted to, and has the same one the next time', async () => {
    const visitor = new Visitor(urlOf(house))
    expect((await visitor.visit('/sign-in')).body).toContain('Continue with Acme')
    const first = await come(visitor, ADA, '/sign-in/oidc?next=/account')
    expect([first.status, first.location]).toEqual([303, '/account'])
    expect(await emailOf(visitor)).toBe('ada@example.com')
    const other = new Visitor(urlOf(house))
    // What the address is by now makes no difference.
    expect((await come(other, { ...ADA, email: 'ada@elsewhere.example', email_verified: false })).location).toBe('/')
    expect(await emailOf(other)).toBe('ada@example.com')
    expect((await other.visit('/account')).body).toContain('You can sign in with Acme.')
  })

  test('twice at the same moment has one account', async () => {
    const twins = Array.from({ length: 8 }, () => new Visitor(urlOf(house)))
    issuer.person = { ...ADA, sub: 'twin', email: 'twin@example.com' }
    const paths: string[] = []
    for (const twin of twins) paths.push(await away(twin))
    const answers = await Promise.all(twins.map((twin, n) => back(twin, paths[n] ?? '')))
    expect(answers.map(({ status }) => status)).toEqual(twins.map(() => 303))
    const made = await house.db.systemSql
      .selectFrom('account')
      .select('id')
      .where('emailFolded', '=', 'twin@example.com')
      .execute()
    expect(made).toHaveLength(1)
  })

  test('with an address that an account has gets nothing of it: not unconfirmed, and not confirmed either', async () => {
    const owner = await signedUp(urlOf(house), 'grace@example.com')
    for (const email_verified of [true, false, 'true', undefined]) {
      const visitor = new Visitor(urlOf(house))
      const answer = await come(visitor, { sub: `thief-${email_verified}`, email: 'Grace@Example.com', email_verified })
      expect([answer.status, visitor.session]).toEqual([403, undefined])
      expect(answer.body).toContain('connect Acme on your account’s page')
    }
    expect(await emailOf(owner)).toBe('grace@example.com')
  })

  test('with an address that nobody confirms has no account', async () => {
    const visitor = new Visitor(urlOf(house))
    const answer = await come(visitor, { sub: 'new', email: 'new@example.com', email_verified: false })
    expect([answer.status, visitor.session]).toEqual([403, undefined])
    const made = await house.db.systemSql
      .selectFrom('account')
      .select('id')
      .where('emailFolded', '=', 'new@example.com')
      .execute()
    expect(made).toEqual([])
  })

  test('has an account where people are invited only if an invite waits for their confirmed address', async () => {
    const stranger = new Visitor(urlOf(byInvitation))
    const answer = await come(stranger, { sub: 'kay', email: 'kay@example.com', email_verified: true })
    expect([answer.status, answer.body.includes('invite')]).toEqual([403, true])
    const acme = await byInvitation.workspace('Acme')
    const invited = await acme.mutate('inviteMember', { email: 'kay@example.com', role: 'VIEWER' }, 'secret')
    expect(invited).toMatchObject({ __typename: 'InviteMemberPayload' })
    const from = `/sign-in/oidc?${new URLSearchParams({ invite: String(invited.secret) })}`
    const page = `/invite/${invited.secret}`
    const signedIn = await come(stranger, { sub: 'kay', email: 'kay@example.com', email_verified: true }, from)
    expect([signedIn.status, signedIn.location]).toEqual([303, page])
    // Whoever made them follow a link has not made them a member.
    expect((await stranger.visit('/')).body).not.toContain('Acme workspace')
    expect((await stranger.submit(page, {}, { to: '/invite' })).status).toBe(303)
    expect((await stranger.visit('/')).body).toContain('Acme workspace')
  })
})

describe('a way back is refused', () => {
  const refused = async (visitor: Visitor, path: string, status = 403) => {
    const answer = await back(visitor, path)
    expect([answer.status, visitor.session, answer.headers['content-type']]).toEqual([
      status,
      undefined,
      'text/html; charset=utf-8',
    ])
    return answer.body
  }

  test('that is taken a second time, also with the cookie of the first', async () => {
    const visitor = new Visitor(urlOf(house))
    issuer.person = ADA
    const path = await away(visitor)
    const flow = visitor.cookies.get('cadre_flow')
    expect((await back(visitor, path)).status).toBe(303)
    visitor.cookies.delete('cadre_session')
    await refused(visitor, path)
    visitor.cookies.set('cadre_flow', String(flow))
    await refused(visitor, path)
  })

  test('in another browser than went away, with its own flow or none', async () => {
    issuer.person = ADA
    const attacker = new Visitor(urlOf(house))
    const path = await away(attacker)
    expect(await refused(new Visitor(urlOf(house)), path)).toContain('another browser')
    const victim = new Visitor(urlOf(house))
    const own = new URL(await away(victim), urlOf(house))
    const injected = new URL(path, urlOf(house))
    // The victim's state with the attacker's code: the verifier does not fit.
    injected.searchParams.set('state', own.searchParams.get('state') ?? '')
    await refused(victim, `${injected.pathname}${injected.search}`)
    const other = new Visitor(urlOf(house))
    await away(other)
    await refused(other, path)
  })

  test('whose answer was tampered with: the state, the issuer, the cookie', async () => {
    for (const [name, value] of [
      ['state', 'x'],
      ['iss', 'https://evil.example'],
      ['code', 'x'],
    ] as const) {
      const visitor = new Visitor(urlOf(house))
      const path = new URL(await away(visitor), urlOf(house))
      path.searchParams.set(name, value)
      await refused(visitor, `${path.pathname}${path.search}`)
    }
    const visitor = new Visitor(urlOf(house))
    const path = await away(visitor)
    visitor.cookies.set('cadre_flow', `${visitor.cookies.get('cadre_flow')}x`)
    await refused(visitor, path)
  })

  test.each([
    ['another nonce', { nonce: 'x' }],
    ['another audience', { aud: 'other' }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['an end that has come', { exp: 1_000 }],
    ['nobody', { sub: '' }],
  ])('with an ID token of %s', async (_what, claims) => {
    issuer.person = ADA
    const visitor = new Visitor(urlOf(house))
    const path = await away(visitor)
    issuer.idTokenClaims = claims
    const body = await refused(visitor, path)
    expect(body).not.toMatch(/node_modules|JWT/)
  })

  test('when the person did not agree, with words for them, and none of the address’s', async () => {
    issuer.nextError = 'access_denied'
    const visitor = new Visitor(urlOf(house))
    expect(await refused(visitor, await away(visitor))).toContain('You did not sign in at Acme')
    issuer.nextError = '<script>alert(1)</script>'
    expect(await refused(visitor, await away(visitor))).not.toContain('alert(1)')
    issuer.nextError = 'login_required'
    expect(await refused(visitor, await away(visitor))).toContain('(login_required)')
    issuer.nextError = 'temporarily_unavailable'
    await refused(visitor, await away(visitor), 503)
  })

  test.each([
    ['a failure', { status: 502, body: '<html>' }, 503],
    ['a refusal', { status: 400, body: { error: 'invalid_client', error_description: 's3cret-0' } }, 403],
    ['a refusal that is none', { status: 400, body: { error: 5, access_token: 's3cret-1' } }, 403],
    [
      'an ID token that is none',
      { status: 200, body: { access_token: 's3cret-2', token_type: 'Bearer', id_token: 5 } },
      403,
    ],
    ['no access token', { status: 200, body: { refresh_token: 's3cret-3', id_token: 's3cret.4.5' } }, 403],
    [
      'a sealed ID token',
      { status: 200, body: { access_token: 's3cret-6', token_type: 'Bearer', id_token: 's3cret.7.8.9.10' } },
      403,
    ],
  ])(
    'whose code the issuer answers with %s: a page, and nothing of the answer in the log',
    async (_what, answer, status) => {
      const visitor = new Visitor(urlOf(house))
      const path = await away(visitor)
      issuer.nextAnswer = answer
      await refused(visitor, path, status)
      expect(logged.join('')).not.toMatch(/s3cret|"level":"error"/)
    },
  )
})

test('while the issuer is away people are told', async () => {
  await issuer.goAway()
  try {
    const empty = await openHouse({ log, env: { OIDC_ISSUER: issuer.url, OIDC_CLIENT_ID: 'cadre', OIDC_NAME: 'Acme' } })
    const page = await new Visitor(urlOf(empty)).visit('/sign-in/oidc')
    await empty.close()
    expect([page.status, page.body.includes('cannot be reached')]).toEqual([503, true])
  } finally {
    await issuer.comeBack()
  }
})
