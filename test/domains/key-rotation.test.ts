import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import type { Permission } from '../../src/platform/auth/viewer.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { WHO } from './house.ts'
import { acme, heldBy, house, isRefused, keysOfAcme, type Made, make, revoke, rotate, timelineOf } from './key-calls.ts'

keysOfAcme()

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
