import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findAccountByEmail } from '../../src/domains/accounts/accounts.ts'
import { switchSession } from '../../src/domains/accounts/sessions.ts'
import { joining } from '../../src/domains/accounts/sign-in.ts'
import { restoreAccount, suspendAccount } from '../../src/domains/accounts/suspension.ts'
import { findInvitePlace } from '../../src/domains/workspaces/invites.ts'
import { acceptInvite } from '../../src/domains/workspaces/joining.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { type House, openHouse } from '../domains/house.ts'
import { caller, PASSWORD, sessionOf, signedUp } from '../domains/people.ts'
import { serverSentEvents } from '../front-door/visitor.ts'
import { systemContext } from '../support/context.ts'
import { runProgram } from '../support/program.ts'
import { runSql } from '../support/sql.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'

let house: House

beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

/** Another process than the server's, on the same database. */
const accounts = (...args: string[]) =>
  runProgram(['accounts', ...args], { DATABASE_URL: house.ownerUrl, CADRE_DIR: house.folder })

const change = (verb: typeof suspendAccount | typeof restoreAccount, email: string) =>
  house.db.inAccountTransaction(systemContext(house.db, newId()), (tx) => verb(tx, email))

const outcome = (as: { query(document: string): Promise<unknown> }) =>
  as.query('{ viewer { permissions } }').then(
    () => 'in',
    ({ code }) => code,
  )

/** The first item of a subscription. */
async function firstOf(key: string, query: string): Promise<unknown> {
  const place = { url: new URL(house.endpoint).origin, key }
  for await (const { event, data } of serverSentEvents(place, query, { signal: AbortSignal.timeout(30_000) })) {
    return event === 'next' ? (JSON.parse(data) as { data: unknown }).data : event
  }
  return undefined
}

type Person = Awaited<ReturnType<typeof signedUp>>

async function keyOf(person: Person, permissions = ['DEALS_READ', 'KEYS_WRITE', 'WORKSPACE_READ']) {
  const { secret, apiKey } = await person.mutate('createApiKey', { name: 'Key', permissions }, 'secret apiKey { id }')
  return { ...caller(house, String(secret)), id: (apiKey as { id: string }).id }
}

const logOf = (workspaceId: string | undefined) =>
  runSql(
    house.ownerUrl,
    `select type, actor, subject_version as version from event_log
      where workspace_id = $1 and type in ('member.suspended', 'member.restored') order by position`,
    [workspaceId?.replace('workspace_', '')],
  )

describe('an account that is suspended', () => {
  test('has no session, socket, key or way in any more, and its workspaces are told; restored, its keys work again', async () => {
    const grace = await signedUp(house, 'Suspended')
    const [kept, revoked] = [await keyOf(grace), await keyOf(grace)]
    await grace.mutate('revokeApiKey', { id: revoked.id })
    const sockets = [grace.follow(), kept.follow('subscription { events { id } }')]
    const socket = grace.follow()
    await socket.open
    expect(await outcome(kept)).toBe('in')

    const told = await accounts('suspend', grace.email.toUpperCase())
    expect(told).toMatchObject({ exitCode: 0, stderr: '' })
    expect(told.stdout).toBe(
      `${grace.email} is suspended: signed out everywhere, and their keys do nothing.\n` +
        `  No active owner is left in Suspended (${grace.workspace?.slug}).\n`,
    )
    await expect
      .poll(async () => [await outcome(grace), await outcome(kept)], { timeout: 4_000 })
      .toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED'])
    expect(await socket.closed).toMatchObject({ code: 4403 })
    for (const each of sockets) expect(await each.closed).toMatchObject({ code: 4403 })
    const refused = { code: 'UNAUTHENTICATED' }
    await expect(caller(house).mutate('refreshSession', { refreshToken: grace.refreshToken })).rejects.toMatchObject(
      refused,
    )
    const logIn = () => caller(house).mutate('logIn', { email: grace.email, password: PASSWORD })
    await expect(logIn()).rejects.toMatchObject({
      ...refused,
      message: 'The e-mail address or the password is wrong.',
    })
    const system = { kind: 'SYSTEM' }
    await expect
      .poll(() => logOf(grace.workspace?.workspaceId))
      .toEqual([{ type: 'member.suspended', actor: system, version: 2 }])

    const again = await accounts('suspend', grace.email)
    expect(again.stdout).toContain(`${grace.email} was suspended already: nothing was changed.\n`)
    expect((await accounts('restore', grace.email)).stdout).toBe(
      `${grace.email} is restored: they sign in again, and their keys work.\n`,
    )
    expect((await accounts('restore', grace.email)).stdout).toBe(
      `${grace.email} was not suspended: nothing was changed.\n`,
    )
    await expect.poll(() => outcome(kept), { timeout: 4_000 }).toBe('in')
    expect([await outcome(grace), await outcome(revoked)]).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED'])
    expect(sessionOf(await logIn())).toMatchObject({ account: { email: grace.email } })
    await expect
      .poll(() => logOf(grace.workspace?.workspaceId))
      .toEqual([
        { type: 'member.suspended', actor: system, version: 2 },
        { type: 'member.restored', actor: system, version: 3 },
      ])
  })

  test('is seen among the members and on their keys by those who stay, and heard of', async () => {
    const grace = await signedUp(house, 'Seen')
    const ines = await signedUp(house)
    const { secret } = await grace.mutate('inviteMember', { email: ines.email, role: 'OWNER' })
    const { token } = sessionOf(await ines.mutate('acceptInvite', { inviteToken: secret })).accessToken
    const owner = caller(house, token)
    await keyOf(grace, ['DEALS_READ'])
    const seen = async () => {
      const { members, apiKeys } = (await owner.query(`{ members { nodes { name suspendedAt permissions } }
        apiKeys { nodes { status effectivePermissions member { suspendedAt } } } cursor }`)) as {
        members: { nodes: { suspendedAt: string | null; permissions: string[] }[] }
        apiKeys: { nodes: { effectivePermissions: string[]; member: { suspendedAt: string | null } }[] }
      }
      const [member, [key]] = [members.nodes[0], apiKeys.nodes]
      return {
        suspended: [member?.suspendedAt, key?.member.suspendedAt].map((moment) => moment !== null),
        may: [member?.permissions.includes('DEALS_READ'), key?.effectivePermissions],
      }
    }
    const { cursor } = await owner.query('{ cursor }')
    const before = { suspended: [false, false], may: [true, ['DEALS_READ']] }
    expect(await seen()).toEqual(before)
    await change(suspendAccount, grace.email)
    expect(await seen()).toEqual({ suspended: [true, true], may: [false, []] })
    await change(restoreAccount, grace.email)
    expect(await seen()).toEqual(before)
    for (const topic of ['memberSuspended', 'memberRestored']) {
      const query = `subscription { ${topic}(after: "${cursor}") { member { email } } }`
      expect(await firstOf(token, query)).toEqual({ [topic]: { member: { email: grace.email } } })
    }
  })

  test('leaves no mark on a member who is removed meanwhile', async () => {
    const grace = await signedUp(house, 'Removed')
    const ines = await signedUp(house)
    const { secret } = await grace.mutate('inviteMember', { email: ines.email, role: 'MEMBER' })
    await ines.mutate('acceptInvite', { inviteToken: secret })
    await change(suspendAccount, ines.email)
    const members = async () => {
      const query = '{ members(filter: { removed: { isNull: false } }) { nodes { id email suspendedAt } } }'
      const found = (await grace.query(query)) as { members: { nodes: { id: string; email: string }[] } }
      return found.members.nodes.filter(({ email }) => email === ines.email)
    }
    const [member] = await members()
    expect(member).toMatchObject({ suspendedAt: expect.any(String) })
    await grace.mutate('removeMember', { id: member?.id })
    expect(await members()).toMatchObject([{ suspendedAt: null }])
    await change(restoreAccount, ines.email)
    expect(await members()).toMatchObject([{ suspendedAt: null }])
  })

  test('makes no keys with a key that was looked up a moment ago', async () => {
    const grace = await signedUp(house, 'No heirs')
    for (let round = 0; round < 5; round++) {
      const key = await keyOf(grace)
      expect(await outcome(key)).toBe('in')
      await change(suspendAccount, grace.email)
      const heir = key.mutate('createApiKey', { name: 'Heir', permissions: ['DEALS_READ'] })
      await expect(heir).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
      await change(restoreAccount, grace.email)
      const { refreshToken, ...session } = sessionOf(
        await caller(house).mutate('logIn', { email: grace.email, password: PASSWORD }),
      )
      Object.assign(grace, session, caller(house, session.accessToken.token))
    }
  })

  test('is no owner with whom the last active one may leave the workspace', async () => {
    const grace = await signedUp(house, 'Two owners')
    const ines = await signedUp(house)
    const { secret } = await grace.mutate('inviteMember', { email: ines.email, role: 'OWNER' })
    const { workspace, accessToken } = sessionOf(await ines.mutate('acceptInvite', { inviteToken: secret }))
    const owner = caller(house, accessToken.token)
    expect(await change(suspendAccount, grace.email)).toMatchObject({ changed: true, ownerless: [] })
    const leave = () => owner.mutate('leaveWorkspace', { workspace: workspace?.workspaceId })
    expect(await leave()).toMatchObject({ reason: 'ILLEGAL_TRANSITION' })
    await change(restoreAccount, grace.email)
    expect(await leave()).toMatchObject({ __typename: 'LeaveWorkspacePayload' })
  })

  test('has invited nobody: neither a friend nor themselves under another address', async () => {
    const grace = await signedUp(house, 'Invited')
    const mine = await signedUp(house)
    const { secret } = await grace.mutate('inviteMember', { email: mine.email, role: 'OWNER' })
    await change(suspendAccount, grace.email)
    const accept = () => mine.mutate('acceptInvite', { inviteToken: secret })
    expect(await accept()).toMatchObject({ __typename: 'ConflictError' })
    await change(restoreAccount, grace.email)
    expect(await accept()).toMatchObject({ __typename: 'ConflictError' })
  })

  test('is marked also where its person joins at that moment', async () => {
    const grace = await signedUp(house, 'Joined late')
    const ines = await signedUp(house)
    const { secret } = await grace.mutate('inviteMember', { email: ines.email, role: 'MEMBER' })
    const ctx = systemContext(house.db, newId())
    const place = await findInvitePlace(ctx, String(secret))
    const account = await findAccountByEmail(ctx, ines.email)
    if (place === undefined || account === undefined) throw new Error('there is an invite for an account')
    const sessions = `select id from session where account_id = $1`
    const [session] = await runSql<{ id: string }>(house.ownerUrl, sessions, [account.id])
    let suspending: Promise<unknown> | undefined
    await house.db.inAccountTransaction(ctx, async (tx) => {
      const { workspaceId } = await acceptInvite(tx, joining(account), place)
      await switchSession(tx, { accountId: account.id, sessionId: session?.id ?? '', workspaceId })
      suspending = change(suspendAccount, ines.email)
      const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and wait_event <> 'advisory'`
      await expect.poll(() => runSql(house.ownerUrl, waiting)).toHaveLength(1)
    })
    await suspending
    const marked = `select suspended_at is not null as marked from member where account_id = $1`
    expect(await runSql(house.ownerUrl, marked, [account.id])).toEqual([{ marked: true }])
    await expect.poll(() => logOf(grace.workspace?.workspaceId)).toHaveLength(1)
  })

  test('by several at once is suspended once', async () => {
    const grace = await signedUp(house, 'At once')
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => change(suspendAccount, grace.email)))
    expect(outcomes.filter(({ changed }) => changed)).toHaveLength(1)
    await expect.poll(() => logOf(grace.workspace?.workspaceId)).toHaveLength(1)
  })
})

describe('the command', () => {
  test('lists who has an account and where they belong, for people and as JSON', async () => {
    const grace = await signedUp(house, 'Listed')
    const other = await signedUp(house)
    await change(suspendAccount, other.email)
    const [lines, { stdout }] = [(await accounts('list')).stdout.split('\n'), await accounts('list', '--json')]
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(`^${grace.email} · Grace · active · listed \\(owner\\) · last seen 2\\d{3}-`)),
    )
    expect(lines).toContainEqual(expect.stringContaining(`${other.email} · Grace · suspended · in no workspace`))
    const listed = JSON.parse(stdout) as { email: string }[]
    expect(listed.find(({ email }) => email === grace.email)).toEqual({
      email: grace.email,
      name: 'Grace',
      status: 'ACTIVE',
      createdAt: expect.any(String),
      lastUsedAt: expect.any(String),
      workspaces: [{ slug: grace.workspace?.slug, role: 'OWNER' }],
    })
    expect(listed.map(({ email }) => email)).toEqual(listed.map(({ email }) => email).sort())
  })

  test('says when there is no such account, and changes nothing', async () => {
    for (const act of ['suspend', 'restore']) {
      expect(await accounts(act, 'nobody@people.example')).toEqual({
        exitCode: 1,
        stdout: '',
        stderr:
          '✖ Nobody has an account here with the e-mail address nobody@people.example.\n' +
          '  `npm run accounts -- list` shows who has one.\n',
      })
    }
  })

  test('makes no database where there is none, and says of an older one what brings it up', async () => {
    const folder = openTemporaryFolder('cadre-accounts-')
    const none = await runProgram(['accounts', 'list'], { DATABASE_URL: '', CADRE_DIR: folder })
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining(`There is no database in ${folder} yet.`)])
    await runSql(house.ownerUrl, 'alter table member rename suspended_at to none_yet')
    const older = await accounts('list')
    await runSql(house.ownerUrl, 'alter table member rename none_yet to suspended_at')
    expect([older.exitCode, older.stderr]).toEqual([
      1,
      expect.stringContaining('The database is older than this code.'),
    ])
  })
})
