import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { createApiKey } from '../../src/domains/keys/service.ts'
import { hashKey } from '../../src/platform/auth/api-key.ts'
import type { MemberRole } from '../../src/platform/auth/roles.ts'
import type { Permission } from '../../src/platform/auth/viewer.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { type Answer, type House, openHouse, type Tenant, WHO } from './house.ts'

let house: House
let acme: Tenant
const logged: string[] = []

beforeAll(async () => {
  const stream = { write: (line: string) => void logged.push(line) }
  house = await openHouse({ log: createLogger({ level: 'debug', format: 'json', stream }) })
  acme = await house.workspace()
})
afterAll(() => house.close())

const SHOWN = `apiKey { id name prefix environment status permissions effectivePermissions expiresAt revokedAt
  previousSecretExpiresAt version } secret replayed`

interface Shown {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly status: string
  readonly version: number
  readonly permissions: readonly string[]
  readonly expiresAt: string | null
  readonly previousSecretExpiresAt: string | null
}
interface Made extends Answer {
  readonly apiKey: Shown
  readonly secret: string
  readonly replayed: boolean
}

const make = async (input: Record<string, unknown> = {}, as = acme): Promise<Made> => {
  const made = await as.mutate(
    'createApiKey',
    { name: 'Board', permissions: ['DEALS_READ', 'KEYS_WRITE'], ...input },
    SHOWN,
  )
  expect(made.__typename).toBe('CreateApiKeyPayload')
  return made as Made
}
const rotate = (id: string, as = acme, more: Record<string, unknown> = {}, idempotencyKey?: string) =>
  as.mutate('rotateApiKey', { id, ...more }, SHOWN, idempotencyKey)
const revoke = (id: string, as = acme) => as.mutate('revokeApiKey', { id }, 'apiKey { id status revokedAt }')

const heldBy = async (tenant: Tenant): Promise<unknown> => {
  const { viewer } = await tenant.query('{ viewer { permissions } }')
  return (viewer as { permissions: unknown }).permissions
}
const isRefused = (tenant: Tenant) =>
  expect.poll(() => tenant.errorCodes('{ viewer { permissions } }')).toEqual(['UNAUTHENTICATED'])
const timelineOf = async (id: string) => {
  const { apiKey } = await acme.query(
    'query($id: ID!) { apiKey(id: $id) { timeline { nodes { summary changes { field from to } } } } }',
    { id },
  )
  return (apiKey as { timeline: { nodes: { summary: string; changes: { field: string }[] }[] } }).timeline.nodes
}
const issue = (field: string, code: string) => ({ __typename: 'InvalidInputError', issues: [{ field, code }] })
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()

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

describe('a key that is rotated', () => {
  test('has a new secret, and the one before works on beside it', async () => {
    const made = await make()
    const rotated = (await rotate(made.apiKey.id)) as Made
    expect(rotated.secret).not.toBe(made.secret)
    expect(rotated.apiKey).toMatchObject({ id: made.apiKey.id, prefix: rotated.secret.slice(0, 15), version: 2 })
    for (const { secret } of [made, rotated]) {
      expect(await heldBy(acme.with(secret))).toEqual(['DEALS_READ', 'KEYS_WRITE'])
    }
    const day = Date.parse(rotated.apiKey.previousSecretExpiresAt ?? '') - Date.now()
    expect([day > 23 * 3_600_000, day <= 24 * 3_600_000]).toEqual([true, true])
    expect((await timelineOf(made.apiKey.id)).at(-1)?.summary).toBe('Test key rotated the key Board')
  })

  test('lets the secret before make and change no keys: who found it cannot keep it', async () => {
    const made = await make()
    const stale = acme.with(made.secret)
    await heldBy(stale)
    await rotate(made.apiKey.id)
    const before = await acme.footprint(WHO)
    const input = `id: "${made.apiKey.id}"`
    for (const field of [
      `rotateApiKey(input: { ${input} })`,
      `updateApiKey(input: { ${input}, name: "Mine" })`,
      `revokeApiKey(input: { ${input} })`,
      'createApiKey(input: { name: "Mine", permissions: [DEALS_READ] })',
    ]) {
      expect(await stale.errorCodes(`mutation { ${field} { __typename } }`)).toEqual(['UNAUTHENTICATED'])
    }
    expect(await acme.footprint(WHO)).toBe(before)
  })

  test('without an overlap, or when it is over, knows the secret before no more', async () => {
    const made = await make()
    await heldBy(acme.with(made.secret))
    const second = (await rotate(made.apiKey.id, acme, { overlap: 'PT0S' })) as Made
    expect(second.apiKey.previousSecretExpiresAt).toBeNull()
    await isRefused(acme.with(made.secret))
    const third = (await rotate(made.apiKey.id, acme, { overlap: 'P7D' })) as Made
    expect(await heldBy(acme.with(second.secret))).toEqual(['DEALS_READ', 'KEYS_WRITE'])
    await house.db.inTransaction(acme.ctx, (tx) =>
      tx.sql
        .updateTable('apiKey')
        .set({ previousExpiresAt: new Date(Date.now() - 1) })
        .where('id', '=', made.apiKey.id.slice('api_key_'.length))
        .execute(),
    )
    await isRefused(acme.with(second.secret))
    expect(await heldBy(acme.with(third.secret))).toEqual(['DEALS_READ', 'KEYS_WRITE'])
  })

  test('again within the overlap ends the first secret', async () => {
    const made = await make()
    const second = (await rotate(made.apiKey.id)) as Made
    const third = (await rotate(made.apiKey.id)) as Made
    await isRefused(acme.with(made.secret))
    for (const { secret } of [second, third]) {
      expect(await heldBy(acme.with(secret))).toEqual(['DEALS_READ', 'KEYS_WRITE'])
    }
  })

  test('twice with one idempotency key is rotated once, and the second answer shows no secret', async () => {
    const made = await make()
    const first = (await rotate(made.apiKey.id, acme, {}, 'turn')) as Made
    expect(await rotate(made.apiKey.id, acme, {}, 'turn')).toEqual({ ...first, secret: null, replayed: true })
    expect(await heldBy(acme.with(first.secret))).toEqual(['DEALS_READ', 'KEYS_WRITE'])
  })

  test('by another key is given to nobody who may less, and a key may always rotate itself', async () => {
    const wide = await make({ permissions: ['DEALS_READ', 'DEALS_WRITE', 'KEYS_WRITE'] })
    const narrow = await acme.as(['DEALS_READ', 'KEYS_WRITE'])
    expect(await rotate(wide.apiKey.id, narrow)).toEqual({ __typename: 'ForbiddenError', needs: 'DEALS_WRITE' })
    expect(await rotate(wide.apiKey.id, acme.with(wide.secret))).toMatchObject({ __typename: 'RotateApiKeyPayload' })
  })

  test('by ten at once has, in the end, the secret of one of them', async () => {
    const made = await make()
    const answers = (await Promise.all(Array.from({ length: 10 }, () => rotate(made.apiKey.id)))) as Made[]
    const last = answers.find(({ apiKey }) => apiKey.version === 11)
    const oneBefore = answers.find(({ apiKey }) => apiKey.version === 10)
    expect(new Set(answers.map(({ apiKey }) => apiKey.version)).size).toBe(10)
    for (const answer of answers) {
      const works = answer === last || answer === oneBefore
      const codes = await acme.with(answer.secret).errorCodes('{ viewer { permissions } }')
      expect(codes).toEqual(works ? [] : ['UNAUTHENTICATED'])
    }
  })
})

/** A stream over either transport, open and waiting; `ended` resolves with how it ended. */
async function openStream(kind: 'WebSocket' | 'SSE', key: string): Promise<{ readonly ended: Promise<unknown> }> {
  const query = 'subscription { dealCreated { deal { id } } }'
  if (kind === 'SSE') {
    const response = await fetch(house.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query }),
    })
    expect(response.status).toBe(200)
    return { ended: response.text().then((text) => /"code":"(\w+)"/.exec(text)?.[1]) }
  }
  const socket = new WebSocket(house.endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }))
  await once(socket, 'message')
  socket.send(JSON.stringify({ type: 'subscribe', id: 's', payload: { query } }))
  return { ended: once(socket, 'close').then(([code]) => code as unknown) }
}

describe.each([
  ['WebSocket', 4403],
  ['SSE', 'UNAUTHENTICATED'],
] as const)('an open %s', (kind, ending) => {
  const permissions: Permission[] = ['DEALS_READ', 'DEALS_WRITE', 'EVENTS_READ']

  test('ends when its key is revoked, as do its requests', async () => {
    const { apiKey, secret } = await make({ permissions })
    const { ended } = await openStream(kind, secret)
    await revoke(apiKey.id)
    expect(await ended).toBe(ending)
    await isRefused(acme.with(secret))
  })

  test('ends when its member’s role is lowered, and its requests may less', async () => {
    const member = await acme.member('MEMBER', permissions)
    const { ended } = await openStream(kind, member.key)
    await acme.mutate('updateMember', { id: encodeId('member', member.memberId), role: 'VIEWER' })
    expect(await ended).toBe(ending)
    await expect.poll(() => heldBy(member)).toEqual(['DEALS_READ', 'EVENTS_READ'])
  })

  test('ends when its member is removed', async () => {
    const member = await acme.member('MEMBER', permissions)
    const { ended } = await openStream(kind, member.key)
    await acme.mutate('removeMember', { id: encodeId('member', member.memberId) })
    expect(await ended).toBe(ending)
    await isRefused(member)
  })

  test('goes on while its key is rotated with an overlap', async () => {
    const { apiKey, secret } = await make({ permissions })
    const { ended } = await openStream(kind, secret)
    await rotate(apiKey.id)
    // Both are looked at by the same watch, the one that was opened first first.
    const other = await make({ permissions })
    const { ended: otherEnded } = await openStream(kind, other.secret)
    await revoke(other.apiKey.id)
    expect(await Promise.race([otherEnded.then(() => 'other'), ended.then(() => 'rotated')])).toBe('other')
    await revoke(apiKey.id)
    expect(await ended).toBe(ending)
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
