// Somebody who was everywhere that a person who signs in can be, before and after they have themselves erased.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeId } from '../../src/platform/lib/ids.ts'
import { type Caller, caller, PASSWORD, sessionOf, signedUp } from '../domains/people.ts'
import { standingHouse } from '../domains/standing-house.ts'
import { mailTo, readable } from '../support/mail-folder.ts'
import { runSql } from '../support/sql.ts'
import { AGENT, certificateFor, invited, joined } from './comings-and-goings.ts'
import { searchEverywhere } from './search.ts'

const MINA = { email: 'Mina.Featherstone@People.example', name: 'Wilhelmina Featherstone' }
const TEXTS = [MINA.email, 'Wilhelmina', 'Featherstone', AGENT]

const ERASE = `erasure { id requestedAt counts { table rows }
  workspaces { workspaceId workspaceName erasureId counts { table rows } } }`

interface Erased {
  readonly id: string
  readonly counts: readonly Count[]
  readonly workspaces: readonly {
    readonly workspaceName: string
    readonly workspaceId: string
    readonly erasureId: string
    readonly counts: readonly Count[]
  }[]
}
type Count = { readonly table: string; readonly rows: number }

const house = standingHouse()
/** She owns a workspace together with somebody, is a member of another, and has left a third. */
let own: string
let owner: Caller
let kite: Awaited<ReturnType<typeof signedUp>>
let left: Awaited<ReturnType<typeof signedUp>>
let mina: Caller
let erased: Erased
let before: Record<string, string[]>

const sql = <R extends object>(text: string, values: unknown[] = []) => runSql<R>(house.ownerUrl, text, values)
const byTable = (counts: readonly Count[]) => Object.fromEntries(counts.map(({ table, rows }) => [table, rows]))

beforeAll(async () => {
  const input = { ...MINA, password: PASSWORD, workspace: { name: 'Herons' } }
  const session = sessionOf(await caller(house, undefined, { 'user-agent': AGENT }).mutate('signUp', input))
  own = decodeId('workspace', session.workspace?.workspaceId ?? '')
  mina = caller(house, session.accessToken.token, { 'user-agent': AGENT })
  kite = await signedUp(house, 'Kite')
  left = await signedUp(house, 'Left')
  await everywhere()
  before = await searchEverywhere(house.ownerUrl, house.mailFolder, TEXTS)
})

/** Leaves her traces wherever a person who signs in can leave them. */
async function everywhere(): Promise<void> {
  const bo = await signedUp(house)
  owner = await joined(house, await invited(mina, bo.email, 'OWNER'), bo)
  await mina.mutate('createApiKey', { name: 'Wilhelmina’s laptop', permissions: ['DEALS_READ'] }, 'apiKey { id }')
  await mina.mutate('createContact', { email: 'heron@visitors.example', name: 'A heron' }, 'contact { id }')
  await invited(mina, 'somebody@people.example')
  // In other workspaces her tokens are those of another session, which is switched to and fro.
  const inKite = await joined(house, await invited(kite, MINA.email), mina)
  await inKite.mutate('createContact', { name: 'Told by her' }, 'contact { id }')
  const { members } = (await kite.query('{ members { nodes { id name email } } }')) as {
    members: { nodes: { id: string; email: string }[] }
  }
  const member = members.nodes.find(({ email }) => email === MINA.email)
  const renamed = await kite.mutate('updateMember', { id: member?.id, name: 'Mina F. Featherstone' }, 'member { id }')
  expect(renamed.__typename).toBe('UpdateMemberPayload')
  const inLeft = await joined(house, await invited(left, MINA.email), mina)
  await inLeft.mutate('createContact', { name: 'Told by her, too' }, 'contact { id }')
  expect(await inLeft.mutate('leaveWorkspace', { workspace: left.workspace?.workspaceId })).toMatchObject({
    __typename: 'LeaveWorkspacePayload',
  })
  // An invite that is over, of a workspace that she never came into, and stored outcomes that name her.
  const never = await signedUp(house, 'Never')
  await invited(never, MINA.email)
  await sql(`update invite set expires_at = now() - interval '1 day' where accepted_at is null and email = $1`, [
    MINA.email,
  ])
  await sql(
    `insert into idempotency_claim (workspace_id, credential, key, operation, input_hash, outcome)
     select workspace_id, 'key:1', 'invite ' || email, 'inviteMember', 'x', '{}' from member where email = $1`,
    [MINA.email],
  )
  await mina.mutate('updateAccount', { name: MINA.name }, 'account { id }')
  await sql(
    `insert into account_identity (id, issuer, subject, label, account_id)
     select gen_random_uuid(), 'https://issuer.example', 'featherstone-1', email, id from account where email = $1`,
    [MINA.email],
  )
  await caller(house).mutate('requestPasswordReset', { email: MINA.email })
  await mailTo(house.mailFolder, MINA.email, 'reset-password')
}

describe('after somebody who was everywhere was erased', () => {
  let mail: string

  beforeAll(async () => {
    // First that it was looked for in the right way: it stood in all these places.
    const places = new Set(Object.values(before).flat())
    const expected = [
      'account.email',
      'account.name',
      'account_identity.label',
      'account_identity.subject',
      'api_key.name',
      'event_log.changes',
    ]
    expected.push('idempotency_claim.key', 'invite.email', 'mail', 'member.email', 'member.name', 'session.user_agent')
    expect(expected.filter((place) => !places.has(place))).toEqual([])
    const answer = await mina.mutate('eraseAccount', { currentPassword: PASSWORD }, ERASE)
    expect(answer).toMatchObject({ __typename: 'EraseAccountPayload' })
    erased = answer.erasure as unknown as Erased
    mail = await certificateFor(house, erased.id)
  })

  it('they are told at once what is gone, and where it goes on', () => {
    expect(byTable(erased.counts)).toMatchObject({
      account: 1,
      account_identity: 1,
      account_token: 1,
      invite: 1,
      session: 1,
    })
    expect(erased.workspaces.map(({ workspaceName, counts }) => [workspaceName, byTable(counts)]).sort()).toEqual([
      ['Herons', { api_key: 1, member: 1 }],
      ['Kite', { invite: 1, member: 1 }],
      ['Left', { invite: 1, member: 1 }],
    ])
  })

  it('they have a certificate by mail, over those of the workspaces', async () => {
    const text = readable(mail)
    expect(text).toMatch(/^To: .*mina\.featherstone@people\.example/im)
    const document = JSON.parse(/^\{.*\}/m.exec(text)?.[0] ?? '') as {
      erasure: string
      workspaces: { erasure: string; digest: string; counts: Count[] }[]
    }
    expect(document.erasure).toBe(erased.id)
    const certified = await sql<{ erasure: string; digest: string }>(
      `select 'erasure_' || id as erasure, digest from erasure where 'erasure_' || id = any ($1) order by id`,
      [erased.workspaces.map(({ erasureId }) => erasureId)],
    )
    const told = document.workspaces.map(({ erasure, digest }) => ({ erasure, digest }))
    expect(told.sort((a, b) => (a.erasure < b.erasure ? -1 : 1))).toEqual(certified)
    expect(document.workspaces.every(({ counts }) => (byTable(counts).event_log ?? 0) > 0)).toBe(true)
    const [stored] = await sql(`select email, digest from account_erasure where 'account_erasure_' || id = $1`, [
      erased.id,
    ])
    expect(stored).toMatchObject({ email: null })
    expect(text).toContain((stored as { digest: string }).digest)
  })

  it('they are found nowhere: in no column of any table, and in no mail but the last one to them', async () => {
    await rm(join(house.mailFolder, `account-erased-${decodeId('account_erasure', erased.id)}.eml`))
    expect(await searchEverywhere(house.ownerUrl, house.mailFolder, TEXTS)).toEqual(
      Object.fromEntries(TEXTS.map((text) => [text, []])),
    )
  })

  it('what they did is told of a member without a name, from nowhere, and the log is verified from end to end', async () => {
    for (const asker of [owner, kite, left]) {
      const { verifyAuditLog } = await asker.query('{ verifyAuditLog { intact complete } }')
      expect(verifyAuditLog).toEqual({ intact: true, complete: true })
    }
    const { events } = (await owner.query(
      `{ events(first: 100) { nodes { type summary actor { name } origin { address } } } }`,
    )) as {
      events: {
        nodes: { type: string; summary: string; actor: { name: string }; origin: { address: string | null } }[]
      }
    }
    const hers = events.nodes.filter(({ actor }) => actor.name === 'Erased member')
    expect(hers.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['CONTACT_CREATED', 'INVITE_CREATED', 'MEMBER_JOINED', 'API_KEY_REVOKED', 'MEMBER_LEFT']),
    )
    expect(hers.filter(({ origin }) => origin.address !== null)).toEqual([])
    expect(hers.find(({ type }) => type === 'CONTACT_CREATED')?.summary).toBe('Erased member added the contact A heron')
    // Somebody else's is still there.
    expect(events.nodes.some(({ actor, origin }) => actor.name === 'Grace' && origin.address !== null)).toBe(true)
    expect(events.nodes.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['MEMBER_ERASURE_REQUESTED', 'MEMBER_ERASED']),
    )
    const { events: kites } = (await kite.query('{ events(first: 100) { nodes { summary } } }')) as {
      events: typeof events
    }
    expect(kites.nodes.map(({ summary }) => summary).join('\n')).toMatch(/ invited somebody as /)
    const [address] = await sql<{ n: number }>(
      `select count(*)::int as n from event_log where workspace_id = $1 and address_erased_by is not null`,
      [own],
    )
    expect(address?.n).toBeGreaterThan(0)
  })

  it('admins see the erasure of the member and its certificate; the member is nobody, and so are keys and invites', async () => {
    const { erasures, members } = (await owner.query(`{
      erasures { nodes { status reason subject { __typename ... on Member { name email removedAt erasedAt signsIn } }
                         requestedBy { kind name } certificate { digest counts { table rows } } } }
      members(filter: { removed: { eq: true } }) { nodes { name email } } }`)) as Record<string, { nodes: unknown[] }>
    expect(erasures?.nodes).toMatchObject([
      {
        status: 'SUCCEEDED',
        reason: null,
        subject: {
          __typename: 'Member',
          name: 'Erased member',
          email: null,
          removedAt: expect.any(String),
          signsIn: false,
        },
        requestedBy: { kind: 'MEMBER', name: 'Erased member' },
        certificate: { digest: expect.any(String) },
      },
    ])
    expect(members?.nodes).toEqual([{ name: 'Erased member', email: null }])
    const { apiKeys } = (await owner.query('{ apiKeys { nodes { name status } } }')) as Record<
      string,
      { nodes: unknown[] }
    >
    expect(apiKeys?.nodes).toEqual([{ name: 'Erased', status: 'REVOKED' }])
    const { invites } = (await kite.query('{ invites { nodes { email status } } }')) as Record<
      string,
      { nodes: unknown[] }
    >
    expect(invites?.nodes).toContainEqual({ email: null, status: 'ACCEPTED' })
  })

  it('their tokens are worth nothing, and their address signs up again as somebody new', async () => {
    await setTimeout(2_500)
    await expect(mina.query('{ viewer { account { email } } }')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await expect(caller(house).mutate('logIn', { email: MINA.email, password: PASSWORD })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    })
    const again = sessionOf(await caller(house).mutate('signUp', { ...MINA, password: PASSWORD }))
    expect(again.workspace).toBeNull()
    await sql(`delete from sign_in_attempt where key like 'invite:%'`)
    const token = await invited(kite, MINA.email)
    expect(await caller(house, again.accessToken.token).mutate('acceptInvite', { inviteToken: token })).toMatchObject({
      workspace: { slug: kite.workspace?.slug },
    })
  })
})
