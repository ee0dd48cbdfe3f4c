import { describe, expect, test } from 'vitest'
import {
  MAX_MAILS_A_DAY,
  MAX_OPEN_INVITES,
  MAX_WORKSPACE_MAILS_A_DAY,
} from '../../src/domains/workspaces/invite-limits.ts'
import { mailsTo, mailTo } from '../support/mail-folder.ts'
import { runSql } from '../support/sql.ts'
import { type Answer, type Tenant, WHO } from './house.ts'
import { caller, PASSWORD, signedUp } from './people.ts'
import { standingHouse } from './standing-house.ts'

// What mails to people tell that others have chosen, and how many of them there may be.

const house = standingHouse()
let guests = 0

const guest = () => `guest-${++guests}@guests.example`
const invite = (as: Tenant, email: string, more = '') =>
  as.mutate('inviteMember', { email, role: 'MEMBER' }, `invite { id } ${more}`)
const idOf = (answer: Answer) => (answer.invite as { id: string }).id
const tried = async (as: Tenant, email: string) => {
  const query = `mutation($input: InviteMemberInput!) { inviteMember(input: $input) @dryRun { __typename } }`
  const { inviteMember } = await as.query(query, { input: { email, role: 'MEMBER' } })
  return inviteMember
}
/** What trying it says would go out. */
const foretoldOf = async ({ key }: Tenant, email: string) => {
  const query = `mutation { inviteMember(input: { email: "${email}", role: MEMBER }) @dryRun { __typename } }`
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
  const answer = await fetch(house.endpoint, { method: 'POST', headers, body: JSON.stringify({ query }) })
  const { extensions } = (await answer.json()) as { extensions: { dryRun: { effects: readonly object[] } } }
  return extensions.dryRun.effects
}
const mailsOf = (address: string) => mailsTo(house.mailFolder, address)
/** The mail to an address, its head and its paragraphs, once it is there. */
const partsOf = async (address: string): Promise<readonly string[]> =>
  (await mailTo(house.mailFolder, address)).split('\r\n\r\n')

describe('a name in a mail', () => {
  const SPAM = 'You won! http://evil.example/x or www.evil.example'

  test('of a workspace leads nowhere, and ends no line of an old one', async () => {
    const tenant = await house.workspace('Spam')
    await tenant.mutate('updateWorkspace', { name: SPAM })
    const email = guest()
    await invite(tenant, email)
    const [, ...paragraphs] = await partsOf(email)
    const text = paragraphs.join('\n')
    expect(text).toContain('http: / / evil. example/ x or www. evil. example')
    expect(text.match(/https?:\/\/\S+/g)).toEqual([expect.stringMatching(/\/invite\/cadre_invite_\S+$/)])

    const before = await house.workspace('Before')
    await runSql(house.ownerUrl, 'update workspace set name = $2 where id = $1', [
      before.id,
      'Old\r\nBcc: e@evil.example',
    ])
    const other = guest()
    await invite(before, other)
    const [head, first] = await partsOf(other)
    expect(head).not.toMatch(/^Bcc:/m)
    expect(first).toMatch(/^You are invited to .*Old Bcc: e@ evil\. example.* on Cadre\.$/)
  })

  test('of a person leads nowhere, either', async () => {
    const email = guest()
    await caller(house).mutate('signUp', { email, password: PASSWORD, name: SPAM })
    await caller(house).mutate('requestPasswordReset', { email })
    const [, hello, ...others] = await partsOf(email)
    expect(hello).toBe('Hello You won! http: / / evil. example/ x or www. evil. example,')
    expect(others.join('\n').match(/https?:\/\/\S+/g)).toHaveLength(1)
  })

  test.each(['Two\nlines', 'Nul\0', 'Turned \u202eemoc', 'Line\u2028separator'])(
    'is one line: %j is refused',
    async (name) => {
      const tenant = await house.workspace('Lines')
      const before = await tenant.footprint(WHO)
      const refused = { __typename: 'InvalidInputError', issues: [{ field: 'name', code: 'INVALID_FORMAT' }] }
      expect(await tenant.mutate('updateWorkspace', { name })).toEqual(refused)
      const { members } = await tenant.query('{ members { nodes { id } } }')
      const [member] = (members as { nodes: { id: string }[] }).nodes
      expect(await tenant.mutate('updateMember', { id: member?.id, name })).toEqual(refused)
      expect(await tenant.footprint(WHO)).toBe(before)
      const person = await signedUp(house)
      expect(await person.mutate('updateAccount', { name })).toEqual(expect.objectContaining(refused))
      expect(await caller(house).mutate('signUp', { email: guest(), password: PASSWORD, name })).toMatchObject(refused)
    },
  )
})

describe('invites', () => {
  const tooMany = (limit: string) => ({
    __typename: 'LimitExceededError',
    limit,
    retryAfterMs: expect.any(Number),
  })

  test('that are open are as many as may be, however many are made at once, and one that is over makes room', async () => {
    const tenant = await house.workspace('Many')
    const made: Answer[] = []
    const addresses = Array.from({ length: MAX_OPEN_INVITES + 6 }, guest)
    for (let from = 0; from < addresses.length; from += 14) {
      made.push(...(await Promise.all(addresses.slice(from, from + 14).map((each) => invite(tenant, each)))))
    }
    const done = made.filter((each) => each.__typename === 'InviteMemberPayload')
    expect(done).toHaveLength(MAX_OPEN_INVITES)
    const refused = await invite(tenant, guest())
    expect(refused).toEqual(tooMany('QUOTA'))
    expect(refused.retryAfterMs).toBeGreaterThan(6 * 24 * 3_600_000)
    // One that is open already is no other one.
    const [first] = addresses
    expect(await invite(tenant, first ?? '')).toMatchObject({ __typename: 'InviteMemberPayload' })
    await tenant.mutate('revokeInvite', { id: idOf(done[1] as Answer) })
    expect(await invite(tenant, guest())).toMatchObject({ __typename: 'InviteMemberPayload' })
    expect(await invite(tenant, guest())).toEqual(tooMany('QUOTA'))
    const text = `update invite set expires_at = now() where workspace_id = $1 and email = $2`
    await runSql(house.ownerUrl, text, [tenant.id, first])
    expect(await invite(tenant, guest())).toMatchObject({ __typename: 'InviteMemberPayload' })
  })

  test('are mailed to an address three times a day, from whatever workspaces and however many at once, and are as good without; what is tried is not counted', async () => {
    const tenants = await Promise.all(
      ['One', 'Two', 'Three', 'Four', 'Five', 'Six'].map((name) => house.workspace(name)),
    )
    const [one] = tenants as [Tenant]
    const person = await signedUp(house)
    const { email } = person
    expect(await tried(one, email)).toEqual({ __typename: 'InviteMemberPayload' })
    const made = await Promise.all(tenants.map((tenant) => invite(tenant, email, 'secret')))
    expect(made.map(({ __typename }) => __typename)).toEqual(tenants.map(() => 'InviteMemberPayload'))
    await expect.poll(() => mailsOf(email).length).toBe(MAX_MAILS_A_DAY)

    // Nobody is told, neither by doing it nor by trying.
    expect(await foretoldOf(one, email)).toEqual([{ kind: 'MAIL', to: email }])
    for (const { secret } of made) {
      const joined = await person.mutate('acceptInvite', { inviteToken: secret }, '__typename')
      expect(joined).toMatchObject({ __typename: 'AcceptInvitePayload' })
    }

    // What is refused is counted no more than what is tried.
    expect(await invite(one, email.toUpperCase())).toMatchObject({ __typename: 'ConflictError' })
    const counted = () =>
      runSql(
        house.ownerUrl,
        `select key, points from sign_in_attempt where key like 'invite:%' and not key like '% %' and points >= 3`,
      )
    expect(await counted()).toEqual([{ key: expect.not.stringContaining('@'), points: tenants.length }])
    await runSql(house.ownerUrl, `update sign_in_attempt set expire = expire - 86400000 where key like 'invite:%'`)
    const tomorrow = await house.workspace('Tomorrow')
    expect(await invite(tomorrow, email)).toMatchObject({ __typename: 'InviteMemberPayload' })
    expect(await counted()).toEqual([])
    await expect.poll(() => mailsOf(email).length).toBe(MAX_MAILS_A_DAY + 1)
  })

  test('are mailed 200 times a day from a workspace, however many it takes back', async () => {
    const tenant = await house.workspace('Two hundred')
    const [last, beyond] = [guest(), guest()]
    await invite(tenant, guest())
    const points = 'update sign_in_attempt set points = $2 where key = $1'
    await runSql(house.ownerUrl, points, [`invite:workspace ${tenant.id}`, MAX_WORKSPACE_MAILS_A_DAY - 1])
    for (const email of [last, beyond]) {
      expect(await invite(tenant, email)).toMatchObject({ __typename: 'InviteMemberPayload' })
    }
    await partsOf(last)
    // What would have come before the mail of another workspace, had it been sent.
    const after = guest()
    await invite(await house.workspace('After'), after)
    await partsOf(after)
    expect([mailsOf(last).length, mailsOf(beyond).length]).toEqual([1, 0])
  })
})
