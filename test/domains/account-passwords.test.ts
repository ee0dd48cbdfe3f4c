import { describe, expect, test } from 'vitest'
import { shownUrl } from '../../src/platform/http/shown-url.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { mailsTo, mailTo } from '../support/mail-folder.ts'
import { caller, PASSWORD, sessionOf, signedUp } from './people.ts'
import { standingHouse } from './standing-house.ts'

const NEW = 'another long password'

const house = standingHouse()

const nobody = () => caller(house)
const logIn = async (email: string, password: string) => sessionOf(await nobody().mutate('logIn', { email, password }))
const works = (token: string) =>
  caller(house, token)
    .query('{ viewer { account { email } } }')
    .then(
      () => true,
      () => false,
    )

const mailsOf = (address: string) => mailsTo(house.mailFolder, address).map(({ mail }) => mail)

async function resetToken(email: string): Promise<string> {
  expect(await nobody().mutate('requestPasswordReset', { email })).toMatchObject({ accepted: true })
  return /cadre_reset_[\w-]{43}/.exec(await mailTo(house.mailFolder, email, 'cadre_reset_'))?.[0] ?? ''
}

describe('a password', () => {
  test('is changed by who knows it, and every other session ends', async () => {
    const grace = await signedUp(house)
    const other = await logIn(grace.email, PASSWORD)
    const change = (currentPassword: string, newPassword: string) =>
      grace.mutate('changePassword', { currentPassword, newPassword }, 'account { email }')
    const wrong = { __typename: 'InvalidInputError', issues: [{ field: 'currentPassword', code: 'NOT_ALLOWED' }] }
    expect(await change('not the password', NEW)).toMatchObject(wrong)
    const easy = { __typename: 'InvalidInputError', issues: [{ field: 'newPassword', code: 'NOT_ALLOWED' }] }
    expect(await change(PASSWORD, grace.email)).toMatchObject(easy)
    expect(await works(other.accessToken.token)).toBe(true)
    expect(await change(PASSWORD, NEW)).toMatchObject({ account: { email: grace.email } })
    expect(await works(grace.accessToken.token)).toBe(true)
    await expect.poll(() => works(other.accessToken.token), { timeout: 4_000 }).toBe(false)
    await expect(nobody().mutate('refreshSession', { refreshToken: other.refreshToken })).rejects.toThrow()
    await expect(logIn(grace.email, PASSWORD)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(await logIn(grace.email, NEW)).toMatchObject({ account: { email: grace.email } })
  })

  test('is not guessed by who sits at the desk: after five wrong ones the right one must wait', async () => {
    const grace = await signedUp(house)
    const change = (currentPassword: string) => grace.mutate('changePassword', { currentPassword, newPassword: NEW })
    for (let n = 0; n < 5; n++) expect(await change(`wrong number ${n}`)).toMatchObject({ code: 'INVALID_INPUT' })
    expect(await change(PASSWORD)).toMatchObject({ code: 'LIMIT_EXCEEDED' })
  })

  test('of which two at once are set is one of the two', async () => {
    const grace = await signedUp(house)
    const answers = await Promise.all(
      ['the first new password', 'the second new password'].map((newPassword) =>
        grace.mutate('changePassword', { currentPassword: PASSWORD, newPassword }, 'account { email }'),
      ),
    )
    expect(answers.filter((answer) => answer.__typename === 'ChangePasswordPayload')).toHaveLength(1)
  })
})

describe('a password that was forgotten', () => {
  test('is set anew by the link in the mail, once; every session ends, and the link leads to the settings’ address', async () => {
    const grace = await signedUp(house)
    // Whoever made it with an address that is not theirs connected an issuer's subject of their own.
    const account = await house.db.systemSql
      .selectFrom('account')
      .select('id')
      .where('emailFolded', '=', grace.email)
      .executeTakeFirstOrThrow()
    const identity = { id: newId(), issuer: 'https://login.example', subject: grace.email, accountId: account.id }
    await house.db.systemSql.insertInto('accountIdentity').values(identity).execute()
    const token = await resetToken(grace.email)
    expect(mailsOf(grace.email).at(-1)).toContain(
      `${shownUrl(new URL(house.endpoint).origin)}/reset-password?token=${token}`,
    )
    const reset = (password: string) => nobody().mutate('resetPassword', { token, password })
    expect(await reset('short')).toMatchObject({ issues: [{ field: 'password', code: 'TOO_SHORT' }] })
    const answers = await Promise.all(Array.from({ length: 10 }, () => reset(NEW)))
    expect(answers.filter((answer) => answer.reset === true)).toHaveLength(1)
    expect(await reset(`${NEW}!`)).toMatchObject({ issues: [{ field: 'token', code: 'UNKNOWN_REFERENCE' }] })
    await expect.poll(() => works(grace.accessToken.token), { timeout: 4_000 }).toBe(false)
    const again = await logIn(grace.email, NEW)
    const left = house.db.systemSql.selectFrom('accountIdentity').select('subject').where('accountId', '=', account.id)
    expect(await left.execute()).toEqual([])
    const verified = await caller(house, again.accessToken.token).query('{ viewer { account { emailVerified } } }')
    expect(verified).toEqual({ viewer: { account: { emailVerified: true } } })
  })

  test('lets in again who was slowed down by somebody’s guessing', async () => {
    const grace = await signedUp(house)
    for (let n = 0; n < 5; n++)
      await nobody()
        .mutate('logIn', { email: grace.email, password: 'guess' })
        .catch(() => {})
    expect(await nobody().mutate('logIn', { email: grace.email, password: PASSWORD })).toMatchObject({
      code: 'LIMIT_EXCEEDED',
    })
    await nobody().mutate('resetPassword', { token: await resetToken(grace.email), password: NEW })
    await expect
      .poll(() => logIn(grace.email, NEW).catch(() => undefined))
      .toMatchObject({ account: { email: grace.email } })
  })

  test('of nobody is answered like anybody’s, and no mail goes out; more than three go to nobody', async () => {
    const grace = await signedUp(house)
    const ask = (email: string) => nobody().mutate('requestPasswordReset', { email }, 'accepted')
    const answer = await ask('nobody@people.example')
    for (let n = 0; n < 5; n++) expect(await ask(grace.email)).toEqual(answer)
    await expect.poll(() => mailsOf(grace.email)).toHaveLength(3)
    expect(mailsOf('nobody@people.example')).toEqual([])
  })
})
