import { describe, expect, test } from 'vitest'
import { caller, PASSWORD, sessionOf, signedUp } from './people.ts'
import { standingHouse } from './standing-house.ts'

const house = standingHouse()

const logIn = async (email: string, workspace?: string) =>
  sessionOf(await caller(house).mutate('logIn', { email, password: PASSWORD, workspace }))

/** A stream of server-sent events, to its end. */
async function readToEnd(token: string): Promise<string> {
  const response = await fetch(house.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: 'subscription { events { id } }' }),
  })
  return await response.text()
}

const sessionsOf = async (as: { query: (document: string) => Promise<Record<string, unknown>> }) => {
  const { viewer } = await as.query('{ viewer { account { sessions { id current } } } }')
  return (viewer as { account: { sessions: { id: string; current: boolean }[] } }).account.sessions
}

describe('a session that ends', () => {
  test('takes its WebSockets and streams with it, and no other’s', async () => {
    const grace = await signedUp(house, 'Streams')
    const other = await logIn(grace.email, grace.workspace?.slug)
    const theirs = caller(house, other.accessToken.token).follow()
    const mine = grace.follow()
    await Promise.all([theirs.open, mine.open])
    const stream = readToEnd(other.accessToken.token)
    const doomed = (await sessionsOf(grace)).find(({ current }) => !current)
    expect(await grace.mutate('revokeSession', { id: doomed?.id })).toMatchObject({
      __typename: 'RevokeSessionPayload',
    })
    expect(await theirs.closed).toMatchObject({ code: 4403 })
    expect(await stream).toContain('UNAUTHENTICATED')
    expect(await sessionsOf(grace)).toEqual([{ id: expect.any(String), current: true }])
    expect(await grace.mutate('logOut', {})).toMatchObject({ loggedOut: true })
    expect(await mine.closed).toMatchObject({ code: 4403 })
    await expect(caller(house).mutate('refreshSession', { refreshToken: grace.refreshToken })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    })
  })

  test('is one’s own: another’s is not found, as one that there is not', async () => {
    const [grace, other] = [await signedUp(house), await signedUp(house)]
    const [theirs] = await sessionsOf(other)
    const ghost = 'session_0197a000-dead-7000-8000-00000000beef'
    for (const id of [theirs?.id, ghost]) {
      expect(await grace.mutate('revokeSession', { id })).toMatchObject({ __typename: 'NotFoundError' })
    }
    expect(await sessionsOf(other)).toHaveLength(1)
  })

  test('is ended with all others at once, or all but the one that asks', async () => {
    const grace = await signedUp(house)
    for (let n = 0; n < 2; n++) await logIn(grace.email)
    await grace.mutate('revokeSessions', {})
    expect(await sessionsOf(grace)).toHaveLength(1)
    const last = await logIn(grace.email)
    await grace.mutate('logOut', { everywhere: true })
    for (const token of [grace.accessToken.token, last.accessToken.token]) {
      await expect
        .poll(
          () =>
            caller(house, token)
              .query('{ viewer { role } }')
              .catch(({ code }) => code),
          { timeout: 4_000 },
        )
        .toBe('UNAUTHENTICATED')
    }
  })

  test('is ended for each that asks, also with an idempotency key that another has used', async () => {
    const grace = await signedUp(house, 'One key')
    const one = async (name: string, input: Record<string, unknown>) => {
      const { accessToken, refreshToken } = await logIn(grace.email, grace.workspace?.slug)
      const as = caller(house, accessToken.token, { 'idempotency-key': `one key for ${name}` })
      await as.mutate(name, input)
      return { as, refreshToken }
    }
    const isOver = (refreshToken: string) =>
      expect(caller(house).mutate('refreshSession', { refreshToken })).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
      })
    for (let n = 0; n < 2; n++) await isOver((await one('logOut', {})).refreshToken)
    const [first, second] = [await one('revokeSessions', {}), await one('revokeSessions', {})]
    await isOver(first.refreshToken)
    expect(await sessionsOf(second.as)).toEqual([{ id: expect.any(String), current: true }])
    for (const { refreshToken } of [
      await one('switchWorkspace', { workspace: null }),
      await one('switchWorkspace', { workspace: null }),
    ]) {
      expect(await caller(house).mutate('refreshSession', { refreshToken })).toMatchObject({ workspace: null })
    }
  })

  test('or a member who is removed, or has another role, is told so within two seconds', async () => {
    const acme = await house.workspace('Removal')
    const join = async (email: string) => {
      const { secret } = await acme.mutate('inviteMember', { email, role: 'ADMIN' }, 'secret')
      const input = { email, name: 'Bob', password: PASSWORD, inviteToken: secret }
      const session = sessionOf(await caller(house).mutate('signUp', input))
      const as = caller(house, session.accessToken.token)
      const { viewer } = await as.query('{ viewer { actor { nodeId } } }')
      const { nodeId } = (viewer as { actor: { nodeId: string } }).actor
      const socket = as.follow()
      await socket.open
      return { as, socket, nodeId }
    }
    const [lowered, removed] = [await join('lowered@people.example'), await join('removed@people.example')]
    await acme.mutate('updateMember', { id: lowered.nodeId, role: 'VIEWER' })
    await acme.mutate('removeMember', { id: removed.nodeId })
    expect(await lowered.socket.closed).toMatchObject({ code: 4403 })
    expect(await removed.socket.closed).toMatchObject({ code: 4403 })
    expect(await lowered.as.query('{ viewer { role } }')).toEqual({ viewer: { role: 'VIEWER' } })
    await expect(removed.as.query('{ viewer { role } }')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('makes no keys: a verb that outlives the caller asks whether the session stands', async () => {
    const grace = await signedUp(house, 'No heirs')
    for (let round = 0; round < 5; round++) {
      const session = await logIn(grace.email, grace.workspace?.slug)
      const as = caller(house, session.accessToken.token)
      await as.query('{ viewer { role } }')
      await as.mutate('logOut', {})
      const heir = as.mutate('createApiKey', { name: 'Heir', permissions: ['DEALS_READ'] })
      await expect(heir).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    }
    expect(await grace.query('{ apiKeys { totalCount } }')).toEqual({ apiKeys: { totalCount: 0 } })
  })
})
