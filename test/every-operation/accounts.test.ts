// What is about an account: of no workspace, for a person who signed in, and for no key. Every mutation that says so is
// tried by itself; what its types cannot tell stands in `account-inputs.ts`.

import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { accountInputs, type Input } from './account-inputs.ts'
import type { Asker } from './asker.ts'
import { type House, openHouse, type Workspace } from './house.ts'
import { accountMutations, documentOf, type Operation } from './operations.ts'
import { type Outcome, outcomeOf } from './outcomes.ts'

/** Where an idempotency key is not heeded, and why. */
const UNKEYED: Readonly<Record<string, string>> = {
  signUp: 'takes a password',
  logOut: 'is about the session that asks',
  revokeSessions: 'is about the session that asks',
  switchWorkspace: 'is about the session that asks',
  acceptInvite: 'is about the session that asks',
  logIn: 'takes a password, and each is a session of its own',
  changePassword: 'takes a password',
  resetPassword: 'takes a password',
  requestEmailChange: 'takes a password',
  confirmEmailChange: 'is good once by itself',
  eraseAccount: 'takes a password',
  refreshSession: 'repeats its answer by itself, for as long as it may',
  requestPasswordReset: 'changes nothing before the answer',
}

/** What anybody may call: to sign in. */
const PUBLIC = ['confirmEmailChange', 'logIn', 'refreshSession', 'requestPasswordReset', 'resetPassword', 'signUp']

let house: House
let inputOf: (operation: Operation, of: Workspace) => Input | Promise<Input>
let otherSessionOf: (workspaceId: string) => Promise<string>
let identityOf: (workspaceId: string) => Promise<string>

beforeAll(async () => {
  house = await openHouse()
  ;({ inputOf, otherSessionOf, identityOf } = accountInputs(house))
})
afterAll(() => house.close())

const kept = () => accountMutations.filter(({ field }) => field.extensions.permission === 'session')

async function call(operation: Operation, asker: Asker, input: Input, key?: string): Promise<Outcome> {
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  return outcomeOf(operation, await asker.ask({ query: documentOf(operation, 1), variables: { input }, headers }))
}

/** Everything there is of accounts, and of who is in which workspace. */
async function footprint(): Promise<string> {
  const tables = [
    'account',
    'account_identity',
    'account_token',
    'refresh_token',
    'session',
    'invite',
    'member',
    'workspace',
  ]
  const parts = tables.map(
    (table) => `(select jsonb_agg(to_jsonb(t) - 'last_used_at' order by t::text) from "${table}" t)`,
  )
  const { rows } = await house.owner.query<{ all: unknown }>(`select jsonb_build_array(${parts.join(', ')}) as all`)
  return JSON.stringify(rows[0]?.all)
}

test('what anybody may call is what this test says, and so is where a key is not heeded', () => {
  const open = accountMutations.filter(({ field }) => field.extensions.permission === 'public')
  expect(open.map(({ name }) => name).sort()).toEqual(PUBLIC)
  const unkeyed = accountMutations.filter(({ field }) => field.extensions.unkeyed === true)
  expect(unkeyed.map(({ name }) => name).sort()).toEqual(Object.keys(UNKEYED).sort())
  for (const { field, name } of unkeyed)
    expect([name, field.description]).toEqual([name, expect.stringContaining('Idempotency-Key')])
})

/** What there must be first, which is made below the API. */
const MADE_BELOW = ['revokeSession', 'disconnectIdentity']

test('whatever is for a person who signed in is for nobody else, and no key, whatever stands on it', async () => {
  const before = await footprint()
  for (const operation of kept()) {
    const input = MADE_BELOW.includes(operation.name) ? { id: 'session_x' } : await inputOf(operation, house.a)
    for (const asker of [house.anonymous, house.a.all, house.a.none]) {
      expect([operation.name, await call(operation, asker, input)]).toMatchObject([
        operation.name,
        { code: 'UNAUTHENTICATED' },
      ])
    }
  }
  expect(await footprint()).toBe(before)
})

test('nobody does anything with what is another’s: it is what there is not', async () => {
  const ghost = '0197a000-dead-7000-8000-00000000beef'
  const theirs: Readonly<Record<string, Input>> = {
    revokeSession: { id: encodeId('session', await otherSessionOf(house.b.id)) },
    disconnectIdentity: { id: encodeId('identity', await identityOf(house.b.id)) },
  }
  const before = await footprint()
  for (const operation of kept()) {
    const { name } = operation
    const given = theirs[name] ?? (await inputOf(operation, house.b))
    const foreign = Object.entries(given).filter(([, value]) => /^(workspace|session|identity)_/.test(String(value)))
    for (const [field, value] of foreign) {
      const answers = [value, String(value).replace(/_.*$/, `_${ghost}`)].map((id) =>
        call(operation, house.a.person, { [field]: id }),
      )
      for (const answer of await Promise.all(answers)) {
        expect([name, answer]).toMatchObject([name, { code: 'NOT_FOUND' }])
      }
    }
  }
  const accept = kept().find(({ name }) => name === 'acceptInvite') as Operation
  const { token } = house.b.invite
  expect(await call(accept, house.a.person, { inviteToken: token })).toMatchObject({ code: 'INVALID_INPUT' })
  expect(await footprint()).toBe(before)
})

// What takes the session away that asks comes last, each with a session of its own.
const last = ['leaveWorkspace']
const once = () =>
  kept()
    .filter(({ field }) => field.extensions.unkeyed !== true)
    .sort((one, other) => last.indexOf(one.name) - last.indexOf(other.name))

test('updateAccount: what is left out stays as it is, and null is refused', async () => {
  const update = kept().find(({ name }) => name === 'updateAccount') as Operation
  const before = await footprint()
  expect(await call(update, house.a.person, {})).toMatchObject({ code: 'DONE' })
  expect(await call(update, house.a.person, { name: null })).toMatchObject({ code: 'INVALID_INPUT' })
  expect(await footprint()).toBe(before)
})

test('each is done once for one key, by 20 at once, and refuses the key with another input', async () => {
  // So that its owner is not the last one, and may leave.
  await house.owner.query(`update member set role = 'OWNER' where workspace_id = $1`, [house.a.id])
  for (const operation of once()) {
    const person = await house.a.signIn()
    const key = `one key for ${operation.name}`
    const input = await inputOf(operation, house.a)
    const insist = async (): Promise<Outcome> => {
      for (;;) {
        const outcome = await call(operation, person, input, key)
        if (outcome.code !== 'UNAVAILABLE') return outcome
        await setTimeout(outcome.retryAfterMs ?? 0)
      }
    }
    const { rows: claims } = await house.owner.query('select count(*)::int as n from idempotency_claim')
    const outcomes = await Promise.all(Array.from({ length: 20 }, insist))
    const done = outcomes.filter(({ code }) => code === 'DONE')
    // Who leaves is in it no more: what comes later is told so.
    const isOver = ({ code }: Outcome) => last.includes(operation.name) && code === 'UNAUTHENTICATED'
    expect([operation.name, outcomes.filter((each) => each.code !== 'DONE' && !isOver(each))]).toEqual([
      operation.name,
      [],
    ])
    expect(done.length).toBeGreaterThan(0)
    const { rows } = await house.owner.query('select count(*)::int as n from idempotency_claim')
    expect([operation.name, rows[0].n]).toEqual([operation.name, claims[0].n + 1])
    if (last.includes(operation.name)) continue
    const other = await call(operation, person, { ...input, ...(await inputOf(operation, house.a)) }, key)
    expect([operation.name, other]).toMatchObject([
      operation.name,
      { code: 'CONFLICT', reason: 'IDEMPOTENCY_MISMATCH' },
    ])
  }
  const founded = await house.owner.query(`select count(*)::int as n from workspace where name = 'Founded'`)
  expect(founded.rows).toEqual([{ n: 1 }])
})
