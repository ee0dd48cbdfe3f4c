import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { formatHead, parseHead, verifyChain } from '../../src/platform/events/audit.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { appendOne, type Node, openNode } from './log-world.ts'

let database: TestDatabase
let nodes: readonly [Node, Node]
let workspaceId: string

beforeAll(async () => {
  database = await createTestDatabase()
  nodes = [await openNode(database.url), await openNode(database.url)]
})
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()))
  await database.drop()
})
beforeEach(() => {
  workspaceId = newId()
})

/** Appends so many events, and waits until they are in the log; gives their outbox ids in its order. */
async function logged(count: number, of = workspaceId): Promise<bigint[]> {
  const appended = Array.from({ length: count }, (_, n) =>
    appendOne(nodes[n % 2 === 0 ? 0 : 1], of, 'thing.happened', { n, text: 'Käthe — “so”', float: 1.5e3 }),
  )
  await Promise.all((await Promise.all(appended)).map((id) => nodes[0].events.feed.positionOf(id)))
  const rows = await runSql<{ id: string }>(
    database.url,
    'select outbox_id::text as id from event_log where workspace_id = $1 order by position',
    [of],
  )
  return rows.map(({ id }) => BigInt(id))
}

const verify = (options: Partial<Parameters<typeof verifyChain>[2]> = {}) =>
  verifyChain(nodes[0].db, workspaceId, { limit: 100_000, ...options })
const change = (sql: string, outboxId: bigint | undefined) =>
  runSql(database.url, `${sql} where workspace_id = $1 and outbox_id = $2`, [workspaceId, String(outboxId)])

describe('the chain of a workspace’s events', () => {
  it('holds whoever moves them into the log, beside those of others', async () => {
    const other = newId()
    await Promise.all([logged(60), logged(40, other)])
    const first = await verify()
    expect(first).toMatchObject({ events: 60, erased: 0, unchained: 0, complete: true, fault: null })
    await logged(5)
    expect(await verify()).toMatchObject({ events: 65, fault: null })
    expect(await verify({ after: first.head ?? undefined })).toMatchObject({ events: 5, complete: true, fault: null })
    expect(await verifyChain(nodes[0].db, other, { limit: 100 })).toMatchObject({ events: 40, fault: null })
  })

  it('of none is empty, and intact', async () => {
    expect(await verify()).toEqual({ events: 0, erased: 0, unchained: 0, head: null, complete: true, fault: null })
  })

  it('is verified part by part, each from the head of the one before', async () => {
    await logged(7)
    const parts = [await verify({ limit: 3 })]
    while (parts.at(-1)?.complete === false)
      parts.push(await verify({ limit: 3, after: parts.at(-1)?.head ?? undefined }))
    expect(parts.map(({ events }) => events)).toEqual([3, 3, 1])
    expect((await verify({ limit: 7 })).complete).toBe(true)
  })

  it.each([
    ['data', `update event_log set data = data || '{"n": 7}'`],
    ['the actor', `update event_log set actor = '{"kind": "SYSTEM", "id": "x"}'`],
    ['the time', `update event_log set occurred_at = occurred_at - interval '1 ms'`],
    ['where it came from', `update event_log set origin = '{}'`],
    ['a digest of another text', `update event_log set digest = sha256('other')`],
  ])('shows that %s of an event was changed afterwards, and of which', async (_what, sql) => {
    const ids = await logged(5)
    await change(sql, ids[2])
    expect(await verify()).toMatchObject({ events: 2, fault: { reason: 'CONTENT', outboxId: ids[2] } })
  })

  it('shows that an event was taken out, at the one after it', async () => {
    const ids = await logged(4)
    await change('delete from event_log', ids[1])
    expect(await verify()).toMatchObject({ events: 1, fault: { reason: 'CHAIN', outboxId: ids[2] } })
    await change('delete from event_log', ids[0])
    expect(await verify()).toMatchObject({ events: 0, fault: { reason: 'CHAIN', outboxId: ids[2] } })
  })

  it('shows that an event was put in, or taken off the chain', async () => {
    const ids = await logged(4)
    await change('update event_log set salt = null, digest = null, hash = null', ids[1])
    expect(await verify()).toMatchObject({ events: 1, fault: { reason: 'CHAIN', outboxId: ids[1] } })
    await change('delete from event_log', ids[1])
    await runSql(
      database.url,
      `insert into event_log (position, outbox_id, workspace_id, type, subject_type, subject_id, actor, depth, data,
                              changes, origin, occurred_at, salt, digest, hash)
       select position + 1, -outbox_id, workspace_id, type, subject_type, subject_id, actor, depth, data, changes, origin,
              occurred_at, salt, digest, hash from event_log where outbox_id = $1`,
      [String(ids[0])],
    )
    const copied = await verify()
    expect(copied).toMatchObject({ events: 1, fault: { outboxId: -(ids[0] ?? 0n) } })
  })

  it('holds without the content of events that were erased', async () => {
    const ids = await logged(4)
    await change(`update event_log set data = '{}', changes = '[]', salt = null`, ids[1])
    expect(await verify()).toMatchObject({ events: 4, erased: 1, fault: null })
  })

  it('says of events from before there was one that nothing vouches for them, and of none after it', async () => {
    const ids = await logged(3)
    await change('update event_log set salt = null, digest = null, hash = null', ids[0])
    await runSql(
      database.url,
      `with first as (select sha256(int8send(position) || digest) as hash, outbox_id, digest from event_log where outbox_id = $1),
            second as (update event_log l set hash = f.hash from first f where l.outbox_id = f.outbox_id returning l.hash)
       update event_log set hash = sha256((select hash from second) || int8send(position) || digest) where outbox_id = $2`,
      [String(ids[1]), String(ids[2])],
    )
    expect(await verify()).toMatchObject({ events: 2, unchained: 1, fault: null })
    await logged(2)
    expect(await verify()).toMatchObject({ events: 4, unchained: 1, fault: null })
  })
})

describe('a head that was noted elsewhere', () => {
  it('tells a log that was cut off, which looks right by itself', async () => {
    const ids = await logged(5)
    const { head } = await verify()
    const noted = parseHead(formatHead(head ?? { position: 0n, hash: '' }))
    expect(await verify({ after: noted })).toMatchObject({ events: 0, complete: true, fault: null, head })
    await change('delete from event_log', ids[4])
    expect(await verify()).toMatchObject({ events: 4, fault: null })
    expect(await verify({ after: noted })).toMatchObject({ fault: { reason: 'HEAD', outboxId: null } })
    await logged(1)
    expect(await verify({ after: noted })).toMatchObject({ fault: { reason: 'HEAD' } })
  })

  it.each(['', 'x', '0', `${'0'.repeat(16)}-${'g'.repeat(64)}`, `${'f'.repeat(16)}-${'0'.repeat(64)}`])(
    'is refused when it was not given out: %j',
    (text) => expect(() => parseHead(text)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' })),
  )
})

it('no role of the server may change or remove what is in the log', async () => {
  const rights = await runSql<{ role: string; right: string; granted: boolean }>(
    database.url,
    `select r.role, p.right, has_table_privilege(r.role, 'event_log', p.right) as granted
       from unnest(array['cadre_app', 'cadre_system']) r(role), unnest(array['SELECT', 'UPDATE', 'DELETE', 'TRUNCATE']) p("right")`,
  )
  expect(rights.filter(({ granted }) => granted).map(({ right }) => right)).toEqual(['SELECT', 'SELECT'])
})
