import { describe, expect, test } from 'vitest'
import { hashKey } from '../../src/platform/auth/api-key.ts'
import { WHO } from './house.ts'
import {
  acme,
  heldBy,
  house,
  inHours,
  issue,
  keysOfAcme,
  logged,
  type Made,
  make,
  revoke,
  rotate,
  SHOWN,
  timelineOf,
} from './key-calls.ts'

keysOfAcme()

describe('a key that is made', () => {
  test('works at once, and may what stands on it', async () => {
    const expiresAt = inHours(48)
    const permissions = ['DEALS_WRITE', 'DEALS_READ', 'DEALS_READ']
    const { apiKey, secret, replayed } = await make({ permissions, environment: 'LIVE', expiresAt })
    expect(secret).toMatch(/^cadre_live_[0-9A-Za-z]{32}$/)
    expect(replayed).toBe(false)
    expect(apiKey).toEqual({
      id: expect.stringMatching(/^api_key_/),
      name: 'Board',
      prefix: secret.slice(0, 15),
      environment: 'LIVE',
      status: 'ACTIVE',
      permissions: ['DEALS_READ', 'DEALS_WRITE'],
      effectivePermissions: ['DEALS_READ', 'DEALS_WRITE'],
      expiresAt,
      revokedAt: null,
      previousSecretExpiresAt: null,
      version: 1,
    })
    const { apiKey: shown } = await acme.query('query($id: ID!) { apiKey(id: $id) { member { name } lastUsedAt } }', {
      id: apiKey.id,
    })
    expect(shown).toEqual({ member: { name: 'Ada' }, lastUsedAt: null })
    expect(await heldBy(acme.with(secret))).toEqual(['DEALS_READ', 'DEALS_WRITE'])
    expect((await timelineOf(apiKey.id)).map(({ summary }) => summary)).toEqual([
      'Test key made the key Board with 2 permissions',
    ])
  })

  test('is told in its answer and nowhere else: not in a row, an event, a stored outcome or a line of the log', async () => {
    const tenant = await house.workspace('Quiet')
    const made = (await tenant.mutate(
      'createApiKey',
      { name: 'Quiet', permissions: ['DEALS_READ'] },
      SHOWN,
      'made-once',
    )) as Made
    const rotated = (await rotate(made.apiKey.id, tenant, {}, 'rotated-once')) as Made
    await tenant.with(rotated.secret).query('{ viewer { permissions } }')
    const told = await house.db.read(tenant.id, async (sql) =>
      JSON.stringify(
        [
          await sql.selectFrom('eventOutbox').selectAll().execute(),
          await sql.selectFrom('eventLog').selectAll().execute(),
          await sql.selectFrom('idempotencyClaim').selectAll().execute(),
        ],
        (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
      ),
    )
    const rows = JSON.stringify(await house.db.read(tenant.id, (sql) => sql.selectFrom('apiKey').selectAll().execute()))
    expect(told).toContain('api_key.rotated')
    expect(told).toContain('made-once')
    for (const { secret } of [made, rotated]) {
      for (const text of [told, rows, logged.join('')]) expect(text).not.toContain(secret.slice(15))
      for (const text of [told, logged.join('')]) expect(text).not.toContain(hashKey(secret))
    }
  })

  test('twice with one idempotency key is one, and only the first answer shows it', async () => {
    const input = { name: 'Once', permissions: ['DEALS_READ'] }
    const first = (await acme.mutate('createApiKey', input, SHOWN, 'key-1')) as Made
    const again = await acme.mutate('createApiKey', input, SHOWN, 'key-1')
    expect(again).toEqual({ ...first, secret: null, replayed: true })
    expect(await acme.mutate('createApiKey', { ...input, name: 'Other' }, SHOWN, 'key-1')).toMatchObject({
      reason: 'IDEMPOTENCY_MISMATCH',
    })
  })

  test('by twenty requests at once with one idempotency key is one, and one of them shows it', async () => {
    const tenant = await house.workspace('Twenty')
    const ask = () =>
      tenant.mutate('createApiKey', { name: 'Twenty', permissions: ['DEALS_READ'] }, SHOWN, 'at-once').then(
        (made) => made as Made,
        () => undefined, // UNAVAILABLE while the first is under way
      )
    const answers = (await Promise.all(Array.from({ length: 20 }, ask))).filter((answer) => answer !== undefined)
    expect(new Set(answers.map(({ apiKey }) => apiKey.id)).size).toBe(1)
    expect(answers.filter(({ secret }) => secret !== null)).toHaveLength(1)
    const { apiKeys } = await tenant.query('{ apiKeys { totalCount } }')
    expect(apiKeys).toEqual({ totalCount: 2 })
  })

  test('has no permission that its maker lacks, and which one is named', async () => {
    const narrow = await acme.as(['DEALS_READ', 'KEYS_WRITE'])
    const before = await acme.footprint(WHO)
    for (const permission of ['DEALS_WRITE', 'OWNERS_WRITE']) {
      expect(await narrow.mutate('createApiKey', { name: 'More', permissions: ['DEALS_READ', permission] })).toEqual({
        __typename: 'ForbiddenError',
        needs: permission,
      })
    }
    expect(await acme.footprint(WHO)).toBe(before)
    const child = await make({ permissions: ['DEALS_READ', 'KEYS_WRITE'] }, narrow)
    expect(await heldBy(acme.with(child.secret))).toEqual(['DEALS_READ', 'KEYS_WRITE'])
  })

  test('is shown to who may see neither keys nor members', async () => {
    const blind = await acme.as(['KEYS_WRITE'])
    const document = `mutation { createApiKey(input: { name: "Blind", permissions: [KEYS_WRITE] }) {
      ... on CreateApiKeyPayload { secret apiKey { name member { name } } } } }`
    const response = await fetch(house.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${blind.key}` },
      body: JSON.stringify({ query: document }),
    })
    expect(await response.json()).toMatchObject({
      data: {
        createApiKey: { secret: expect.stringMatching(/^cadre_test_/), apiKey: { name: 'Blind', member: null } },
      },
      errors: [{ extensions: { code: 'FORBIDDEN', needs: 'WORKSPACE_READ' } }],
    })
  })

  test('by a key that expires expires no later, and its maker gives itself no more time', async () => {
    const end = inHours(1)
    const short = await make({ expiresAt: end })
    const tenant = acme.with(short.secret)
    const before = await acme.footprint(WHO)
    for (const expiresAt of [undefined, null, inHours(2)]) {
      expect(await tenant.mutate('createApiKey', { name: 'Longer', permissions: ['DEALS_READ'], expiresAt })).toEqual(
        issue('expiresAt', 'TOO_LARGE'),
      )
    }
    for (const expiresAt of [null, inHours(2)]) {
      expect(await tenant.mutate('updateApiKey', { id: short.apiKey.id, expiresAt })).toEqual(
        issue('expiresAt', 'TOO_LARGE'),
      )
    }
    const { apiKey: endless } = await make()
    expect(await acme.footprint(WHO)).not.toBe(before)
    expect(await rotate(endless.id, tenant)).toEqual(issue('id', 'NOT_ALLOWED'))
    expect((await make({ expiresAt: end }, tenant)).apiKey.expiresAt).toBe(end)
  })

  test('names what is wrong with its input and writes nothing', async () => {
    const { apiKey } = await make()
    const before = await acme.footprint(WHO)
    const create = (input: Record<string, unknown>) =>
      acme.mutate('createApiKey', { name: 'Board', permissions: ['DEALS_READ'], ...input })
    expect(await create({ name: ' ' })).toEqual(issue('name', 'TOO_SHORT'))
    expect(await create({ name: 'x'.repeat(256) })).toEqual(issue('name', 'TOO_LONG'))
    expect(await create({ permissions: [] })).toEqual(issue('permissions', 'TOO_SHORT'))
    expect(await create({ expiresAt: inHours(-1) })).toEqual(issue('expiresAt', 'TOO_SMALL'))
    expect(
      await acme.errorCodes(
        'mutation { createApiKey(input: { name: "x", permissions: [EVERYTHING] }) { __typename } }',
      ),
    ).toEqual(['INVALID_INPUT'])
    const update = (input: Record<string, unknown>) => acme.mutate('updateApiKey', { id: apiKey.id, ...input })
    expect(await update({ name: null })).toEqual(issue('name', 'REQUIRED'))
    expect(await update({ expiresAt: inHours(-1) })).toEqual(issue('expiresAt', 'TOO_SMALL'))
    for (const [overlap, code] of [
      ['P8D', 'TOO_LARGE'],
      ['P1M', 'TOO_LARGE'],
      ['-PT1S', 'TOO_SMALL'],
    ]) {
      expect(await rotate(apiKey.id, acme, { overlap })).toEqual(issue('overlap', code ?? ''))
    }
    expect(await acme.footprint(WHO)).toBe(before)
  })
})

describe('a key that is changed', () => {
  test('keeps what is left out, loses what is null, and tells before and after', async () => {
    const expiresAt = inHours(1)
    const { apiKey } = await make({ expiresAt })
    const change = (input: Record<string, unknown>) =>
      acme.mutate('updateApiKey', { id: apiKey.id, ...input }, 'apiKey { name expiresAt version }')
    expect((await change({ name: 'Dashboard' })).apiKey).toEqual({ name: 'Dashboard', expiresAt, version: 2 })
    expect((await change({ expiresAt: null })).apiKey).toEqual({ name: 'Dashboard', expiresAt: null, version: 3 })
    const before = await acme.footprint(WHO)
    expect((await change({ name: 'Dashboard', ifVersion: 3 })).apiKey).toMatchObject({ version: 3 })
    expect(await change({ name: 'Late', ifVersion: 2 })).toEqual({
      __typename: 'ConflictError',
      reason: 'STALE_VERSION',
      current: { id: apiKey.id },
    })
    expect(await acme.footprint(WHO)).toBe(before)
    expect((await timelineOf(apiKey.id)).slice(1)).toEqual([
      {
        summary: 'Test key changed the key Dashboard: name',
        changes: [{ field: 'name', from: 'Board', to: 'Dashboard' }],
      },
      {
        summary: 'Test key changed the key Dashboard: expiresAt',
        changes: [{ field: 'expiresAt', from: expiresAt, to: null }],
      },
    ])
  })

  test('and was revoked takes no change, and one that has expired no new secret', async () => {
    const { apiKey } = await make()
    await revoke(apiKey.id)
    const closed = { __typename: 'ConflictError', reason: 'CLOSED', current: { id: apiKey.id } }
    expect(await acme.mutate('updateApiKey', { id: apiKey.id, name: 'Again' })).toEqual(closed)
    expect(await rotate(apiKey.id)).toEqual(closed)
    const { apiKey: old } = await make()
    await house.db.inTransaction(acme.ctx, (tx) =>
      tx.sql
        .updateTable('apiKey')
        .set({ expiresAt: new Date(Date.now() - 1) })
        .where('id', '=', old.id.slice('api_key_'.length))
        .execute(),
    )
    expect(await rotate(old.id)).toMatchObject({ reason: 'CLOSED' })
    const { apiKey: shown } = await acme.query('query($id: ID!) { apiKey(id: $id) { status } }', { id: old.id })
    expect(shown).toEqual({ status: 'EXPIRED' })
    await acme.mutate('updateApiKey', { id: old.id, expiresAt: inHours(1) })
    expect(await rotate(old.id)).toMatchObject({ apiKey: { status: 'ACTIVE' } })
  })
})

describe('a key that is revoked', () => {
  test('stays so: revoking it again changes nothing', async () => {
    const { apiKey } = await make()
    const first = await revoke(apiKey.id)
    expect(first.apiKey).toEqual({ id: apiKey.id, status: 'REVOKED', revokedAt: expect.any(String) })
    const before = await acme.footprint(WHO)
    expect((await revoke(apiKey.id)).apiKey).toEqual(first.apiKey)
    expect(await acme.footprint(WHO)).toBe(before)
    expect((await timelineOf(apiKey.id)).at(-1)?.summary).toBe('Test key revoked the key Board')
  })

  test('makes no successor: what it made, it made before', async () => {
    for (let round = 0; round < 8; round++) {
      const { apiKey, secret } = await make({ name: `Round ${round}` })
      const self = acme.with(secret)
      await heldBy(self)
      const [made] = await Promise.all([
        self
          .mutate('createApiKey', { name: 'Heir', permissions: ['DEALS_READ'] }, 'apiKey { id }')
          .catch(() => undefined),
        revoke(apiKey.id),
      ])
      expect(
        await self.errorCodes(
          'mutation { createApiKey(input: { name: "Heir", permissions: [DEALS_READ] }) { __typename } }',
        ),
      ).toEqual(['UNAUTHENTICATED'])
      if (made === undefined) continue
      const { events } = await acme.query('{ events(last: 2) { nodes { type } } }')
      expect(events).toEqual({ nodes: [{ type: 'API_KEY_CREATED' }, { type: 'API_KEY_REVOKED' }] })
    }
  })

  test('by a key that it revokes at the same time is one of two, never both', async () => {
    for (let round = 0; round < 4; round++) {
      const [a, b] = [await make(), await make()]
      await Promise.all([
        acme.with(a.secret).errorCodes(`mutation { revokeApiKey(input: { id: "${b.apiKey.id}" }) { __typename } }`),
        acme.with(b.secret).errorCodes(`mutation { revokeApiKey(input: { id: "${a.apiKey.id}" }) { __typename } }`),
      ])
      const { nodes } = await acme.query('query($ids: [ID!]!) { nodes(ids: $ids) { ... on ApiKey { status } } }', {
        ids: [a.apiKey.id, b.apiKey.id],
      })
      expect((nodes as { status: string }[]).map(({ status }) => status).sort()).toEqual(['ACTIVE', 'REVOKED'])
    }
  })
})

test('who follows keys is told when one is made and when one is revoked', async () => {
  const made = await acme.follow('subscription { apiKeyCreated { apiKey { name } event { summary actor { name } } } }')
  const next = made.next()
  const { apiKey } = await make({ name: 'Followed' })
  expect((await next).value).toEqual({
    apiKeyCreated: {
      apiKey: { name: 'Followed' },
      event: { summary: 'Test key made the key Followed with 2 permissions', actor: { name: 'Test key' } },
    },
  })
  const gone = await acme.follow('subscription { apiKeyRevoked { apiKey { name status } } }')
  const nextGone = gone.next()
  await revoke(apiKey.id)
  expect((await nextGone).value).toEqual({ apiKeyRevoked: { apiKey: { name: 'Followed', status: 'REVOKED' } } })
})
