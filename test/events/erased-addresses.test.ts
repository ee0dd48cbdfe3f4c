import { beforeEach, describe, expect, it } from 'vitest'
import { appendEvents } from '../../src/platform/events/append.ts'
import { verifyChain } from '../../src/platform/events/audit.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { runSql } from '../support/sql.ts'
import { appendOne } from './log-world.ts'
import { openStandingNode } from './open-standing-node.ts'

const REQUESTED = 'thing.erasure_requested'

const { database, node } = openStandingNode()
let workspaceId: string
let ada: string
beforeEach(() => {
  workspaceId = newId()
  ada = newId()
})

/** Somebody says something, from an address unless they are at none. */
async function said(memberId: string, text: string, address?: string): Promise<string> {
  const viewer = { kind: 'member', memberId, accountId: '', sessionId: '', name: '', permissions: new Set() } as const
  const subject = { kind: 'thing', id: newId() }
  const origin = { requestId: `request of ${text}`, ...(address === undefined ? {} : { address }) }
  await node.db.inTransaction({ ...node.ctx(workspaceId), viewer: viewer as never, origin }, (tx) =>
    appendEvents(tx, [{ type: 'thing.said', subject, data: { text } }]),
  )
  await node.events.sequencer.sequencePass()
  return subject.id
}

async function requested(): Promise<bigint> {
  const id = await appendOne(node, workspaceId, REQUESTED)
  await node.events.sequencer.sequencePass()
  return id
}

const sql = <R extends object>(text: string, values: unknown[] = []) => runSql<R>(database.url, text, values)
const verify = () => verifyChain(node.db, workspaceId, { limit: 1_000 })
const told = () =>
  sql<{ text: string; address: string | null; request: string; v: number }>(
    `select data ->> 'text' as text, origin ->> 'address' as address, request_id as request, chain_version as v
       from event_log where workspace_id = $1 and type = 'thing.said' order by position`,
    [workspaceId],
  )

async function eraseAddresses(actors: readonly string[], request: bigint, most = 100): Promise<number> {
  const { rows } = await node.db.system.query<{ erased: number }>(
    'select cadre_erase_addresses($1, $2, $3, $4) as erased',
    [workspaceId, request, actors, most],
  )
  return rows[0]?.erased ?? Number.NaN
}

describe('from where somebody did something', () => {
  it('is erased by itself: what they did stays as it was told, and the chain through it holds', async () => {
    const eve = newId()
    await said(ada, 'one', '203.0.113.7')
    await said(eve, 'two', '203.0.113.7')
    await said(ada, 'three')
    await said(ada, 'four', '203.0.113.8')
    const { head } = await verify()
    const request = await requested()
    expect(await eraseAddresses([ada], request, 1)).toBe(1)
    expect(await verify()).toMatchObject({ complete: true, fault: null })
    expect(await eraseAddresses([ada], request)).toBe(1)
    expect(await eraseAddresses([ada], request)).toBe(0)
    expect(await told()).toEqual([
      { text: 'one', address: null, request: 'request of one', v: 3 },
      { text: 'two', address: '203.0.113.7', request: 'request of two', v: 3 },
      { text: 'three', address: null, request: 'request of three', v: 2 },
      { text: 'four', address: null, request: 'request of four', v: 3 },
    ])
    expect(await verify()).toMatchObject({ events: 5, erased: 0, complete: true, fault: null })
    expect(await verifyChain(node.db, workspaceId, { limit: 9, after: head ?? undefined })).toMatchObject({
      fault: null,
    })
  })

  it('goes with the rest where the event is erased, before or after its address was', async () => {
    const subjects = [await said(ada, 'one', '203.0.113.7'), await said(ada, 'two', '203.0.113.7')]
    const request = await requested()
    const erase = (subject: string | undefined) =>
      node.db.system.query(`select cadre_erase_events($1, $2, $3, '{}', '{}', '{}', 9)`, [
        workspaceId,
        request,
        [subject],
      ])
    await erase(subjects[0])
    expect(await eraseAddresses([ada], request)).toBe(1)
    await erase(subjects[1])
    expect(await told()).toEqual(Array(2).fill({ text: null, address: null, request: null, v: 3 }))
    expect(await verify()).toMatchObject({ events: 3, erased: 2, complete: true, fault: null })
  })

  it.each([
    ['is another', `origin = jsonb_set(origin, '{address}', '"203.0.113.9"')`],
    ['has another salt', 'address_salt = uuid_send(gen_random_uuid())'],
    ['was taken out, and nobody asked', `origin = origin - 'address', address_salt = null, address_erased_by = 1`],
  ])('shows that it was changed where it %s', async (_what, change) => {
    await said(ada, 'one', '203.0.113.7')
    await said(ada, 'two', '203.0.113.7')
    await sql(`update event_log set ${change} where workspace_id = $1 and data ->> 'text' = 'two'`, [workspaceId])
    expect(await verify()).toMatchObject({ events: 1, fault: { reason: 'CONTENT' } })
  })

  it('is bound by the chain, also where it is gone', async () => {
    await said(ada, 'one', '203.0.113.7')
    await eraseAddresses([ada], await requested())
    await sql(`update event_log set address_digest = sha256('x') where workspace_id = $1 and chain_version = 3`, [
      workspaceId,
    ])
    expect(await verify()).toMatchObject({ events: 0, fault: { reason: 'CHAIN' } })
  })

  it('cannot be half erased, nor put back', async () => {
    await said(ada, 'one', '203.0.113.7')
    const refused = (set: string) =>
      expect(sql(`update event_log set ${set} where workspace_id = $1 and chain_version = 3`, [workspaceId])).rejects
    await refused('address_salt = null').toThrow('event_log_address')
    await refused(`origin = origin - 'address'`).toThrow('event_log_address')
    await refused('address_digest = null').toThrow('event_log_address')
    await eraseAddresses([ada], await requested())
    await refused(`origin = origin || '{"address": "203.0.113.7"}'`).toThrow('event_log_address')
  })

  it('that was logged before it had a digest of its own goes with all that was told', async () => {
    await said(ada, 'one', '203.0.113.7')
    await said(ada, 'two')
    // As an event of before would stand there: nothing of a third version, and an address in its origin.
    await sql(
      `update event_log set chain_version = 2, address_salt = null, address_digest = null
        where workspace_id = $1 and chain_version = 3`,
      [workspaceId],
    )
    const request = await requested()
    expect(await eraseAddresses([ada], request)).toBe(1)
    expect(await eraseAddresses([ada], request)).toBe(0)
    expect((await told()).map(({ text }) => text)).toEqual([null, 'two'])
  })
})

describe('who may erase it', () => {
  it('is the server’s own work alone, in the name of a request of the same workspace', async () => {
    await said(ada, 'one', '203.0.113.7')
    await expect(eraseAddresses([ada], 123_456_789n)).rejects.toThrow('knows no request')
    const rights = await sql<{ role: string; name: string }>(
      `select r.role, f.name from unnest(array['cadre_app', 'cadre_system', 'cadre_search']) r(role),
              unnest(array['cadre_erase_addresses(uuid, bigint, text[], int)',
                           'cadre_events_to_erase(uuid, uuid[], uuid[], jsonb, jsonb, int)']) f(name)
        where has_function_privilege(r.role, f.name, 'EXECUTE') order by 1`,
    )
    expect(rights.map(({ role, name }) => [role, name.replace(/\(.*/, '')])).toEqual([
      ['cadre_app', 'cadre_events_to_erase'],
      ['cadre_system', 'cadre_erase_addresses'],
    ])
  })
})
