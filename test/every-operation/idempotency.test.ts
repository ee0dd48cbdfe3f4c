import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { House, Workspace } from './house.ts'
import { openHouse } from './house.ts'
import {
  answerOf,
  documentOf,
  idPlacesOf,
  kindOf,
  mutations,
  type Operation,
  payloadOf,
  placesOf,
  trialOf,
} from './operations.ts'
import { outcomeOf } from './outcomes.ts'
import { findOwnCall, type OwnCall, requestOf } from './own-calls.ts'
import { makePlenty } from './plenty.ts'
import { ghostOf } from './strangers.ts'
import { plainValue } from './values.ts'

const COPIES = 20
const TEXTS = ['String', 'EmailAddress']
// More than the server has connections.
const HELD_COPIES = 12

let house: House
let keyId: string

beforeAll(async () => {
  house = await openHouse()
  await makePlenty(house.a)
  const { data } = await house.a.all.ask({ query: '{ viewer { actor { nodeId } } }' })
  keyId = String((data as { viewer: { actor: { nodeId: string } } }).viewer.actor.nodeId).replace('api_key_', '')
})
afterAll(() => house.close())

const now = async (): Promise<Workspace> => ({ ...house.a, ids: await house.idsOf(house.a) })

/** From which requests the events of the workspace came that are newer than this one. */
async function changesSince(event: string): Promise<string[]> {
  const { rows } = await house.owner.query<{ request: string }>(
    `select distinct origin ->> 'requestId' as request from (
       select id, origin from event_outbox where workspace_id = $1
       union select outbox_id, origin from event_log where workspace_id = $1) as event where id > $2`,
    [house.a.id, event],
  )
  return rows.map(({ request }) => request)
}

const newestEvent = async (): Promise<string> =>
  (
    await house.owner.query<{ id: string }>(
      'select greatest((select max(id) from event_outbox), (select max(outbox_id) from event_log)) as id',
    )
  ).rows[0]?.id ?? '0'

/** Other inputs of operations that take no id and not every text. */
const OTHERWISE: Readonly<Record<string, Record<string, unknown>>> = {
  connectMailServer: { 'input.from': 'other@made.example' },
  updateWorkspaceSettings: { 'input.maxTurns': 31 },
}

/** The same with an id in it that it did not have, or a text: whatever it says, it is another input. */
function otherwise(operation: Operation, call: OwnCall): Record<string, unknown> {
  const known = OTHERWISE[operation.name]
  if (known !== undefined) return known
  const places = idPlacesOf(operation)
  const place = places.find(({ path }) => path in call.given) ?? places.find(({ path }) => path === 'input.id')
  if (place === undefined) {
    const text = placesOf(operation).find(({ path, type }) => path.startsWith('input.') && TEXTS.includes(type.name))
    if (text === undefined) throw new Error(`say here how the input of ${operation.name} can be another one`)
    return { [text.path]: plainValue(text.type) }
  }
  const given = call.given[place.path]
  const kind = kindOf(operation.name).replace(/^[a-z]+_/, '')
  return { [place.path]: ghostOf(typeof given === 'string' ? given : `${kind}_00000000-0000-7000-8000-000000000000`) }
}

/** What an answer tells whoever repeats it, and what it tells once. */
function withoutSecret(operation: Operation, answer: unknown) {
  const {
    [`${payloadOf(operation)}_secret`]: secret,
    [`${payloadOf(operation)}_replayed`]: replayed,
    ...others
  } = answer as Record<string, unknown>
  return { secret, replayed: replayed as boolean | undefined, others }
}

// One test of some six hundred calls: on a busy machine it takes longer than others may.
test('while a key is in flight every mutation says UNAVAILABLE at once, and keeps nobody else waiting', async () => {
  const key = randomUUID()
  const workspace = await now()
  const holder = await house.owner.connect()
  try {
    await holder.query('select pg_advisory_lock(hashtextextended($1, 0))', [
      `idempotency:${house.a.id}:key:${keyId}:${key}`,
    ])
    // Nothing of this is answered before the lock is let go, if it is waited for.
    for (const operation of mutations) {
      const call = await findOwnCall(operation, workspace, house.a.all)
      const request = { ...requestOf(documentOf(operation, 0), operation, call), headers: { 'idempotency-key': key } }
      const [others, ...held] = await Promise.all([
        house.a.all.dry(requestOf(trialOf(operation), operation, call)),
        ...Array.from({ length: HELD_COPIES }, () => house.a.all.ask(request)),
      ])
      expect(outcomeOf(operation, others)).toMatchObject({ code: 'DONE' })
      for (const answer of held) {
        expect(outcomeOf(operation, answer)).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: expect.any(Number) })
      }
    }
  } finally {
    holder.release(true)
  }
}, 180_000)

for (const operation of mutations) {
  test(`${operation.name} is done once for one key, and refuses the key with another input`, async () => {
    const { all } = house.a
    const call = await findOwnCall(operation, await now(), all, { changing: true })
    const request = {
      ...requestOf(documentOf(operation, 0), operation, call),
      headers: { 'idempotency-key': randomUUID() },
    }
    const before = await newestEvent()
    const answers = await Promise.all(Array.from({ length: COPIES }, () => all.ask(request)))
    // Whoever came while it was being done comes again.
    for (const [copy, answer] of answers.entries()) {
      if (outcomeOf(operation, answer).code === 'UNAVAILABLE') answers[copy] = await all.ask(request)
    }
    for (const answer of answers) expect(outcomeOf(operation, answer)).toEqual({ code: 'DONE', message: '' })
    const told = answers.map(({ data }) => withoutSecret(operation, answerOf(operation, data)))
    expect([...new Set(told.map(({ others }) => JSON.stringify(others)))]).toHaveLength(1)
    // A secret is shown to one of them; the others are told that they repeat.
    if (told[0]?.secret !== undefined) {
      expect(told.filter(({ replayed }) => replayed === false)).toHaveLength(1)
      expect(told.filter(({ secret }) => typeof secret === 'string')).toEqual(told.filter(({ replayed }) => !replayed))
    }
    expect(await changesSince(before)).toHaveLength(1)

    const other = requestOf(documentOf(operation, 0), operation, call, otherwise(operation, call))
    const mismatch = outcomeOf(operation, await all.ask({ ...other, headers: request.headers }))
    expect(mismatch).toMatchObject({ code: 'CONFLICT', reason: 'IDEMPOTENCY_MISMATCH' })
    expect(await changesSince(before)).toHaveLength(1)
  })
}
