import { afterAll, beforeAll, expect, test } from 'vitest'
import { accountInputs } from './account-inputs.ts'
import type { Answer } from './asker.ts'
import { type House, openHouse } from './house.ts'
import { accountMutations, documentOf, documentOfMany, type Operation } from './operations.ts'
import { outcomeOf } from './outcomes.ts'
import { selectionOf } from './selections.ts'
import { type Traces, tracesOf } from './traces.ts'

let house: House

beforeAll(async () => {
  house = await openHouse()
  // So that their owners are not the last ones, and may leave.
  await house.owner.query(`update member set role = 'OWNER'`)
})
afterAll(() => house.close())

/**
 * Without what counts passwords that are tried: who tries one in a dry run has tried it. And without the server's own keys,
 * which are made when one is needed first.
 */
async function traces(): Promise<Traces> {
  await house.events.sequencer.sequencePass()
  const { tables, mails } = await tracesOf(house)
  const { sign_in_attempt: _attempts, server_secret: _keys, ...others } = tables
  return { tables: others, mails }
}

const isPublic = ({ field }: Operation): boolean => field.extensions.permission === 'public'

/** Where a token that a dry run shows leads to. */
async function isLetIn({ text }: Answer): Promise<boolean> {
  const token = /"token":"([^"]+)"/.exec(text)?.[1]
  if (token === undefined) return false
  const answer = await house.asker(`Bearer ${token}`).ask({ query: '{ viewer { permissions } }' })
  return answer.errors.length === 0
}

/** What is there and of which kind, but for what a dry run shows to nobody. */
function formOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(formOf)
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value
  const members = Object.entries(value).filter(([name]) => !/(^|_)(refreshToken|secret)$/.test(name))
  return Object.fromEntries(members.map(([name, member]) => [name, formOf(member)]))
}

/** What is mailed after the answer is not to be taken for the next one's. */
const MAILED_LATER = ['requestEmailChange', 'requestPasswordReset']

const mailed = async () => (await traces()).mails.filter((file) => !file.startsWith('.'))

// What takes away by what the others sign in comes last.
const LAST = ['changePassword', 'resetPassword', 'leaveWorkspace', 'confirmEmailChange']
const inOrder = [...accountMutations].sort((one, other) => LAST.indexOf(one.name) - LAST.indexOf(other.name))

/** Whoever is erased is not there for the others. */
const personOf = ({ name }: Operation) => (name === 'eraseAccount' ? house.b : house.a)

test('refreshSession is not tried: used or not, a token is told the same, and none is used by it', async () => {
  const operation = inOrder.find(({ name }) => name === 'refreshSession') as Operation
  const { anonymous } = house
  const input = await accountInputs(house).inputOf(operation, house.b)
  const tryIt = async (refreshToken: unknown) => {
    const query = documentOfMany(operation, { it: '@dryRun' }, selectionOf(operation.field.type, 2))
    const { text } = await anonymous.ask({ query, variables: { input: { refreshToken } } })
    const { it } = (JSON.parse(text) as { data: { it: unknown } }).data
    return it
  }
  const unknown = await tryIt(`cadre_refresh_${'x'.repeat(43)}`)
  expect(unknown).toMatchObject({ InvalidInputError_issues: [{ field: 'refreshToken', code: 'NOT_ALLOWED' }] })
  const before = await traces()
  expect(await tryIt(input.refreshToken)).toEqual(unknown)
  expect(await traces()).toEqual(before)
  const done = await anonymous.ask({ query: documentOf(operation, 2), variables: { input } })
  expect(outcomeOf(operation, done)).toMatchObject({ code: 'DONE' })
  expect(await tryIt(input.refreshToken)).toEqual(unknown)
})

for (const operation of inOrder.filter(({ name }) => name !== 'refreshSession')) {
  test(`${operation.name} is tried with the answer that it would have, and nothing of it is kept`, async () => {
    const of = personOf(operation)
    const asker = isPublic(operation) ? house.anonymous : await of.signIn()
    const input =
      operation.name === 'acceptInvite'
        ? { inviteToken: 'cadre_invite_none' }
        : await accountInputs(house).inputOf(operation, of)
    const query = documentOfMany(operation, { [operation.field.name]: '@dryRun' }, selectionOf(operation.field.type, 2))
    const before = await traces()
    const tried = await asker.ask({ query, variables: { input } })
    expect(await traces()).toEqual(before)
    expect(JSON.parse(tried.text)).toMatchObject({ extensions: { dryRun: { approvals: [] } } })
    expect(await isLetIn(tried)).toBe(false)
    expect(tried.text).not.toMatch(/cadre_refresh_/)

    const done = await asker.ask({ query: documentOf(operation, 2), variables: { input } })
    expect([operation.name, outcomeOf(operation, tried)]).toEqual([operation.name, outcomeOf(operation, done)])
    expect(tried.errors).toEqual([])
    if (MAILED_LATER.includes(operation.name)) await expect.poll(mailed).toHaveLength(before.mails.length + 1)
    expect(formOf(tried.data)).toEqual(formOf(done.data))
  })
}
