// Signing in at an issuer of OpenID Connect, with a browser and with its bearer tokens.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { type House, openHouse } from '../domains/house.ts'
import { type FakeIssuer, openIssuer } from '../support/issuer.ts'
import { type Answered, PASSWORD, signedUp, Visitor } from './browser-visitor.ts'

let issuer: FakeIssuer
let house: House
let linking: House
const log = createLogger({ level: 'error', format: 'json' })
const ADA = { sub: 'ada', email: 'ada@example.com', email_verified: true, name: 'Ada Lovelace' }

beforeAll(async () => {
  issuer = await openIssuer({ clientId: 'cadre', clientSecret: 'shared-with-nobody' })
  const env = {
    OIDC_ISSUER: issuer.url,
    OIDC_CLIENT_ID: 'cadre',
    OIDC_CLIENT_SECRET: 'shared-with-nobody',
    OIDC_NAME: 'Acme',
  }
  house = await openHouse({ log, env })
  linking = await openHouse({ log, env: { ...env, OIDC_LINK_BY_EMAIL: 'on', SIGN_UP: 'invited' } })
})
afterAll(async () => {
  await house.close()
  await linking.close()
  await issuer.close()
})
afterEach(() => {
  issuer.idTokenClaims = {}
  issuer.nextError = undefined
})

const urlOf = (of: House) => new URL(of.endpoint).origin
const WHO = '{ viewer { account { email name } workspace { name } } }'

/** Goes to the issuer and signs in there; returns the address that it leads back to. */
async function away(visitor: Visitor, from = '/sign-in/oidc'): Promise<string> {
  const { status, location = '', body } = await visitor.visit(from)
  if (status !== 303) throw new Error(`${status}: ${body}`)
  return await atIssuer(location)
}

async function atIssuer(location: string): Promise<string> {
  const answer = await fetch(location, { redirect: 'manual' })
  const back = new URL(answer.headers.get('location') ?? '')
  return `${back.pathname}${back.search}`
}

const back = (visitor: Visitor, path: string): Promise<Answered> =>
  visitor.visit(path, { 'sec-fetch-site': 'cross-site' })

const come = async (visitor: Visitor, person: FakeIssuer['person'], from?: string): Promise<Answered> => {
  issuer.person = person
  return await back(visitor, await away(visitor, from))
}

const emailOf = async (visitor: Visitor): Promise<string | undefined> => {
  const { body } = await visitor.ask(WHO)
  return (body as { data?: { viewer?: { account?: { email?: string } } } }).data?.viewer?.account?.email
}

const ask = async (of: House, token: string, headers: Record<string, string> = {}) => {
  const response = await fetch(of.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ query: WHO }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

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

  test('connects it to their account with one press while signed in, and signs in with it from then on', async () => {
    const owner = await signedUp(urlOf(house), 'jean@example.com')
    issuer.person = { sub: 'jean' }
    const page = await owner.submit('/account', {}, { to: '/account/connect' })
    const href = /class="button" href="([^"]+)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const path = await atIssuer(href)
    // Somebody else's browser gets nothing by the same address.
    expect((await back(new Visitor(urlOf(house)), path)).status).toBe(403)
    expect((await back(owner, path)).location).toBe('/account?done=connected')
    const visitor = new Visitor(urlOf(house))
    await come(visitor, { sub: 'jean' })
    expect(await emailOf(visitor)).toBe('jean@example.com')
    // And nobody else connects the same person of the issuer's.
    const other = await signedUp(urlOf(house), 'betty@example.com')
    const again = await other.submit('/account', {}, { to: '/account/connect' })
    const link = /class="button" href="([^"]+)"/.exec(again.body)?.[1]?.replaceAll('&amp;', '&') ?? ''
    expect((await back(other, await atIssuer(link))).status).toBe(409)
  })

  test('gets the account of their confirmed address where the setting says so, and whoever had made it is out', async () => {
    const squatter = await signedUp(urlOf(house), 'mary@example.com')
    expect(await emailOf(squatter)).toBe('mary@example.com')
    await copyAccount('mary@example.com')
    const visitor = new Visitor(urlOf(linking))
    const unconfirmed = await come(visitor, { sub: 'mary', email: 'mary@example.com', email_verified: false })
    expect(unconfirmed.status).toBe(403)
    expect((await come(visitor, { sub: 'mary', email: 'mary@example.com', email_verified: true })).status).toBe(303)
    expect(await emailOf(visitor)).toBe('mary@example.com')
    const before = await new Visitor(urlOf(linking)).submit('/sign-in', {
      email: 'mary@example.com',
      password: PASSWORD,
    })
    expect(before.status).toBe(401)
  })

  test('has an account where people are invited only if an invite waits for their confirmed address', async () => {
    const stranger = new Visitor(urlOf(linking))
    const answer = await come(stranger, { sub: 'kay', email: 'kay@example.com', email_verified: true })
    expect([answer.status, answer.body.includes('invite')]).toEqual([403, true])
    const acme = await linking.workspace('Acme')
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

/** The account as it is in the one house, in the other. */
async function copyAccount(email: string): Promise<void> {
  const row = await house.db.systemSql
    .selectFrom('account')
    .selectAll()
    .where('emailFolded', '=', email)
    .executeTakeFirstOrThrow()
  await linking.db.systemSql.insertInto('account').values(row).execute()
}

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
    issuer.nextError = 'temporarily_unavailable'
    await refused(visitor, await away(visitor), 503)
  })
})

describe('a bearer token of the issuer', () => {
  const token = (claims: object = {}) => issuer.token({ sub: 'ada', aud: 'cadre', ...claims })

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
      JSON.stringify({ iss: issuer.url, sub: 'ada', aud: 'cadre', exp: 9_999_999_999 }),
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
})

test('while the issuer is away its tokens are unavailable, and people are told', async () => {
  const empty = await openHouse({
    log: createLogger({ level: 'error', format: 'json' }),
    env: { OIDC_ISSUER: issuer.url, OIDC_CLIENT_ID: 'cadre', OIDC_NAME: 'Acme' },
  })
  await issuer.goAway()
  try {
    const answer = await ask(empty, await issuer.token({ sub: 'ada', aud: 'cadre' }))
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([503, expect.stringContaining('UNAVAILABLE')])
    const page = await new Visitor(urlOf(empty)).visit('/sign-in/oidc')
    expect([page.status, page.body.includes('cannot be reached')]).toEqual([503, true])
  } finally {
    await issuer.comeBack()
    await empty.close()
  }
})
