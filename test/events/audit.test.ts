import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { formatHead, parseHead, verifyChain } from '../../src/platform/events/audit.ts'
import { SEQUENCER_LOCK } from '../../src/platform/events/epoch.ts'
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
    expect(first).toMatchObject({ events: 60, unchained: 0, complete: true, fault: null })
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
    ['where it came from', `update event_log set origin = '{}', request_id = null`],
    ['what changed', `update event_log set changes = '[{"field":"a","from":"b","to":"c"}]'`],
    ['the digest', `update event_log set digest = sha256('other')`],
    ['the salt', `update event_log set salt = substr(sha256('other'), 1, 16)`],
  ])('shows that %s of an event was changed afterwards, and of which', async (_what, sql) => {
    const ids = await logged(5)
    await change(sql, ids[2])
    expect(await verify()).toMatchObject({ events: 2, fault: { reason: 'CONTENT', outboxId: ids[2] } })
  })

  it.each([
    ['the actor', `update event_log set actor = '{"kind": "SYSTEM", "id": "x"}', actor_id = 'x'`],
    ['the time', `update event_log set occurred_at = occurred_at - interval '1 ms'`],
    ['the type', `update event_log set type = 'deal.won'`],
    ['the subject', `update event_log set subject_id = workspace_id`],
    ['the subject’s kind', `update event_log set subject_type = 'deal'`],
    ['the subject’s version', `update event_log set subject_version = 7`],
    ['the run', `update event_log set run_id = workspace_id`],
    ['the cause', `update event_log set cause_id = 1`],
    ['the depth', `update event_log set depth = depth + 1`],
    ['the version of the chain', `update event_log set chain_version = 1`],
  ])('shows that %s of an event was changed afterwards, which its hash is over', async (_what, sql) => {
    const ids = await logged(5)
    await change(sql, ids[2])
    const { events, fault } = await verify()
    expect([events, fault?.outboxId]).toEqual([2, ids[2]])
  })

  it('shows that an event was taken out, at the one after it', async () => {
    const ids = await logged(4)
    await change('delete from event_log', ids[1])
    expect(await verify()).toMatchObject({ events: 1, fault: { reason: 'CHAIN', outboxId: ids[2] } })
    await change('delete from event_log', ids[0])
    expect(await verify()).toMatchObject({ events: 0, fault: { reason: 'CHAIN', outboxId: ids[2] } })
  })

  it('shows that an event was put in', async () => {
    const ids = await logged(4)
    await change('delete from event_log', ids[1])
    await runSql(
      database.url,
      `insert into event_log (position, outbox_id, workspace_id, type, subject_type, subject_id, actor, actor_kind, depth, data,
                              changes, origin, request_id, occurred_at, chain_version, salt, digest, hash)
       select position + 1, $2, workspace_id, type, subject_type, subject_id, actor, actor_kind, depth, data, changes,
              origin, request_id, occurred_at, chain_version, salt, digest, hash from event_log where outbox_id = $1`,
      [String(ids[0]), String(ids[1])],
    )
    expect(await verify()).toMatchObject({ events: 1, fault: { reason: 'CHAIN', outboxId: ids[1] } })
  })

  it('has no way around it: an event without its place in it is refused', async () => {
    const ids = await logged(2)
    for (const column of ['salt', 'digest', 'hash']) {
      await expect(change(`update event_log set ${column} = null`, ids[1])).rejects.toThrow('event_log_chained')
    }
    await expect(change(`update event_log set digest = ''`, ids[1])).rejects.toThrow('event_log_chained')
  })

  it('begins where it was introduced: nothing vouches for the events before, which is said, and for all after them', async () => {
    const old = newId()
    // As an update to this release finds them.
    await runSql(database.url, 'alter table event_log drop constraint event_log_chained')
    await runSql(
      database.url,
      `insert into event_log (outbox_id, workspace_id, type, subject_type, subject_id, actor, actor_kind, depth, data, changes, origin, occurred_at)
       select nextval('event_outbox_id_seq'), $1, 'thing.happened', 'thing', $1, '{"kind":"SYSTEM"}', 'SYSTEM', 0, '{}', '[]', '{}', now()
         from generate_series(1, 3)`,
      [old],
    )
    workspaceId = old
    expect(await verify()).toMatchObject({ events: 0, unchained: 3, head: null, complete: true, fault: null })
    const ids = (await logged(4)).slice(3)
    expect(await verify()).toMatchObject({ events: 4, unchained: 3, complete: true, fault: null })
    await change('update event_log set salt = null, digest = null, hash = null', ids[1])
    expect(await verify()).toMatchObject({ events: 1, fault: { reason: 'CHAIN', outboxId: ids[1] } })
  })
})

it('a new workspace’s events are moved without reading the others’, whatever the statistics say', async () => {
  const fresh = await createTestDatabase()
  const client = new pg.Client({ connectionString: fresh.url })
  await client.connect()
  try {
    const sequence = async (events: number): Promise<void> => {
      await client.query(
        `insert into event_outbox (workspace_id, type, subject_type, subject_id, actor, occurred_at)
         select $1, 'thing.happened', 'thing', gen_random_uuid(), '{"kind":"SYSTEM"}', now() from generate_series(1, $2)`,
        [newId(), events],
      )
      await client.query('select cadre_sequence($1, 0, false)', [SEQUENCER_LOCK])
    }
    for (let n = 0; n < 5; n++) await sequence(2_000)
    await client.query('analyze event_log')
    await client.query('begin')
    const read = async () =>
      (
        await client.query<{ read: number }>(
          `select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read
             from pg_stat_xact_user_tables where relname = 'event_log'`,
        )
      ).rows[0]?.read ?? Number.NaN
    const before = await read()
    await sequence(100)
    expect((await read()) - before).toBeLessThanOrEqual(10)
  } finally {
    await client.end()
    await fresh.drop()
  }
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

it('no role that the server serves with may change or remove what is in the log', async () => {
  const rights = await runSql<{ role: string; right: string; granted: boolean }>(
    database.url,
    `select r.role, p.right, has_table_privilege(r.role, 'event_log', p.right) as granted
       from unnest(array['cadre_app', 'cadre_system', 'cadre_search']) r(role),
            unnest(array['SELECT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) p("right")
     union all
     select r.role, 'UPDATE of a column', has_any_column_privilege(r.role, 'event_log', 'UPDATE')
       from unnest(array['cadre_app', 'cadre_system', 'cadre_search']) r(role)`,
  )
  expect(rights.filter(({ granted }) => granted)).toEqual([
    { role: 'cadre_app', right: 'SELECT', granted: true },
    { role: 'cadre_system', right: 'SELECT', granted: true },
  ])
})
