import { describe, expect, test } from 'vitest'
import { createApiKey } from '../../src/domains/keys/service.ts'
import { hashKey } from '../../src/platform/auth/api-key.ts'
import type { MemberRole } from '../../src/platform/auth/roles.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { type Answer, type Tenant, WHO } from './house.ts'
import { acme, heldBy, house, inHours, keysOfAcme, make, revoke, rotate } from './key-calls.ts'

keysOfAcme()

describe('who may', () => {
  const outcomes: Record<string, Record<MemberRole, string>> = {
    'makes a key': { OWNER: 'ok', ADMIN: 'ok', MEMBER: 'ok', VIEWER: 'KEYS_WRITE' },
    'changes their own key': { OWNER: 'ok', ADMIN: 'ok', MEMBER: 'ok', VIEWER: 'KEYS_WRITE' },
    'rotates their own key': { OWNER: 'ok', ADMIN: 'ok', MEMBER: 'ok', VIEWER: 'KEYS_WRITE' },
    'changes a colleague’s key': { OWNER: 'ok', ADMIN: 'ok', MEMBER: 'MEMBERS_WRITE', VIEWER: 'KEYS_WRITE' },
    'rotates a colleague’s key': { OWNER: 'ok', ADMIN: 'ok', MEMBER: 'MEMBERS_WRITE', VIEWER: 'KEYS_WRITE' },
    'rotates an owner’s key': { OWNER: 'ok', ADMIN: 'OWNERS_WRITE', MEMBER: 'MEMBERS_WRITE', VIEWER: 'KEYS_WRITE' },
    'revokes an owner’s key': { OWNER: 'ok', ADMIN: 'ok', MEMBER: 'MEMBERS_WRITE', VIEWER: 'KEYS_WRITE' },
    'revokes their own key': { OWNER: 'ok', ADMIN: 'ok', MEMBER: 'ok', VIEWER: 'KEYS_WRITE' },
  }
  const cells = Object.entries(outcomes).flatMap(([act, byRole]) =>
    (Object.keys(byRole) as MemberRole[]).map((role) => [role, act, byRole[role]] as const),
  )
  const [own, ofColleague, ofOwner] = [{ of: '' }, { of: '' }, { of: '' }]
  const acts: Record<string, (as: Tenant) => Promise<Answer>> = {
    'makes a key': (as) => as.mutate('createApiKey', { name: 'Mine', permissions: ['DEALS_READ'] }),
    'changes their own key': (as) => as.mutate('updateApiKey', { id: own.of, name: 'Changed' }),
    'rotates their own key': (as) => rotate(own.of, as),
    'changes a colleague’s key': (as) => as.mutate('updateApiKey', { id: ofColleague.of, name: 'Changed' }),
    'rotates a colleague’s key': (as) => rotate(ofColleague.of, as),
    'rotates an owner’s key': (as) => rotate(ofOwner.of, as),
    'revokes an owner’s key': (as) => revoke(ofOwner.of, as),
    'revokes their own key': (as) => revoke(own.of, as),
  }

  test.each(cells)('%s: %s: %s', async (role, act, outcome) => {
    const me = await acme.member(role)
    const keyOf = async (tenant: Tenant) => {
      const { id } = await house.db.read(acme.id, (sql) =>
        sql.selectFrom('apiKey').select('id').where('keyHash', '=', hashKey(tenant.key)).executeTakeFirstOrThrow(),
      )
      return encodeId('api_key', id)
    }
    own.of = await keyOf(me)
    ofColleague.of = await keyOf(await acme.member('MEMBER', ['DEALS_READ']))
    ofOwner.of = await keyOf(await acme.member('OWNER', ['DEALS_READ']))
    const before = await acme.footprint(WHO)
    const answer = await acts[act]?.(me)
    if (outcome === 'ok') expect(answer?.__typename).toMatch(/Payload$/)
    else {
      expect(answer).toEqual({ __typename: 'ForbiddenError', needs: outcome })
      expect(await acme.footprint(WHO)).toBe(before)
    }
  })

  test('sees which keys there are needs KEYS_READ, and asks what became of one by its status, member or use', async () => {
    const tenant = await house.workspace('Lists')
    const viewer = await tenant.member('VIEWER')
    const live = await make({ name: 'Live', environment: 'LIVE' }, tenant)
    const gone = await make({ name: 'Gone' }, tenant)
    await revoke(gone.apiKey.id, tenant)
    const over = await make({ name: 'Over', expiresAt: inHours(1) }, tenant)
    await house.db.inTransaction(tenant.ctx, (tx) =>
      tx.sql
        .updateTable('apiKey')
        .set({ expiresAt: new Date(Date.now() - 1) })
        .where('id', '=', over.apiKey.id.slice('api_key_'.length))
        .execute(),
    )
    const names = async (filter: string) => {
      const { apiKeys } = await viewer.query(
        `{ apiKeys(filter: { ${filter} }, orderBy: [{ field: CREATED, direction: ASC }]) { nodes { name } } }`,
      )
      return (apiKeys as { nodes: { name: string }[] }).nodes.map(({ name }) => name)
    }
    expect(await names('status: { eq: REVOKED }')).toEqual(['Gone'])
    expect(await names('status: { eq: EXPIRED }')).toEqual(['Over'])
    expect(await names('status: { in: [REVOKED, EXPIRED] }')).toEqual(['Gone', 'Over'])
    expect(await names('status: { eq: ACTIVE }')).toEqual(['Test key', 'Test key', 'Live'])
    expect(await names('status: { not: ACTIVE }')).toEqual(['Gone', 'Over'])
    expect(await names('environment: { eq: LIVE }')).toEqual(['Live'])
    expect(await names(`id: { eq: "${live.apiKey.id}" }`)).toEqual(['Live'])
    expect(await names(`member: { eq: "${encodeId('member', viewer.memberId)}" }`)).toEqual(['Test key'])
    expect(await names('expiresAt: { lt: "PT0S" }')).toEqual(['Over'])
    const { member } = await viewer.query(
      `{ member(id: "${encodeId('member', tenant.memberId)}") { apiKeys { totalCount } } }`,
    )
    expect(member).toEqual({ apiKeys: { totalCount: 4 } })
    const blind = await tenant.as(['WORKSPACE_READ'])
    expect(await blind.errorCodes('{ apiKeys { nodes { id } } }')).toEqual(['FORBIDDEN'])
    expect(await blind.errorCodes(`{ apiKey(id: "${live.apiKey.id}") { id } }`)).toEqual(['FORBIDDEN'])
  })

  test('finds no key of another workspace, and none that is not there', async () => {
    const theirs = await make({}, await house.workspace('Other'))
    const before = await acme.footprint(WHO)
    for (const id of [theirs.apiKey.id, encodeId('api_key', newId()), 'nothing']) {
      for (const name of ['updateApiKey', 'rotateApiKey', 'revokeApiKey']) {
        expect(await acme.mutate(name, { id })).toEqual({ __typename: 'NotFoundError', id })
      }
    }
    expect(await acme.query('query($id: ID!) { apiKey(id: $id) { id } }', { id: theirs.apiKey.id })).toEqual({
      apiKey: null,
    })
    expect(await acme.footprint(WHO)).toBe(before)
  })

  test('is no employee: no mandate reaches so far', async () => {
    const viewer = { kind: 'employee', employeeId: newId(), name: 'Iris', runId: newId() } as const
    const input = { name: 'Mine', permissions: ['DEALS_READ' as const], environment: 'TEST' as const }
    await expect(
      house.db.inTransaction({ ...acme.ctx, viewer }, (tx) => createApiKey(tx, input)),
    ).rejects.toMatchObject({ code: 'FORBIDDEN', details: { needs: 'KEYS_WRITE' } })
  })

  test('has nothing by a word on a key that nobody knows', async () => {
    const { apiKey, secret } = await make()
    await house.db.inTransaction(acme.ctx, (tx) =>
      tx.sql
        .updateTable('apiKey')
        .set({ permissions: ['DEALS_READ', 'EVERYTHING', 'deals_write'] })
        .where('id', '=', apiKey.id.slice('api_key_'.length))
        .execute(),
    )
    expect(await heldBy(acme.with(secret))).toEqual(['DEALS_READ'])
    const { apiKey: shown } = await acme.query(
      'query($id: ID!) { apiKey(id: $id) { permissions effectivePermissions } }',
      {
        id: apiKey.id,
      },
    )
    expect(shown).toEqual({ permissions: ['DEALS_READ'], effectivePermissions: ['DEALS_READ'] })
  })
})
