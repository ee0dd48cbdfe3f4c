import { beforeAll, describe, expect, test } from 'vitest'
import { shownUrl } from '../../src/platform/http/shown-url.ts'
import { standingHouse } from '../domains/standing-house.ts'
import { mailsTo } from '../support/mail-folder.ts'
import { PASSWORD, signedUp, Visitor } from './browser-visitor.ts'

// Pages of signing in as a browser without a script uses them.

const house = standingHouse()
let url: string
let people = 0
const newEmail = () => `person-${++people}@example.com`

beforeAll(async () => {
  url = new URL(house.endpoint).origin
})

const WHO = '{ viewer { workspace { name } } }'
const nameOf = async (visitor: Visitor) =>
  ((await visitor.ask(WHO)).body as { data?: { viewer?: { workspace?: { name?: string } } } }).data?.viewer?.workspace
    ?.name

const signIn = (visitor: Visitor, email: string, password = PASSWORD, page = '/sign-in') =>
  visitor.submit(page, { email, password }, { to: '/sign-in' })

describe('a person', () => {
  test('signs up with a workspace, is signed in by a cookie that no script reads, and signs out', async () => {
    const visitor = new Visitor(url)
    const answer = await visitor.submit('/sign-up', {
      email: newEmail(),
      name: 'Grace',
      password: PASSWORD,
      workspaceName: 'Navy & Co',
    })
    expect([answer.status, answer.location]).toEqual([303, '/'])
    const [cookie] = answer.headers['set-cookie'] ?? []
    expect(cookie).toMatch(/^cadre_session=cadre_browser_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/)
    expect(await nameOf(visitor)).toBe('Navy & Co')
    const { body } = await visitor.visit('/')
    expect(body).toContain('Navy &amp; Co workspace')
    expect(body).toContain('Signed in as')
    const before = visitor.session
    const out = await visitor.submit('/', {}, { to: '/sign-out' })
    expect([out.status, out.location, visitor.session]).toEqual([303, '/', undefined])
    const thief = new Visitor(url)
    thief.cookies.set('cadre_session', String(before))
    expect((await thief.ask(WHO)).status).toBe(401)
    expect((await thief.visit('/')).body).toContain('Sign in')
    expect(thief.session).toBeUndefined()
  })

  test('signs in where they left off, with another secret than before, and goes on where they wanted to', async () => {
    const email = newEmail()
    const first = await signedUp(url, email)
    const other = new Visitor(url)
    const answer = await signIn(other, email.toUpperCase(), PASSWORD, '/sign-in?next=/graphql%3Fquery%3D%7Ba%7D')
    expect([answer.status, answer.location]).toEqual([303, '/graphql?query={a}'])
    expect(other.session).not.toBe(first.session)
    expect([await nameOf(first), await nameOf(other)]).toEqual(['Fleet', 'Fleet'])
  })

  test('is told the same for a wrong password and an address that nobody has, and keeps what they typed', async () => {
    const email = newEmail()
    await signedUp(url, email)
    const told: string[] = []
    for (const [who, password] of [[email, 'not my password'] as const, ['nobody@example.com', PASSWORD] as const]) {
      const { status, body } = await signIn(new Visitor(url), who, password)
      expect(status).toBe(401)
      expect(body).toContain(`value="${who}"`)
      expect(body).not.toContain(password)
      told.push(/role="alert">([\s\S]*?)<\/div>/.exec(body)?.[1] ?? '')
    }
    expect(told[0]).toContain('wrong')
    expect(told[0]).toBe(told[1])
  })

  test('has each fault of a sign-up beside its field', async () => {
    const email = newEmail()
    await signedUp(url, email)
    const sent = { email: 'nowhere', name: '', password: 'short', workspaceName: '' }
    const { status, body } = await new Visitor(url).submit('/sign-up', sent)
    expect(status).toBe(422)
    for (const name of Object.keys(sent)) expect(body).toContain(`id="${name}-error"`)
    const taken = await new Visitor(url).submit('/sign-up', {
      ...sent,
      email,
      name: 'G',
      password: PASSWORD,
      workspaceName: 'Wide',
    })
    expect([taken.status, taken.body.includes('id="email-error"')]).toEqual([422, true])
  })

  test('who forgot their password gets a link by mail that sets another, once, and ends every session', async () => {
    const email = newEmail()
    const before = await signedUp(url, email)
    const visitor = new Visitor(url)
    const asked = await visitor.submit('/forgot-password', { email })
    const unknown = await new Visitor(url).submit('/forgot-password', { email: 'nobody@example.com' })
    expect([asked.status, asked.location]).toEqual([unknown.status, unknown.location])
    const link = await expect
      .poll(() => linkTo(email))
      .toBeTruthy()
      .then(() => linkTo(email))
    const page = link.slice(link.indexOf('/reset-password'))
    const short = await visitor.submit(page, { password: 'short' }, { to: '/reset-password' })
    expect([short.status, short.body.includes('id="password-error"')]).toEqual([422, true])
    const done = await visitor.submit(page, { password: `${PASSWORD}!` }, { to: '/reset-password' })
    expect([done.status, done.location]).toEqual([303, '/sign-in?reset'])
    const again = await visitor.submit(page, { password: `${PASSWORD}?` }, { to: '/reset-password' })
    expect([again.status, again.body.includes('This link is over')]).toEqual([422, true])
    await expect.poll(async () => (await before.ask(WHO)).status).toBe(401)
    expect((await signIn(visitor, email)).status).toBe(401)
    expect((await signIn(visitor, email, `${PASSWORD}!`)).status).toBe(303)
  })

  test('changes their address on their page, by a link that is mailed to the new one and a press of a button', async () => {
    const [email, next] = [newEmail(), newEmail()]
    const visitor = await signedUp(url, email)
    const ask = (fields: Record<string, string>) => visitor.submit('/account', fields, { to: '/account/email' })
    const wrong = await ask({ email: next, currentPassword: 'not my password' })
    expect([wrong.status, wrong.body.includes('id="email-currentPassword-error"')]).toEqual([422, true])
    expect(wrong.body).toContain(`value="${next}"`)
    const asked = await ask({ email: next, currentPassword: PASSWORD })
    expect([asked.status, asked.location]).toEqual([303, '/account?done=email-asked'])
    await expect.poll(() => linkTo(next), { timeout: 10_000 }).toContain('/confirm-email?token=')
    const page = linkTo(next).replace(shownUrl(url), '')
    const strangers = new Visitor(url)
    // A mail program that looks at the link has not pressed anything.
    expect((await strangers.visit(page)).body).toContain('Make it mine')
    const done = await visitor.submit(page, {}, { to: '/confirm-email' })
    expect([done.status, done.location]).toEqual([303, '/account?done=email'])
    const { body } = await visitor.visit(String(done.location))
    expect([body.includes(next), body.includes('Your e-mail address is changed')]).toEqual([true, true])
    const again = await strangers.submit(page, {}, { to: '/confirm-email' })
    expect([again.status, again.body.includes('This link is over')]).toEqual([422, true])
    expect((await strangers.visit('/confirm-email?token=half')).status).toBe(404)
    expect((await signIn(strangers, email)).status).toBe(401)
    expect((await signIn(strangers, next)).status).toBe(303)
  })

  test('who opens that link where they are not signed in goes on to sign in', async () => {
    const [email, next] = [newEmail(), newEmail()]
    const visitor = await signedUp(url, email)
    await visitor.submit('/account', { email: next, currentPassword: PASSWORD }, { to: '/account/email' })
    await expect.poll(() => linkTo(next), { timeout: 10_000 }).toContain('/confirm-email?token=')
    const phone = new Visitor(url)
    const done = await phone.submit(linkTo(next).replace(shownUrl(url), ''), {}, { to: '/confirm-email' })
    expect([done.status, done.location]).toEqual([303, '/sign-in?moved'])
    expect((await phone.visit('/sign-in?moved')).body).toContain('Your e-mail address is changed. Sign in with it.')
    await expect.poll(async () => (await visitor.ask(WHO)).status, { timeout: 4_000 }).toBe(401)
  })

  test('erases their account on their page, by their password, once somebody else owns their workspace', async () => {
    const [email, colleague] = [newEmail(), newEmail()]
    const visitor = await signedUp(url, email)
    const filled = (as: Visitor, currentPassword: string) =>
      as.fill('/account', { currentPassword }, { to: '/account/erase' })
    const erase = async (currentPassword: string) => (await filled(visitor, currentPassword))()
    const alone = await erase(PASSWORD)
    expect([alone.status, alone.body.includes('You are the last owner of Fleet.')]).toEqual([409, true])
    await visitor.ask(`mutation { inviteMember(input: { email: "${colleague}", role: OWNER }) { __typename } }`)
    await expect.poll(() => linkTo(colleague), { timeout: 10_000 }).toContain('/invite')
    const invite = linkTo(colleague).split('/').at(-1) ?? ''
    const joined = await new Visitor(url).submit(`/sign-up?invite=${invite}`, {
      email: colleague,
      name: 'Kim',
      password: PASSWORD,
    })
    expect(joined.status).toBe(303)
    for (const wrong of ['', 'not my password']) {
      const refused = await erase(wrong)
      expect([refused.status, refused.body.includes('id="account-erase-currentPassword-error"')]).toEqual([422, true])
    }
    const [again, thief] = [new Visitor(url), new Visitor(url)]
    for (const other of [again, thief]) other.cookies.set('cadre_session', String(visitor.session))
    const [press, pressAgain] = [await filled(visitor, PASSWORD), await filled(again, PASSWORD)]
    const [done, late] = await Promise.all([press(), pressAgain()])
    // One of the two presses erases; the other finds nobody any more.
    expect([done.status, late.status].sort()).toEqual([200, 303])
    expect(done.body + late.body).toMatch(/Your account is erased[\s\S]*account_erasure_\w+/)
    expect((await thief.ask(WHO)).status).toBe(401)
    expect((await signIn(new Visitor(url), email)).status).toBe(401)
  })
})

/** The link of the first mail to an address; empty while there is none. */
function linkTo(email: string): string {
  const [first] = mailsTo(house.mailFolder, email)
  return /http\S+\/(?:reset-password|confirm-email|invite)\S+/.exec(first?.mail ?? '')?.[0] ?? ''
}
