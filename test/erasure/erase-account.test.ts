// A person who signs in, over the API of a server that sweeps.

import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attemptKeysOf } from '../../src/platform/auth/sign-in-throttle.ts'
import { decodeId } from '../../src/platform/lib/ids.ts'
import { type House, openHouse } from '../domains/house.ts'
import { type Caller, caller, PASSWORD, sessionOf, signedUp } from '../domains/people.ts'
import { runSql } from '../support/sql.ts'
import { searchEverywhere } from './search.ts'

const MINA = { email: 'Mina.Featherstone@People.example', name: 'Wilhelmina Featherstone' }
const AGENT = 'FeatherstoneBrowser/1.0'
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

let house: House
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

/** Invites somebody into the workspace of the caller; what is returned is the token. */
async function invited(by: Caller, email: string, role = 'MEMBER'): Promise<string> {
  const answer = await by.mutate('inviteMember', { email, role })
  if (typeof answer.secret !== 'string') throw new Error(JSON.stringify(answer))
  return answer.secret
}

async function joined(token: string, into: Caller): Promise<Caller> {
  const session = sessionOf(await into.mutate('acceptInvite', { inviteToken: token }, 'accessToken { token }'))
  return caller(house, session.accessToken.token, { 'user-agent': AGENT })
}

/** What is waited for comes; nobody waits until the session that asked is surely forgotten. */
async function certificateFor(id: string): Promise<string> {
  for (const begun = Date.now(); Date.now() - begun < 20_000; await setTimeout(50)) {
    await sql(`update erasure set next_try_at = now() where status <> 'SUCCEEDED'`)
    const [row] = await sql<{ status: string }>(
      `select status from account_erasure where 'account_erasure_' || id = $1`,
      [id],
    )
    if (row?.status !== 'SUCCEEDED') continue
    return readFile(join(house.mailFolder, `account-erased-${decodeId('account_erasure', id)}.eml`), 'utf8')
  }
  throw new Error('no certificate came')
}

/** The mails in the folder that are to this address. */
async function mailsFor(address: string) {
  const files = await readdir(house.mailFolder)
  const mails = await Promise.all(
    files.map(async (file) => ({ file, mail: await readFile(join(house.mailFolder, file), 'utf8') })),
  )
  return mails.filter(({ mail }) =>
    mail.split('\r\n').some((line) => line === `To: ${address}` || line.endsWith(`<${address}>`)),
  )
}

/** Has a person sign in with another address from now on; the old one is told by mail. */
async function move(person: Caller, from: string, to: string): Promise<void> {
  const [known, told] = [await mailsFor(to), await mailsFor(from)]
  const input = { email: to, currentPassword: PASSWORD }
  expect(await person.mutate('requestEmailChange', input)).toMatchObject({ accepted: true })
  await expect.poll(() => mailsFor(to), { timeout: 10_000 }).toHaveLength(known.length + 1)
  const isNew = ({ file }: { file: string }) => !known.some((mail) => mail.file === file)
  const plain = (await mailsFor(to)).find(isNew)?.mail.replaceAll('=\r\n', '').replaceAll('=3D', '=') ?? ''
  const token = /confirm-email\?token=(\S+)/.exec(plain)?.[1]
  expect(await person.mutate('confirmEmailChange', { token })).toMatchObject({ email: to })
  await expect.poll(() => mailsFor(from), { timeout: 10_000 }).toHaveLength(told.length + 1)
}

beforeAll(async () => {
  house = await openHouse()
  const input = { ...MINA, password: PASSWORD, workspace: { name: 'Herons' } }
  const session = sessionOf(await caller(house, undefined, { 'user-agent': AGENT }).mutate('signUp', input))
  own = decodeId('workspace', session.workspace?.workspaceId ?? '')
  mina = caller(house, session.accessToken.token, { 'user-agent': AGENT })
  kite = await signedUp(house, 'Kite')
  left = await signedUp(house, 'Left')
  await everywhere()
  before = await searchEverywhere(house.ownerUrl, house.mailFolder, TEXTS)
})
afterAll(() => house.close())

/** Leaves her traces wherever a person who signs in can leave them. */
async function everywhere(): Promise<void> {
  const bo = await signedUp(house)
  owner = await joined(await invited(mina, bo.email, 'OWNER'), bo)
  await mina.mutate('createApiKey', { name: 'Wilhelmina’s laptop', permissions: ['DEALS_READ'] }, 'apiKey { id }')
  await mina.mutate('createContact', { email: 'heron@visitors.example', name: 'A heron' }, 'contact { id }')
  await invited(mina, 'somebody@people.example')
  // In other workspaces her tokens are those of another session, which is switched to and fro.
  const inKite = await joined(await invited(kite, MINA.email), mina)
  await inKite.mutate('createContact', { name: 'Told by her' }, 'contact { id }')
  const { members } = (await kite.query('{ members { nodes { id name email } } }')) as {
    members: { nodes: { id: string; email: string }[] }
  }
  const member = members.nodes.find(({ email }) => email === MINA.email)
  const renamed = await kite.mutate('updateMember', { id: member?.id, name: 'Mina F. Featherstone' }, 'member { id }')
  expect(renamed.__typename).toBe('UpdateMemberPayload')
  const inLeft = await joined(await invited(left, MINA.email), mina)
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
  for (let tries = 0; !(await readdir(house.mailFolder)).some((file) => file.startsWith('reset-')); tries++) {
    if (tries > 500) throw new Error('no mail came')
    await setTimeout(20)
  }
}

describe('a person who asks to be erased', () => {
  it('must give their password, and is slowed down like at a log-in', async () => {
    const grace = await signedUp(house)
    expect(await grace.mutate('eraseAccount', {})).toMatchObject({
      issues: [{ field: 'currentPassword', code: 'REQUIRED' }],
    })
    for (let tries = 1; tries <= 5; tries++) {
      expect(await grace.mutate('eraseAccount', { currentPassword: `wrong ${tries}` })).toMatchObject({
        issues: [{ field: 'currentPassword', code: 'NOT_ALLOWED' }],
      })
    }
    expect(await grace.mutate('eraseAccount', { currentPassword: PASSWORD })).toMatchObject({
      __typename: 'LimitExceededError',
    })
    expect(await grace.query('{ viewer { account { email } } }')).toMatchObject({
      viewer: { account: { email: grace.email } },
    })
  })

  it('without a password must have signed in a moment ago', async () => {
    const grace = await signedUp(house)
    await sql('update account set password_hash = null where email = $1', [grace.email])
    const refused = { issues: [{ field: 'currentPassword', code: 'NOT_ALLOWED' }] }
    const session = `update session set created_at = now() - $2::interval
      where account_id = (select id from account where email = $1)`
    await sql(session, [grace.email, '11 minutes'])
    for (const input of [{}, { currentPassword: PASSWORD }]) {
      expect(await grace.mutate('eraseAccount', input)).toMatchObject(refused)
    }
    await sql(session, [grace.email, '9 minutes'])
    expect(await grace.mutate('eraseAccount', {})).toMatchObject({ __typename: 'EraseAccountPayload' })
  })

  it('is refused while they are the last owner of workspaces, which are named, and loses nothing by it', async () => {
    const grace = await signedUp(house, 'Alone')
    const answer = await grace.mutate('eraseAccount', { currentPassword: PASSWORD })
    expect(answer).toMatchObject({ __typename: 'ConflictError', reason: 'ILLEGAL_TRANSITION' })
    expect(answer.message).toBe('You are the last owner of Alone. Make somebody else an owner first.')
    expect(await grace.query('{ viewer { role account { email } } }')).toMatchObject({ viewer: { role: 'OWNER' } })
    // A workspace that nobody can work in keeps nobody.
    await sql(`update workspace set status = 'SUSPENDED' where name = 'Alone'`)
    expect(await grace.mutate('eraseAccount', { currentPassword: PASSWORD })).toMatchObject({
      __typename: 'EraseAccountPayload',
    })
  })

  it.each([
    ['is in a workspace', true],
    ['is in none', false],
  ])('who %s leaves nothing at the address that was theirs before', async (_where, isMember) => {
    const grace = await signedUp(house)
    const person = isMember ? await joined(await invited(kite, grace.email), grace) : grace
    const email = `somewhere.${isMember ? 'else' : 'quiet'}@people.example`
    await move(person, grace.email, email)
    await invited(left, grace.email)
    await sql(`update invite set expires_at = now() - interval '1 day' where email = $1 and accepted_at is null`, [
      grace.email,
    ])
    const counted = [grace.email, email].flatMap((address) => attemptKeysOf(address.toLowerCase()))
    const counters = () => sql('select key from sign_in_attempt where key = any ($1)', [counted])
    expect(await counters()).not.toEqual([])
    const answer = await person.mutate('eraseAccount', { currentPassword: PASSWORD }, 'erasure { id }')
    expect(await counters()).toEqual([])
    await certificateFor((answer.erasure as { id: string }).id)
    expect(await mailsFor(grace.email)).toEqual([])
    expect((await mailsFor(email)).map(({ file }) => file)).toEqual([expect.stringMatching(/^account-erased-/)])
    // Nor does the log tell it, which told of the change.
    expect(await searchEverywhere(house.ownerUrl, house.mailFolder, [grace.email])).toEqual({ [grace.email]: [] })
    const gone = `select email, former_emails from account_erasure where 'account_erasure_' || id = $1`
    expect(await sql(gone, [(answer.erasure as { id: string }).id])).toEqual([{ email: null, former_emails: null }])
    expect(await sql('select id from invite where email = any ($1)', [[grace.email, email]])).toEqual([])
  })

  it('who went back to an address has it once, and not as one from before', async () => {
    const grace = await signedUp(house)
    const email = `away-${grace.email}`
    await move(grace, grace.email, email)
    await sql(`delete from sign_in_attempt`)
    await move(grace, email, grace.email)
    expect(await sql('select former_emails from account where email = $1', [grace.email])).toEqual([
      { former_emails: [email.toLowerCase()] },
    ])
  })

  it('leaves what is somebody else’s at an address that was theirs once', async () => {
    const grace = await signedUp(house)
    const member = await joined(await invited(kite, grace.email), grace)
    expect(await member.mutate('leaveWorkspace', { workspace: kite.workspace?.workspaceId })).toMatchObject({
      __typename: 'LeaveWorkspacePayload',
    })
    await move(grace, grace.email, `moved-${grace.email}`)
    const token = await invited(kite, grace.email)
    await sql(
      `insert into idempotency_claim (workspace_id, credential, key, operation, input_hash, outcome)
       select workspace_id, 'key:1', 'for ' || email, 'inviteMember', 'x', '{}' from invite where email = $1 and accepted_at is null`,
      [grace.email],
    )
    const before = (await mailsFor(grace.email)).filter(({ file }) => file.startsWith('invite-')).length
    expect(before).toBeGreaterThan(0)
    const answer = await grace.mutate('eraseAccount', { currentPassword: PASSWORD }, 'erasure { id }')
    await certificateFor((answer.erasure as { id: string }).id)
    expect((await mailsFor(grace.email)).filter(({ file }) => file.startsWith('invite-'))).toHaveLength(before)
    expect(await sql('select key from idempotency_claim where key = $1', [`for ${grace.email}`])).toHaveLength(1)
    const input = { email: grace.email, name: 'Another Grace', password: PASSWORD, inviteToken: token }
    expect(sessionOf(await caller(house).mutate('signUp', input)).workspace?.slug).toBe(kite.workspace?.slug)
  })

  it('is not found by their name in what is stored of others’ requests', async () => {
    const grace = await signedUp(house)
    const member = await joined(await invited(kite, grace.email), grace)
    await member.mutate('updateAccount', { name: 'contactId' }, 'account { id }')
    await sql(
      `insert into idempotency_claim (workspace_id, credential, key, operation, input_hash, outcome)
       select workspace_id, 'key:1', claim.key, 'createContact', 'x', claim.outcome
         from member, (values ('theirs', '{"contactId": "contact_1"}'::jsonb), ('hers', jsonb_build_object('to', $1::text))) as claim(key, outcome)
        where email = $1`,
      [grace.email],
    )
    const answer = await member.mutate('eraseAccount', { currentPassword: PASSWORD }, 'erasure { id }')
    await certificateFor((answer.erasure as { id: string }).id)
    expect(await sql(`select key from idempotency_claim where key in ('theirs', 'hers')`)).toEqual([{ key: 'theirs' }])
  })

  it('twice at once is erased once', async () => {
    const grace = await signedUp(house)
    const ask = () =>
      grace.mutate('eraseAccount', { currentPassword: PASSWORD }).then(
        ({ __typename }) => __typename,
        ({ code }: { code: unknown }) => code,
      )
    const answers = await Promise.all([ask(), ask(), ask()])
    expect(answers.sort()).toEqual(['EraseAccountPayload', 'UNAUTHENTICATED', 'UNAUTHENTICATED'])
  })

  it('beside the other of the last two owners: one of them stays', async () => {
    const [ada, bo] = [await signedUp(house, 'Two'), await signedUp(house)]
    const asBo = await joined(await invited(ada, bo.email, 'OWNER'), bo)
    const answers = await Promise.all(
      [ada, asBo].map((each) => each.mutate('eraseAccount', { currentPassword: PASSWORD })),
    )
    expect(answers.map(({ __typename }) => __typename).sort()).toEqual(['ConflictError', 'EraseAccountPayload'])
    const owners = await sql(
      `select m.name from member m join workspace w on w.id = m.workspace_id
        where w.name = 'Two' and m.role = 'OWNER' and m.removed_at is null`,
    )
    expect(owners).toEqual([{ name: 'Grace' }])
  })

  it('or joins at the same moment: either they are a member who is erased, or none', async () => {
    const grace = await signedUp(house)
    const token = await invited(kite, grace.email)
    await Promise.allSettled([
      grace.mutate('acceptInvite', { inviteToken: token }),
      grace.mutate('eraseAccount', { currentPassword: PASSWORD }),
    ])
    const named = await sql('select id from member where email = $1', [grace.email])
    expect(named).toEqual([])
  })
})

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
    mail = await certificateFor(erased.id)
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
    const text = mail.replace(/=\r\n/g, '').replace(/=3D/g, '=')
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
