import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { addMember } from '../../src/domains/workspaces/service.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { runSql } from '../support/sql.ts'
import { type Answer, type Tenant, WHO } from './house.ts'
import { caller, PASSWORD, sessionOf, signedUp } from './people.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()
let guests = 0

const guest = () => `guest-${++guests}@guests.example`
const invite = (email: string, role = 'MEMBER', as: Tenant = acme) =>
  as.mutate('inviteMember', { email, role }, 'secret replayed invite { id email role status version }')
const idOf = (answer: Answer) => (answer.invite as { id: string }).id
const preview = async (token: unknown) =>
  (
    await caller(house).query(
      'query($token: String!) { invitePreview(token: $token) { workspaceName email role invitedBy } }',
      { token },
    )
  ).invitePreview
const signUp = (email: string, inviteToken: unknown) =>
  caller(house).mutate('signUp', { email, name: 'Bob', password: PASSWORD, inviteToken })
const members = async (email: string) => {
  const { members } = await acme.query('{ members(first: 100) { nodes { id email role signsIn } } }')
  return (members as { nodes: { id: string; email: string }[] }).nodes.filter((member) => member.email === email)
}

describe('an invite', () => {
  test('goes out by mail, is seen by whoever holds its token, and makes its person a member', async () => {
    const email = guest()
    const made = await invite(email, 'ADMIN')
    expect(made.invite).toMatchObject({ email, role: 'ADMIN', status: 'OPEN', version: 1 })
    expect(await preview(made.secret)).toEqual({ workspaceName: 'Acme', email, role: 'ADMIN', invitedBy: 'Ada' })
    const folder = join(house.folder, 'mail')
    const mails = () =>
      readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8').replace(/=\r\n/g, ''))
    await expect.poll(() => mails().some((mail) => mail.includes(`/invite/${made.secret}`))).toBe(true)
    const session = sessionOf(await signUp(email, made.secret))
    expect(session.workspace).toMatchObject({ role: 'ADMIN', workspaceId: encodeId('workspace', acme.id) })
    const as = caller(house, session.accessToken.token)
    expect(await as.query('{ viewer { role workspace { name } actor { kind name } } }')).toEqual({
      viewer: { role: 'ADMIN', workspace: { name: 'Acme' }, actor: { kind: 'MEMBER', name: 'Bob' } },
    })
    expect(await preview(made.secret)).toBeNull()
    const { events } = await acme.query('{ events(last: 2) { nodes { summary } } }')
    expect(events).toEqual({
      nodes: [{ summary: `Test key invited ${email} as ADMIN` }, { summary: 'Bob joined as ADMIN' }],
    })
  })

  test('into a workspace that is suspended is not accepted, whichever way, and is good again afterwards', async () => {
    const suspended = await house.workspace('Suspended')
    const bob = await signedUp(house)
    const { secret } = await invite(bob.email, 'MEMBER', suspended)
    await runSql(house.ownerUrl, `update workspace set status = 'SUSPENDED' where id = $1`, [suspended.id])
    const closed = { __typename: 'ConflictError', reason: 'CLOSED' }
    expect(await bob.mutate('acceptInvite', { inviteToken: secret })).toMatchObject(closed)
    const logIn = { email: bob.email, password: PASSWORD, inviteToken: secret }
    expect(await caller(house).mutate('logIn', logIn)).toMatchObject(closed)
    await runSql(house.ownerUrl, `update workspace set status = 'ACTIVE' where id = $1`, [suspended.id])
    expect(await bob.mutate('acceptInvite', { inviteToken: secret })).toMatchObject({ workspace: { role: 'MEMBER' } })
  })

  test('is over when whoever made it is removed, or may invite no more', async () => {
    const joined = async () => {
      const email = guest()
      const made = sessionOf(await signUp(email, (await invite(email, 'ADMIN')).secret))
      return { email, as: caller(house, made.accessToken.token) }
    }
    const second = async (by: Awaited<ReturnType<typeof joined>>) =>
      (await by.as.mutate('inviteMember', { email: guest(), role: 'ADMIN' }, 'secret')).secret
    const [removed, demoted] = [await joined(), await joined()]
    const tokens = [await second(removed), await second(demoted)]
    for (const token of tokens) expect(await preview(token)).toMatchObject({ role: 'ADMIN' })
    const idOfMember = async (email: string) => (await members(email))[0]?.id
    await acme.mutate('removeMember', { id: await idOfMember(removed.email) }, 'member { id }')
    await acme.mutate('updateMember', { id: await idOfMember(demoted.email), role: 'VIEWER' }, 'member { id }')
    for (const token of tokens) expect(await preview(token)).toBeNull()
  })

  test('of somebody who was made an owner meanwhile makes nobody an owner', async () => {
    const email = guest()
    const added = await house.db.inTransaction(acme.ctx, (tx) => addMember(tx, { name: 'Bob', email, role: 'MEMBER' }))
    const id = encodeId('member', added.id)
    const made = await invite(email, 'MEMBER')
    expect(made.__typename).toBe('InviteMemberPayload')
    await acme.mutate('updateMember', { id, role: 'OWNER' }, 'member { id }')
    expect(await signUp(email, made.secret)).toMatchObject({ __typename: 'ConflictError', reason: 'CLOSED' })
    expect(await members(email)).toMatchObject([{ role: 'OWNER', signsIn: false }])
  })

  test('is for its address alone, and another account joins nothing by it', async () => {
    const made = await invite(guest())
    const stranger = await signedUp(house)
    const wrong = { __typename: 'InvalidInputError', issues: [{ field: 'inviteToken', code: 'NOT_ALLOWED' }] }
    const before = await acme.footprint(WHO)
    expect(await stranger.mutate('acceptInvite', { inviteToken: made.secret })).toMatchObject(wrong)
    expect(await signUp(guest(), made.secret)).toMatchObject(wrong)
    const login = { email: stranger.email, password: PASSWORD, inviteToken: made.secret }
    expect(await caller(house).mutate('logIn', login)).toMatchObject(wrong)
    expect(await acme.footprint(WHO)).toBe(before)
  })

  test('accepted 20 times at once makes one member, tells of one, and answers each the same', async () => {
    const bob = await signedUp(house)
    const { secret } = await invite(bob.email)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => bob.mutate('acceptInvite', { inviteToken: secret })),
    )
    for (const answer of answers) expect(sessionOf(answer).workspace).toMatchObject({ role: 'MEMBER' })
    const [member, ...others] = await members(bob.email)
    expect(others).toEqual([])
    const { member: of } = await acme.query('query($id: ID!) { member(id: $id) { timeline { nodes { summary } } } }', {
      id: member?.id,
    })
    expect(of).toEqual({ timeline: { nodes: [{ summary: 'Grace joined as MEMBER' }] } })
  })

  test('of an account is accepted at a log-in, too', async () => {
    const bob = await signedUp(house, 'House of Bob')
    const { secret } = await invite(bob.email, 'VIEWER')
    const login = { email: bob.email, password: PASSWORD, inviteToken: secret }
    expect(sessionOf(await caller(house).mutate('logIn', login)).workspace).toMatchObject({ role: 'VIEWER' })
  })

  test('made again for the same address is worth instead of the one before; taken back, it is worth nothing', async () => {
    const email = guest()
    const [first, second] = [await invite(email), await invite(email, 'VIEWER')]
    expect([idOf(second), second.invite]).toMatchObject([idOf(first), { version: 2, role: 'VIEWER' }])
    expect(await preview(first.secret)).toBeNull()
    const over = { issues: [{ field: 'inviteToken', code: 'UNKNOWN_REFERENCE' }] }
    expect(await signUp(email, first.secret)).toMatchObject(over)
    expect(await acme.mutate('revokeInvite', { id: idOf(first) }, 'invite { status }')).toMatchObject({
      invite: { status: 'REVOKED' },
    })
    expect(await signUp(email, second.secret)).toMatchObject(over)
    const before = await acme.footprint(WHO)
    await acme.mutate('revokeInvite', { id: idOf(first) })
    expect(await acme.footprint(WHO)).toBe(before)
    expect(idOf(await invite(email))).not.toBe(idOf(first))
  })

  test('is over after seven days', async () => {
    const email = guest()
    const { secret } = await invite(email)
    await house.db.inTransaction(acme.ctx, (tx) =>
      tx.sql.updateTable('invite').set({ expiresAt: tx.now }).where('email', '=', email).execute(),
    )
    expect(await preview(secret)).toBeNull()
    expect(await signUp(email, secret)).toMatchObject({ issues: [{ code: 'UNKNOWN_REFERENCE' }] })
    expect(await members(email)).toEqual([])
  })

  test('gives no more than who invites may give: an owner is made by an owner', async () => {
    const admin = await acme.member('ADMIN')
    expect(await invite(guest(), 'OWNER', admin)).toMatchObject({ __typename: 'ForbiddenError', needs: 'OWNERS_WRITE' })
    expect(await invite(guest(), 'MEMBER', await acme.member('MEMBER'))).toMatchObject({ needs: 'MEMBERS_WRITE' })
    const owners = await invite(guest(), 'OWNER')
    const taken = await admin.mutate('revokeInvite', { id: idOf(owners) })
    expect(taken).toMatchObject({ __typename: 'ForbiddenError', needs: 'OWNERS_WRITE' })
  })
})

describe('a member', () => {
  test('who never signed in is invited to, and stays who they are', async () => {
    const fresh = await house.workspace('Fresh')
    const { secret } = await fresh.mutate('inviteMember', { email: 'ADA@example.com', role: 'VIEWER' }, 'secret')
    const ada = sessionOf(await signUp('ada@example.com', secret))
    expect(ada.workspace).toMatchObject({ role: 'OWNER' })
    const { viewer } = await caller(house, ada.accessToken.token).query('{ viewer { actor { nodeId name } } }')
    expect(viewer).toEqual({ actor: { nodeId: encodeId('member', fresh.memberId), name: 'Ada' } })
    const again = await fresh.mutate('inviteMember', { email: 'ada@example.com', role: 'VIEWER' })
    expect(again).toMatchObject({ __typename: 'ConflictError', reason: 'DUPLICATE' })
  })

  test('leaves by themselves, not as the last owner, and can be invited again', async () => {
    const email = guest()
    const { secret } = await invite(email)
    const bob = sessionOf(await signUp(email, secret))
    const as = caller(house, bob.accessToken.token)
    const workspace = encodeId('workspace', acme.id)
    await as.mutate('createApiKey', { name: 'Mine', permissions: ['DEALS_READ'] })
    expect(
      await as.mutate('leaveWorkspace', { workspace: encodeId('workspace', bob.account.id.slice(8)) }),
    ).toMatchObject({
      __typename: 'NotFoundError',
    })
    const left = sessionOf(await as.mutate('leaveWorkspace', { workspace }))
    expect(left.workspace).toBeNull()
    expect(await members(email)).toEqual([])
    const outside = caller(house, left.accessToken.token)
    expect(await outside.query('{ viewer { role account { workspaces { slug } } } }')).toEqual({
      viewer: { role: null, account: { workspaces: [] } },
    })
    const { secret: second } = await invite(email, 'ADMIN')
    const back = sessionOf(await outside.mutate('acceptInvite', { inviteToken: second }))
    expect(back.workspace).toMatchObject({ role: 'ADMIN' })
    const { apiKeys } = await caller(house, back.accessToken.token).query(
      '{ apiKeys(filter: { status: { eq: ACTIVE } }) { nodes { member { email } } } }',
    )
    expect(JSON.stringify(apiKeys)).not.toContain(email)
    const owner = await signedUp(house, 'Alone')
    const stays = await owner.mutate('leaveWorkspace', { workspace: owner.workspace?.workspaceId })
    expect(stays).toMatchObject({ __typename: 'ConflictError', reason: 'ILLEGAL_TRANSITION' })
  })
})
