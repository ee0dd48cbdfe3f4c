import { describe, expect, test } from 'vitest'
import { caller, PASSWORD, sessionOf, signedUp } from './people.ts'
import { standingHouse } from './standing-house.ts'

const house = standingHouse()

const VIEWER = `{ viewer { actor { kind name } role permissions workspace { slug } account { email name hasPassword
  workspaces { slug role } sessions { id current kind userAgent } } } }`

const issue = (field: string, code: string) => ({ __typename: 'InvalidInputError', issues: [{ field, code }] })
const nobody = () => caller(house)

describe('signing up', () => {
  test('makes an account that is in no workspace, and sees itself and nothing else', async () => {
    const grace = await signedUp(house)
    expect(grace.workspace).toBeNull()
    expect(await grace.query(VIEWER)).toEqual({
      viewer: {
        actor: null,
        role: null,
        permissions: [],
        workspace: null,
        account: {
          email: grace.email,
          name: 'Grace',
          hasPassword: true,
          workspaces: [],
          sessions: [{ id: expect.stringMatching(/^session_/), current: true, kind: 'PROGRAM', userAgent: 'node' }],
        },
      },
    })
    await expect(grace.query('{ deals { nodes { id } } }')).rejects.toMatchObject({ code: 'FORBIDDEN' })
    const answer = await grace.mutate('createContact', { name: 'Kim' })
    expect(answer).toMatchObject({ __typename: 'ForbiddenError' })
    expect(await grace.query('{ node(id: "workspace_00000000-0000-0000-0000-000000000000") { id } }')).toEqual({
      node: null,
    })
  })

  test('founds a workspace, whose owner it makes: with all that an owner may, and in the log', async () => {
    const grace = await signedUp(house, 'Söhne & Töchter')
    expect(grace.workspace).toMatchObject({ slug: 'sohne-tochter', role: 'OWNER' })
    expect(await grace.query(VIEWER)).toMatchObject({
      viewer: {
        actor: { kind: 'MEMBER', name: 'Grace' },
        role: 'OWNER',
        permissions: expect.arrayContaining(['OWNERS_WRITE', 'KEYS_WRITE']),
        workspace: { slug: 'sohne-tochter' },
        account: { workspaces: [{ slug: 'sohne-tochter', role: 'OWNER' }] },
      },
    })
    expect(await grace.query('{ events(last: 5) { nodes { type summary } } }')).toEqual({
      events: { nodes: [{ type: 'MEMBER_JOINED', summary: 'Grace joined as OWNER' }] },
    })
    const again = await signedUp(house, 'Söhne & Töchter')
    expect(again.workspace?.slug).toMatch(/^sohne-tochter-[0-9a-f]{6}$/)
  })

  test('refuses what is no address or no password, and an address that has an account', async () => {
    const { email } = await signedUp(house)
    const input = { email: 'new@people.example', password: PASSWORD, name: 'Grace' }
    const signUp = (other: Record<string, unknown>) => nobody().mutate('signUp', { ...input, ...other })
    expect(await signUp({ email: 'nowhere' })).toMatchObject(issue('email', 'INVALID_FORMAT'))
    expect(await signUp({ password: 'elevenchars' })).toMatchObject(issue('password', 'TOO_SHORT'))
    expect(await signUp({ password: '🦊'.repeat(11) })).toMatchObject(issue('password', 'TOO_SHORT'))
    expect(await signUp({ password: 'x'.repeat(257) })).toMatchObject(issue('password', 'TOO_LONG'))
    for (const password of [
      'password123456',
      'Password-Password',
      'aaaaaaaaaaaaaa',
      'new@people.example',
      'QWERTYuiop1234',
    ]) {
      expect([password, await signUp({ password })]).toMatchObject([password, issue('password', 'NOT_ALLOWED')])
    }
    expect(await signUp({ name: ' ' })).toMatchObject(issue('name', 'TOO_SHORT'))
    expect(await signUp({ inviteToken: 'cadre_invite_nothing' })).toMatchObject(
      issue('inviteToken', 'UNKNOWN_REFERENCE'),
    )
    expect(await signUp({ workspace: { name: 'Mine', timeZone: 'Mars/One' } })).toMatchObject({
      __typename: 'InvalidInputError',
    })
    expect(await signUp({ workspace: { name: 'Mine', slug: 'demo' } })).toMatchObject({ reason: 'DUPLICATE' })
    expect(await signUp({ email: email.toUpperCase() })).toMatchObject({
      __typename: 'ConflictError',
      reason: 'DUPLICATE',
    })
  })

  test('is whole or not there: where the workspace cannot be founded, there is no account either', async () => {
    const { workspace } = await signedUp(house, 'Taken already')
    const email = 'half@people.example'
    const input = { email, password: PASSWORD, name: 'Half' }
    const half = await nobody().mutate('signUp', { ...input, workspace: { name: 'Mine', slug: workspace?.slug } })
    expect(half).toMatchObject({ __typename: 'ConflictError', reason: 'DUPLICATE' })
    expect(sessionOf(await nobody().mutate('signUp', input))).toMatchObject({ account: { email }, workspace: null })
  })

  test('20 at once with one address make one account, and none is half made', async () => {
    const input = { email: 'race@people.example', password: PASSWORD, name: 'Race', workspace: { name: 'Race' } }
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        nobody()
          .mutate('signUp', input)
          .catch((refused: { code: string }) => refused),
      ),
    )
    expect(answers.filter((answer) => '__typename' in answer && answer.__typename === 'SignUpPayload')).toHaveLength(1)
    const count = async (table: 'account' | 'workspace', column: 'email' | 'name', value: string) =>
      (
        await house.db.systemSql
          .selectFrom(table)
          .select('id')
          .where(column as never, '=', value as never)
          .execute()
      ).length
    expect([await count('account', 'email', input.email), await count('workspace', 'name', 'Race')]).toEqual([1, 1])
  })
})

describe('logging in', () => {
  test('opens a session of its own, in the workspace that is asked for or was the last', async () => {
    const grace = await signedUp(house, 'First house')
    const second = sessionOf(await grace.mutate('createWorkspace', { name: 'Second house' }))
    const logIn = async (input: Record<string, unknown> = {}) =>
      await nobody().mutate('logIn', { email: grace.email, password: PASSWORD, ...input })
    const last = sessionOf(await logIn())
    expect(last.workspace?.slug).toBe(second.workspace?.slug)
    const asked = sessionOf(await logIn({ workspace: grace.workspace?.slug, email: ` ${grace.email.toUpperCase()}` }))
    expect(asked.workspace?.slug).toBe(grace.workspace?.slug)
    expect(await logIn({ workspace: 'no-such-house' })).toMatchObject(issue('workspace', 'UNKNOWN_REFERENCE'))
    const { viewer } = await caller(house, asked.accessToken.token).query(VIEWER)
    expect((viewer as { account: { sessions: unknown[] } }).account.sessions).toHaveLength(3)
  })

  test('with whatever is wrong has one answer, and after five of them the right one must wait', async () => {
    const grace = await signedUp(house)
    const refusalOf = (email: string, password: string) =>
      nobody()
        .mutate('logIn', { email, password })
        .then(
          (answer) => answer,
          ({ message, code }: { message: string; code: unknown }) => ({ message, code }),
        )
    const wrong = await refusalOf(grace.email, 'not the password')
    expect(wrong).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(await refusalOf('nobody@people.example', PASSWORD)).toEqual(wrong)
    expect(await refusalOf('no address at all', PASSWORD)).toEqual(wrong)
    for (let n = 0; n < 4; n++) expect(await refusalOf(grace.email, 'not the password')).toEqual(wrong)
    const waiting = { __typename: 'LimitExceededError', code: 'LIMIT_EXCEEDED' }
    expect(await refusalOf(grace.email, PASSWORD)).toMatchObject(waiting)
    expect(await refusalOf(grace.email, 'not the password')).toMatchObject(waiting)
  })

  test('heeds no idempotency key: each one is a session of its own, and nothing of a password is stored', async () => {
    const grace = await signedUp(house)
    const claims = async () => (await house.db.systemSql.selectFrom('idempotencyClaim').selectAll().execute()).length
    const before = await claims()
    const keyed = caller(house, grace.accessToken.token, { 'idempotency-key': 'one and the same' })
    const sessions = [1, 2].map(() => keyed.mutate('logIn', { email: grace.email, password: PASSWORD }))
    const [one, two] = await Promise.all(sessions.map(async (answer) => sessionOf(await answer)))
    expect(one?.refreshToken).toEqual(expect.stringMatching(/^cadre_refresh_/))
    expect(one?.refreshToken).not.toBe(two?.refreshToken)
    await keyed.mutate('changePassword', { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` })
    expect(await claims()).toBe(before)
  })
})

describe('refreshing', () => {
  test('20 at once with one token are all let in, and the session lives on with one token', async () => {
    const grace = await signedUp(house)
    const refresh = async (refreshToken: string) => sessionOf(await nobody().mutate('refreshSession', { refreshToken }))
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(grace.refreshToken)))
    const [next = ''] = new Set(answers.map(({ refreshToken }) => refreshToken))
    expect(new Set(answers.map(({ refreshToken }) => refreshToken)).size).toBe(1)
    const last = await refresh(next)
    expect(await caller(house, last.accessToken.token).query('{ viewer { account { email } } }')).toEqual({
      viewer: { account: { email: grace.email } },
    })
    await expect(refresh(grace.refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await expect(refresh(last.refreshToken)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await expect(refresh('cadre_refresh_nothing')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})

describe('workspaces of an account', () => {
  test('are founded and switched to, and nobody switches to another’s', async () => {
    const [grace, other] = [await signedUp(house, 'Grace & Co'), await signedUp(house, 'Not hers')]
    const key = { 'idempotency-key': 'found it once' }
    const found = () => caller(house, grace.accessToken.token, key).mutate('createWorkspace', { name: 'Another one' })
    const [first, replay] = [sessionOf(await found()), sessionOf(await found())]
    expect(replay.workspace).toEqual(first.workspace)
    const inIt = caller(house, first.accessToken.token)
    expect(await inIt.query('{ viewer { workspace { slug } account { workspaces { slug } } } }')).toEqual({
      viewer: {
        workspace: { slug: 'another-one' },
        account: { workspaces: [{ slug: 'grace-co' }, { slug: 'another-one' }] },
      },
    })
    const back = sessionOf(await inIt.mutate('switchWorkspace', { workspace: grace.workspace?.workspaceId }))
    expect(await caller(house, back.accessToken.token).query('{ viewer { workspace { slug } } }')).toEqual({
      viewer: { workspace: { slug: 'grace-co' } },
    })
    expect(sessionOf(await inIt.mutate('switchWorkspace', { workspace: null })).workspace).toBeNull()
    const stranger = { workspace: other.workspace?.workspaceId }
    expect(await grace.mutate('switchWorkspace', stranger)).toMatchObject({ __typename: 'NotFoundError' })
    const ghost = { workspace: 'workspace_0197a000-dead-7000-8000-00000000beef' }
    expect(await grace.mutate('switchWorkspace', ghost)).toMatchObject({ __typename: 'NotFoundError' })
  })

  test('a member who signed in makes keys and works, as their role allows', async () => {
    const grace = await signedUp(house, 'Works')
    const made = await grace.mutate('createApiKey', { name: 'Board', permissions: ['DEALS_READ'] }, 'secret')
    expect(made).toMatchObject({ secret: expect.stringMatching(/^cadre_test_/) })
    const contact = await grace.mutate(
      'createContact',
      { name: 'Kim' },
      'contact { name timeline { nodes { summary } } }',
    )
    expect(contact).toMatchObject({ contact: { timeline: { nodes: [{ summary: expect.stringContaining('Grace') }] } } })
    const key = caller(house, String(made.secret))
    await expect(key.mutate('logOut', {})).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(await key.query('{ viewer { account { email } role } }')).toEqual({ viewer: { account: null, role: null } })
  })
})
