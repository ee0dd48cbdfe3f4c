import { describe, expect, test } from 'vitest'
import type { MemberRole } from '../../src/platform/auth/roles.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { type Answer, type Tenant, WHO } from './house.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()

const idOf = ({ memberId }: Tenant) => encodeId('member', memberId)
const update = (as: Tenant, id: string, input: Record<string, unknown>) =>
  as.mutate('updateMember', { id, ...input }, 'member { name role version permissions }')
const remove = (as: Tenant, id: string, input: Record<string, unknown> = {}) =>
  as.mutate('removeMember', { id, ...input }, 'member { removedAt permissions }')
const settle = (as: Tenant, input: Record<string, unknown>) =>
  as.mutate('updateWorkspace', input, 'workspace { name timeZone currency dailyBudget { amount currency } version }')
const forbidden = (needs: string) => ({ __typename: 'ForbiddenError', needs })
const issue = (field: string, code: string) => ({ __typename: 'InvalidInputError', issues: [{ field, code }] })
const timelineOf = async (id: string) => {
  const { member } = await acme.query(
    'query($id: ID!) { member(id: $id) { timeline { nodes { summary changes { field from to } } } } }',
    { id },
  )
  return (member as { timeline: { nodes: unknown[] } }).timeline.nodes
}

describe('a member', () => {
  test('is renamed and given another role, which is told with what was before', async () => {
    const id = idOf(await acme.member('MEMBER'))
    const changed = await update(acme, id, { name: 'Grace', role: 'ADMIN', ifVersion: 1 })
    expect(changed.member).toMatchObject({ name: 'Grace', role: 'ADMIN', version: 2 })
    expect((changed.member as { permissions: string[] }).permissions).toContain('MEMBERS_WRITE')
    const before = await acme.footprint(WHO)
    expect((await update(acme, id, { role: 'ADMIN' })).member).toMatchObject({ version: 2 })
    expect(await update(acme, id, { name: 'Late', ifVersion: 1 })).toEqual({
      __typename: 'ConflictError',
      reason: 'STALE_VERSION',
      current: { id },
    })
    expect(await update(acme, id, { name: '' })).toEqual(issue('name', 'TOO_SHORT'))
    expect(await update(acme, id, { role: null })).toEqual(issue('role', 'REQUIRED'))
    expect(await acme.footprint(WHO)).toBe(before)
    expect(await timelineOf(id)).toEqual([
      {
        summary: 'Test key made Grace ADMIN, who was MEMBER',
        changes: [
          { field: 'name', from: 'A member', to: 'Grace' },
          { field: 'role', from: 'MEMBER', to: 'ADMIN' },
        ],
      },
    ])
  })

  test('who is removed is in no list unless asked for, keeps their name, and owns and does nothing more', async () => {
    const member = await acme.member('MEMBER')
    const id = idOf(member)
    const gone = await remove(acme, id)
    expect(gone.member).toEqual({ removedAt: expect.any(String), permissions: [] })
    const before = await acme.footprint(WHO)
    expect((await remove(acme, id)).member).toEqual(gone.member)
    expect(await update(acme, id, { name: 'Back' })).toEqual({
      __typename: 'ConflictError',
      reason: 'CLOSED',
      current: { id },
    })
    const contact = await acme.mutate('createContact', { name: 'Kim', owner: id })
    expect(contact).toEqual({ __typename: 'NotFoundError', id })
    expect(await acme.footprint(WHO)).toBe(before)
    const listed = async (filter = '') => {
      const { members } = await acme.query(`{ members(first: 100${filter}) { nodes { id } } }`)
      return (members as { nodes: { id: string }[] }).nodes.map((node) => node.id)
    }
    expect(await listed()).not.toContain(id)
    expect(await listed(', filter: { role: { in: [MEMBER] } }')).not.toContain(id)
    expect(await listed(', filter: { removed: { eq: true } }')).toContain(id)
    const { apiKeys } = await acme.query(`{ apiKeys(filter: { member: { eq: "${id}" } }) { nodes { status } } }`)
    expect(apiKeys).toEqual({ nodes: [{ status: 'REVOKED' }] })
    await expect.poll(() => member.errorCodes('{ viewer { permissions } }')).toEqual(['UNAUTHENTICATED'])
    const { events } = await acme.query('{ events(last: 2) { nodes { summary } } }')
    expect(events).toEqual({
      nodes: [
        { summary: 'Test key removed A member from the workspace' },
        { summary: 'Test key revoked the key Test key, whose member was removed' },
      ],
    })
  })

  test('who is removed while their keys make keys is left with none that works', async () => {
    for (let round = 0; round < 5; round++) {
      const member = await acme.member('MEMBER')
      const making = Array.from({ length: 6 }, () =>
        member.mutate('createApiKey', { name: 'Heir', permissions: ['DEALS_READ'] }).catch(() => undefined),
      )
      await Promise.all([...making, remove(acme, idOf(member))])
      const filter = `{ member: { eq: "${idOf(member)}" }, status: { eq: ACTIVE } }`
      const { apiKeys } = await acme.query(`{ apiKeys(filter: ${filter}) { totalCount } }`)
      expect(apiKeys).toEqual({ totalCount: 0 })
    }
  })

  test('of another workspace, or who is not there, is not found', async () => {
    const other = await house.workspace('Other')
    const before = [await acme.footprint(WHO), await other.footprint(WHO)]
    for (const id of [idOf(other), encodeId('member', newId()), 'nobody']) {
      expect(await update(acme, id, { role: 'VIEWER' })).toEqual({ __typename: 'NotFoundError', id })
      expect(await remove(acme, id)).toEqual({ __typename: 'NotFoundError', id })
    }
    expect([await acme.footprint(WHO), await other.footprint(WHO)]).toEqual(before)
  })
})

describe('the last owner', () => {
  test('is neither demoted nor removed, be it by themselves; with a second one they may go', async () => {
    const tenant = await house.workspace('Last')
    const id = idOf(tenant)
    const before = await tenant.footprint(WHO)
    const conflict = { __typename: 'ConflictError', reason: 'ILLEGAL_TRANSITION', current: { id } }
    expect(await update(tenant, id, { role: 'ADMIN' })).toEqual(conflict)
    expect(await remove(tenant, id)).toEqual(conflict)
    expect(await tenant.footprint(WHO)).toBe(before)
    const second = await tenant.member('OWNER')
    expect((await update(tenant, id, { role: 'VIEWER' })).member).toMatchObject({ role: 'VIEWER' })
    expect(await remove(second, idOf(second))).toMatchObject({ reason: 'ILLEGAL_TRANSITION' })
  })

  test('is still there when two owners are demoted or removed at once, each by the other or by themselves', async () => {
    const acts: ((as: Tenant, id: string) => Promise<Answer | undefined>)[] = [
      (as, id) => update(as, id, { role: 'MEMBER' }).catch(() => undefined),
      (as, id) => remove(as, id).catch(() => undefined),
    ]
    for (const act of acts) {
      for (const byThemselves of [true, false]) {
        for (let round = 0; round < 3; round++) {
          const first = await house.workspace('Two')
          const second = await first.member('OWNER')
          const [a, b] = byThemselves ? [first, second] : [second, first]
          const answers = await Promise.all([act(a, idOf(first)), act(b, idOf(second))])
          expect(answers.filter((answer) => answer?.__typename.endsWith('Payload'))).toHaveLength(1)
          const left = await house.db.read(first.id, (sql) =>
            sql.selectFrom('member').select('id').where('role', '=', 'OWNER').where('removedAt', 'is', null).execute(),
          )
          expect(left).toHaveLength(1)
        }
      }
    }
  })

  test('is still there when four owners are demoted by five keys at once', async () => {
    const tenant = await house.workspace('Many')
    const others = await Promise.all(Array.from({ length: 3 }, () => tenant.member('OWNER')))
    const everybody = [tenant, ...others]
    await Promise.all(
      everybody.flatMap((target) =>
        everybody.map((as) => update(as, idOf(target), { role: 'VIEWER' }).catch(() => undefined)),
      ),
    )
    const left = await house.db.read(tenant.id, (sql) =>
      sql.selectFrom('member').select('id').where('role', '=', 'OWNER').execute(),
    )
    expect(left).toHaveLength(1)
  })
})

describe('who may', () => {
  const outcomes: Record<string, Record<MemberRole, string>> = {
    'changes the workspace': { OWNER: 'ok', ADMIN: 'ok', MEMBER: 'WORKSPACE_WRITE', VIEWER: 'WORKSPACE_WRITE' },
    'makes a member an admin': { OWNER: 'ok', ADMIN: 'ok', MEMBER: 'MEMBERS_WRITE', VIEWER: 'MEMBERS_WRITE' },
    'makes a member an owner': { OWNER: 'ok', ADMIN: 'OWNERS_WRITE', MEMBER: 'MEMBERS_WRITE', VIEWER: 'MEMBERS_WRITE' },
    'makes themselves an owner': {
      OWNER: 'ok',
      ADMIN: 'OWNERS_WRITE',
      MEMBER: 'MEMBERS_WRITE',
      VIEWER: 'MEMBERS_WRITE',
    },
    'renames an owner': { OWNER: 'ok', ADMIN: 'OWNERS_WRITE', MEMBER: 'MEMBERS_WRITE', VIEWER: 'MEMBERS_WRITE' },
    'demotes an owner': { OWNER: 'ok', ADMIN: 'OWNERS_WRITE', MEMBER: 'MEMBERS_WRITE', VIEWER: 'MEMBERS_WRITE' },
    'removes a member': { OWNER: 'ok', ADMIN: 'ok', MEMBER: 'MEMBERS_WRITE', VIEWER: 'MEMBERS_WRITE' },
    'removes an owner': { OWNER: 'ok', ADMIN: 'OWNERS_WRITE', MEMBER: 'MEMBERS_WRITE', VIEWER: 'MEMBERS_WRITE' },
  }
  const cells = Object.entries(outcomes).flatMap(([act, byRole]) =>
    (Object.keys(byRole) as MemberRole[]).map((role) => [role, act, byRole[role]] as const),
  )
  let others: { readonly member: string; readonly owner: string }
  const acts: Record<string, (as: Tenant) => Promise<Answer>> = {
    'changes the workspace': (as) => settle(as, { name: `Acme of ${as.memberId}` }),
    'makes a member an admin': (as) => update(as, others.member, { role: 'ADMIN' }),
    'makes a member an owner': (as) => update(as, others.member, { role: 'OWNER' }),
    'makes themselves an owner': (as) => update(as, idOf(as), { role: 'OWNER' }),
    'renames an owner': (as) => update(as, others.owner, { name: 'Renamed' }),
    'demotes an owner': (as) => update(as, others.owner, { role: 'VIEWER' }),
    'removes a member': (as) => remove(as, others.member),
    'removes an owner': (as) => remove(as, others.owner),
  }

  test.each(cells)('%s: %s: %s', async (role, act, outcome) => {
    const me = await acme.member(role)
    others = { member: idOf(await acme.member('MEMBER')), owner: idOf(await acme.member('OWNER')) }
    const before = await acme.footprint(WHO)
    const answer = await acts[act]?.(me)
    if (outcome === 'ok') expect(answer?.__typename).toMatch(/Payload$/)
    else {
      expect(answer).toEqual(forbidden(outcome))
      expect(await acme.footprint(WHO)).toBe(before)
    }
  })

  test('may no more with a key on which it does not stand, an owner’s included', async () => {
    const key = await acme.as(['MEMBERS_WRITE', 'WORKSPACE_READ'])
    const { owner } = { owner: idOf(await acme.member('OWNER')) }
    expect(await update(key, owner, { role: 'VIEWER' })).toEqual(forbidden('OWNERS_WRITE'))
    expect(await settle(key, { name: 'Mine' })).toEqual(forbidden('WORKSPACE_WRITE'))
  })

  test('lowers an admin, who then at once lowers nobody', async () => {
    const admin = await acme.member('ADMIN')
    const member = idOf(await acme.member('MEMBER'))
    expect((await update(admin, member, { role: 'VIEWER' })).__typename).toBe('UpdateMemberPayload')
    await update(acme, idOf(admin), { role: 'MEMBER' })
    expect(await update(admin, member, { role: 'MEMBER' })).toEqual(forbidden('MEMBERS_WRITE'))
  })
})

test('who follows members is told what became of them', async () => {
  const member = await acme.member('MEMBER')
  const updated = await acme.follow('subscription { memberUpdated { member { role } event { summary } } }')
  const next = updated.next()
  await update(acme, idOf(member), { role: 'VIEWER' })
  expect((await next).value).toEqual({
    memberUpdated: { member: { role: 'VIEWER' }, event: { summary: 'Test key made A member VIEWER, who was MEMBER' } },
  })
  const gone = await acme.follow('subscription { memberRemoved { member { name } } }')
  const nextGone = gone.next()
  await remove(acme, idOf(member))
  expect((await nextGone).value).toEqual({ memberRemoved: { member: { name: 'A member' } } })
})
