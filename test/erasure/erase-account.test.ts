// A person who has themselves erased, over the API of a server that sweeps.

import { beforeAll, describe, expect, it } from 'vitest'
import { attemptKeysOf } from '../../src/platform/auth/sign-in-throttle.ts'
import { caller, PASSWORD, sessionOf, signedUp } from '../domains/people.ts'
import { standingHouse } from '../domains/standing-house.ts'
import { runSql } from '../support/sql.ts'
import { certificateFor, invited, joined, mailsFor, move } from './comings-and-goings.ts'
import { searchEverywhere } from './search.ts'

const house = standingHouse()
let kite: Awaited<ReturnType<typeof signedUp>>
let left: Awaited<ReturnType<typeof signedUp>>

beforeAll(async () => {
  kite = await signedUp(house, 'Kite')
  left = await signedUp(house, 'Left')
})

const sql = <R extends object>(text: string, values: unknown[] = []) => runSql<R>(house.ownerUrl, text, values)

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
    const person = isMember ? await joined(house, await invited(kite, grace.email), grace) : grace
    const email = `somewhere.${isMember ? 'else' : 'quiet'}@people.example`
    await move(house, person, grace.email, email)
    await invited(left, grace.email)
    await sql(`update invite set expires_at = now() - interval '1 day' where email = $1 and accepted_at is null`, [
      grace.email,
    ])
    const counted = [grace.email, email].flatMap((address) => attemptKeysOf(address.toLowerCase()))
    const counters = () => sql('select key from sign_in_attempt where key = any ($1)', [counted])
    expect(await counters()).not.toEqual([])
    const answer = await person.mutate('eraseAccount', { currentPassword: PASSWORD }, 'erasure { id }')
    expect(await counters()).toEqual([])
    await certificateFor(house, (answer.erasure as { id: string }).id)
    expect(mailsFor(house, grace.email)).toEqual([])
    expect(mailsFor(house, email).map(({ file }) => file)).toEqual([expect.stringMatching(/^account-erased-/)])
    // Nor does the log tell it, which told of the change.
    expect(await searchEverywhere(house.ownerUrl, house.mailFolder, [grace.email])).toEqual({ [grace.email]: [] })
    const gone = `select email, former_emails from account_erasure where 'account_erasure_' || id = $1`
    expect(await sql(gone, [(answer.erasure as { id: string }).id])).toEqual([{ email: null, former_emails: null }])
    expect(await sql('select id from invite where email = any ($1)', [[grace.email, email]])).toEqual([])
  })

  it('who went back to an address has it once, and not as one from before', async () => {
    const grace = await signedUp(house)
    const email = `away-${grace.email}`
    await move(house, grace, grace.email, email)
    await sql(`delete from sign_in_attempt`)
    await move(house, grace, email, grace.email)
    expect(await sql('select former_emails from account where email = $1', [grace.email])).toEqual([
      { former_emails: [email.toLowerCase()] },
    ])
  })

  it('leaves what is somebody else’s at an address that was theirs once', async () => {
    const grace = await signedUp(house)
    const member = await joined(house, await invited(kite, grace.email), grace)
    expect(await member.mutate('leaveWorkspace', { workspace: kite.workspace?.workspaceId })).toMatchObject({
      __typename: 'LeaveWorkspacePayload',
    })
    await move(house, grace, grace.email, `moved-${grace.email}`)
    const token = await invited(kite, grace.email)
    await sql(
      `insert into idempotency_claim (workspace_id, credential, key, operation, input_hash, outcome)
       select workspace_id, 'key:1', 'for ' || email, 'inviteMember', 'x', '{}' from invite where email = $1 and accepted_at is null`,
      [grace.email],
    )
    const invites = () => mailsFor(house, grace.email).filter(({ file }) => file.startsWith('invite-'))
    await expect.poll(invites).toHaveLength(2)
    const answer = await grace.mutate('eraseAccount', { currentPassword: PASSWORD }, 'erasure { id }')
    await certificateFor(house, (answer.erasure as { id: string }).id)
    expect(invites()).toHaveLength(2)
    expect(await sql('select key from idempotency_claim where key = $1', [`for ${grace.email}`])).toHaveLength(1)
    const input = { email: grace.email, name: 'Another Grace', password: PASSWORD, inviteToken: token }
    expect(sessionOf(await caller(house).mutate('signUp', input)).workspace?.slug).toBe(kite.workspace?.slug)
  })

  it('is not found by their name in what is stored of others’ requests', async () => {
    const grace = await signedUp(house)
    const member = await joined(house, await invited(kite, grace.email), grace)
    await member.mutate('updateAccount', { name: 'contactId' }, 'account { id }')
    await sql(
      `insert into idempotency_claim (workspace_id, credential, key, operation, input_hash, outcome)
       select workspace_id, 'key:1', claim.key, 'createContact', 'x', claim.outcome
         from member, (values ('theirs', '{"contactId": "contact_1"}'::jsonb), ('hers', jsonb_build_object('to', $1::text))) as claim(key, outcome)
        where email = $1`,
      [grace.email],
    )
    const answer = await member.mutate('eraseAccount', { currentPassword: PASSWORD }, 'erasure { id }')
    await certificateFor(house, (answer.erasure as { id: string }).id)
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
    const asBo = await joined(house, await invited(ada, bo.email, 'OWNER'), bo)
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
