import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Ctx } from '../../src/platform/context.ts'
import { CommitUnknown } from '../../src/platform/db/transaction.ts'
import { hashInput, purgeClaims, runOnce } from '../../src/platform/graphql/idempotency.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { systemContext } from '../support/context.ts'
import { openSample } from './open-sample.ts'
import { ask, CREATE, createDeal, type House, MOVE } from './server.ts'

const { server, acme, other } = openSample()

const dealCount = (house: House, name: string) =>
  server.db.read(house.id, async (db) => {
    const row = await db
      .selectFrom('deal')
      .select(sql<string>`count(*)`.as('count'))
      .where('name', '=', name)
      .executeTakeFirstOrThrow()
    return Number(row.count)
  })

describe('a mutation', () => {
  test('answers with what was asked for of the thing it made, and with a cursor that the log has reached', async () => {
    const { status, data, extensions } = await ask(server, acme.key, CREATE, {
      input: { name: 'Renewal', stage: acme.open },
    })
    expect(status).toBe(200)
    expect(data.createDeal).toMatchObject({
      __typename: 'CreateDealPayload',
      cursor: expect.stringMatching(/^[0-9a-f]{24}$/),
      deal: {
        id: expect.stringMatching(/^deal_[0-9a-f-]{36}$/),
        name: 'Renewal',
        stage: { name: 'Open', kind: 'OPEN' },
      },
    })
    expect(extensions.cost?.requested).toBeGreaterThan(0)
    const after = await ask(server, acme.key, '{ events(last: 1) { nodes { cursor type } } }')
    expect(after.data.events.nodes).toEqual([{ cursor: data.createDeal.cursor, type: 'DEAL_CREATED' }])
  })

  test('names every bad field with its path and a code', async () => {
    const { data } = await ask(server, acme.key, CREATE, {
      input: { name: ' ', stage: acme.open, tags: ['ok', 'x'] },
    })
    expect(data.createDeal).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT' })
    expect(data.createDeal.issues).toEqual([
      { field: 'name', code: 'TOO_SHORT', message: 'This cannot be empty.' },
      { field: 'tags.1', code: 'TOO_SHORT', message: 'At least 2 characters.' },
    ])
  })

  test('refuses a viewer without its permission, and says which one is needed', async () => {
    const { plain } = await server.key(acme, ['DEALS_READ'])
    const { data } = await ask(server, plain, CREATE, { input: { name: 'Forbidden', stage: acme.open } })
    expect(data.createDeal).toMatchObject({ __typename: 'ForbiddenError', needs: 'DEALS_WRITE' })
    expect(await dealCount(acme, 'Forbidden')).toBe(0)
  })

  test('refuses a caller without a credential at the top level', async () => {
    const { data, errors } = await ask(server, undefined, CREATE, { input: { name: 'Nobody', stage: acme.open } })
    expect(data).toBeNull()
    expect(errors?.[0].extensions.code).toBe('UNAUTHENTICATED')
  })

  test('does not find an id of another workspace, of another kind, or of nothing', async () => {
    const foreign = await createDeal(server, other, 'Foreign')
    for (const id of [foreign, encodeId('deal', newId()), acme.open, 'deal_nonsense']) {
      const { data } = await ask(server, acme.key, MOVE, { input: { id, stage: acme.won } })
      expect(data.moveDeal).toMatchObject({ __typename: 'NotFoundError', id })
    }
  })

  test('refuses a stale version with the thing as it is now', async () => {
    const id = await createDeal(server, acme, 'Stale')
    const { data } = await ask(server, acme.key, MOVE, { input: { id, stage: acme.won, ifVersion: 7 } })
    expect(data.moveDeal).toMatchObject({
      __typename: 'ConflictError',
      reason: 'STALE_VERSION',
      current: { id, version: 1, name: 'Stale' },
    })
  })

  test('shows an error that its union does not hold at the top level, with its code', async () => {
    const { errors } = await ask(server, acme.key, CREATE, { input: { name: 'too much', stage: acme.open } })
    expect(errors?.[0].extensions).toEqual({ code: 'LIMIT_EXCEEDED', limit: 'QUOTA', retryAfterMs: 60_000 })
  })

  test('shows what it wrote to a key that may write but not read, and nothing beyond', async () => {
    const { plain } = await server.key(acme, ['DEALS_WRITE'])
    const { data, errors } = await ask(
      server,
      plain,
      `mutation ($input: CreateDealInput!) { createDeal(input: $input) { ... on CreateDealPayload { deal { name owner { name } } } } }`,
      { input: { name: 'Blind', stage: acme.open } },
    )
    expect(errors).toBeUndefined()
    expect(data.createDeal.deal).toEqual({ name: 'Blind', owner: null })
  })
})

describe('an idempotency key', () => {
  test('makes one change of 20 calls at once, and every call that is answered has the same answer', async () => {
    const key = randomUUID()
    const call = () =>
      ask(server, acme.key, CREATE, { input: { name: 'Once', stage: acme.open } }, { 'idempotency-key': key })
    const answers = await Promise.all(Array.from({ length: 20 }, call))
    const done = answers.filter(({ errors }) => errors === undefined)
    for (const { errors } of answers) {
      if (errors === undefined) continue
      expect(errors[0].extensions).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: expect.any(Number) })
    }
    expect(new Set(done.map(({ data }) => data.createDeal.deal.id)).size).toBe(1)
    expect(await dealCount(acme, 'Once')).toBe(1)
    const again = await call()
    expect(again.data).toEqual(done[0]?.data)
  })

  test('is refused with another input, and with another mutation', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const id = await createDeal(server, acme, 'Key')
    await ask(server, acme.key, MOVE, { input: { id, stage: acme.won } }, headers)
    const moved = await ask(server, acme.key, MOVE, { input: { id, stage: acme.open } }, headers)
    expect(moved.data.moveDeal).toMatchObject({ __typename: 'ConflictError', reason: 'IDEMPOTENCY_MISMATCH' })
    const created = await ask(server, acme.key, CREATE, { input: { name: 'Key 2', stage: acme.open } }, headers)
    expect(created.data.createDeal.reason).toBe('IDEMPOTENCY_MISMATCH')
    expect(await dealCount(acme, 'Key 2')).toBe(0)
  })

  test('answers a repetition from what was stored, whatever the repetition selects and whatever came after', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const id = await createDeal(server, acme, 'Replay')
    const first = await ask(server, acme.key, MOVE, { input: { id, stage: acme.won, ifVersion: 1 } }, headers)
    await ask(server, acme.key, MOVE, { input: { id, stage: acme.open } })
    const again = await ask(
      server,
      acme.key,
      `mutation ($input: MoveDealInput!) { moveDeal(input: $input) { ... on MoveDealPayload { cursor deal { version } } } }`,
      { input: { id, stage: acme.won, ifVersion: 1 } },
      headers,
    )
    expect(again.data.moveDeal).toEqual({ cursor: first.data.moveDeal.cursor, deal: { version: 3 } })
  })

  test('belongs to the credential and the workspace: another one’s equal key is another key', async () => {
    const headers = { 'idempotency-key': 'shared' }
    const mine = await ask(server, acme.key, CREATE, { input: { name: 'Mine', stage: acme.open } }, headers)
    const theirs = await ask(server, other.key, CREATE, { input: { name: 'Theirs', stage: other.open } }, headers)
    expect([mine.data.createDeal.deal.name, theirs.data.createDeal.deal.name]).toEqual(['Mine', 'Theirs'])
  })

  test('in the header counts for each mutation of a document by itself, and the directive beats it', async () => {
    const document = `mutation ($stage: ID!, $key: String!) {
      one: createDeal(input: { name: "Several", stage: $stage }) { ... on CreateDealPayload { deal { id } } }
      two: createDeal(input: { name: "Several", stage: $stage }) { ... on CreateDealPayload { deal { id } } }
      three: createDeal(input: { name: "Several", stage: $stage }) @idempotent(key: $key) { ... on CreateDealPayload { deal { id } } }
      four: createDeal(input: { name: "Several", stage: $stage }) @idempotent(key: $key) { ... on CreateDealPayload { deal { id } } }
    }`
    const variables = { stage: acme.open, key: randomUUID() }
    const headers = { 'idempotency-key': randomUUID() }
    const first = await ask(server, acme.key, document, variables, headers)
    const again = await ask(server, acme.key, document, variables, headers)
    expect(again.data).toEqual(first.data)
    const { one, two, three, four } = first.data
    expect(new Set([one, two, three].map(({ deal }) => deal.id)).size).toBe(3)
    expect(four.deal.id).toBe(three.deal.id)
    expect(await dealCount(acme, 'Several')).toBe(3)
  })

  test('stores nothing of a call that was refused, so that the corrected call goes through', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const missing = encodeId('stage', newId())
    const refused = await ask(server, acme.key, CREATE, { input: { name: 'Corrected', stage: missing } }, headers)
    expect(refused.data.createDeal.__typename).toBe('NotFoundError')
    const done = await ask(server, acme.key, CREATE, { input: { name: 'Corrected', stage: acme.open } }, headers)
    expect(done.data.createDeal.__typename).toBe('CreateDealPayload')
  })

  test('is forgotten after 24 hours, and purged in every workspace', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const call = () => ask(server, acme.key, CREATE, { input: { name: 'Old', stage: acme.open } }, headers)
    await call()
    await server.db.inTransaction(systemContext(server.db, acme.id), async (tx) => {
      await tx.sql
        .updateTable('idempotencyClaim')
        .set({ createdAt: new Date(Date.now() - 25 * 3_600_000) })
        .where('key', '=', headers['idempotency-key'])
        .execute()
    })
    await call()
    expect(await dealCount(acme, 'Old')).toBe(2)
    expect(await purgeClaims(server.db, new Date())).toBe(0)
    expect(await purgeClaims(server.db, new Date(Date.now() + 25 * 3_600_000))).toBeGreaterThan(5)
  })

  test('that is empty or endless is invalid input', async () => {
    const headers = { 'idempotency-key': 'x'.repeat(201) }
    const { data } = await ask(server, acme.key, CREATE, { input: { name: 'Long key', stage: acme.open } }, headers)
    expect(data.createDeal.issues).toMatchObject([{ field: 'Idempotency-Key', code: 'TOO_LONG' }])
  })

  test('settles a COMMIT whose answer was lost: what happened is answered, what did not is UNAVAILABLE', async () => {
    const ctx = systemContext(server.db, acme.id)
    /** The database, but that the answer of the first transaction is lost, before or after it was made. */
    const losing = (made: boolean): Ctx => {
      let lost = false
      const inTransaction: typeof server.db.inTransaction = async (inner, work, options) => {
        if (lost) return await server.db.inTransaction(inner, work, options)
        lost = true
        if (made) await server.db.inTransaction(inner, work, options)
        throw new CommitUnknown(new Error('cut'))
      }
      return { ...ctx, db: { ...server.db, inTransaction } }
    }
    const claim = (key: string) => ({ credential: 'key:test', key, operation: 'test', inputHash: hashInput({ key }) })
    let calls = 0
    const work = async () => {
      calls += 1
      return { made: calls }
    }
    const happened = await runOnce(losing(true), claim('happened'), work)
    expect(happened).toEqual({ outcome: { made: 1 }, outboxId: null, replayed: true })
    await expect(runOnce(losing(false), claim('not'), work)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(runOnce(losing(true), undefined, work)).rejects.toBeInstanceOf(CommitUnknown)
    expect(await runOnce(ctx, claim('happened'), work)).toEqual(happened)
    expect(calls).toBe(2)
  })
})

test('inputs are equal whatever the order of their fields, and different in every value', () => {
  expect(hashInput({ a: 1, b: [new Date(0), 2n, undefined] })).toBe(
    hashInput({ b: [new Date(0), 2n, null], a: 1, c: undefined }),
  )
  for (const other of [{ a: 2 }, { a: '1' }, { b: 1 }, [1], { a: [1] }, { a: null }, null]) {
    expect(hashInput(other)).not.toBe(hashInput({ a: 1 }))
  }
})
