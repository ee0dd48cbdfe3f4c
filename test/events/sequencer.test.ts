import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import type { Bell } from '../../src/platform/context.ts'
import { EVENT_CHANNEL } from '../../src/platform/events/bell.ts'
import { SEQUENCER_LOCK } from '../../src/platform/events/epoch.ts'
import { OutboxFloor } from '../../src/platform/events/outbox-floor.ts'
import { type Clock, systemClock } from '../../src/platform/lib/clock.ts'
import { isAppError } from '../../src/platform/lib/errors.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase } from '../support/test-database.ts'
import { appendOne, openNode, readUntil } from './log-world.ts'
import { openNodes } from './open-nodes.ts'

const { database, open } = openNodes()
const clients: pg.Client[] = []

async function connect(role?: string): Promise<pg.Client> {
  const options = role === undefined ? {} : { options: `-c role=${role}` }
  const client = new pg.Client({ connectionString: database.url, ...options })
  client.on('error', () => {})
  await client.connect()
  clients.push(client)
  return client
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()))
})

/** Time in which nobody looks by himself: long sleeps end by a ring only. */
const withoutPolls: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms >= 400 ? 2 ** 31 - 1 : ms, signal),
}

/** Time that goes slowly for intervals. */
const slowly: Clock = { ...withoutPolls, monotonicMs: () => systemClock.monotonicMs() / 20 }

const silentBell: Bell = { ring: () => {} }

const outboxSize = async (): Promise<number> => {
  const [row] = await runSql<{ n: number }>(database.url, 'select count(*)::int as n from event_outbox')
  return row?.n ?? -1
}

/** Tries again while connections are being replaced. */
async function persistently<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await attempt()
    } catch (err) {
      if (!isAppError(err) || err.code !== 'UNAVAILABLE') throw err
    }
  }
}

describe('the sequencer', () => {
  it('is driven by the bell: a commit here is in every process’s stream without anyone having to look', async () => {
    const [writer, reader] = [await open({ clock: withoutPolls }), await open({ clock: withoutPolls })]
    const workspaceId = newId()
    const streams = await Promise.all([writer, reader].map(({ events }) => events.feed.subscribe({ workspaceId })))
    for (let round = 0; round < 50; round++) {
      const id = await appendOne(writer, workspaceId)
      for (const stream of streams) expect((await stream.next()).value?.event.outboxId).toBe(id)
    }
  })

  it('tells other processes of a burst that ended, though not of each commit', async () => {
    const writer = await open({ clock: slowly })
    const reader = await open({ clock: withoutPolls })
    const workspaceId = newId()
    const stream = await reader.events.feed.subscribe({ workspaceId })
    const listener = await connect()
    let notifications = 0
    listener.on('notification', () => {
      notifications += 1
    })
    await listener.query(`listen ${EVENT_CHANNEL}`)
    for (let burst = 0; burst < 10; burst++) {
      await Promise.all(Array.from({ length: 100 }, () => appendOne(writer, workspaceId)))
      const end = await writer.events.feed.positionOf(await appendOne(writer, workspaceId))
      await readUntil(stream, end, () => {})
    }
    await listener.query('select 1')
    expect(notifications).toBeGreaterThan(0)
    expect(notifications).toBeLessThan(1010 / 2)
  })

  it('finds by itself what was committed without a ring', async () => {
    const node = await open()
    const workspaceId = newId()
    const stream = await node.events.feed.subscribe({ workspaceId })
    const id = await appendOne({ ...node, ctx: (id) => ({ ...node.ctx(id), bell: silentBell }) }, workspaceId)
    expect((await stream.next()).value?.event.outboxId).toBe(id)
  })

  it('has everything in the log that was committed before a pass was asked for', async () => {
    const node = await open()
    const workspaceId = newId()
    const silent = { ...node, ctx: (id: string) => ({ ...node.ctx(id), bell: silentBell }) }
    for (let round = 0; round < 20; round++) {
      const ids = await Promise.all(Array.from({ length: 5 }, () => appendOne(silent, workspaceId)))
      await Promise.all([node.events.sequencer.sequencePass(), node.events.sequencer.sequencePass()])
      const logged = await node.events.feed.findMany(workspaceId, ids)
      expect(logged.size).toBe(5)
    }
  })

  it('waits for the one that is at it: nothing is moved while another holds the lock', async () => {
    const node = await open()
    const workspaceId = newId()
    const holder = await connect('cadre_system')
    await holder.query('begin')
    await holder.query(`select pg_advisory_xact_lock(${SEQUENCER_LOCK})`)
    const id = await appendOne(node, workspaceId)
    const pass = node.events.sequencer.sequencePass()
    const waiting = `select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted
                        and database = (select oid from pg_database where datname = current_database())`
    while ((await runSql<{ n: number }>(database.url, waiting))[0]?.n === 0);
    expect((await node.events.feed.findMany(workspaceId, [id])).size).toBe(0)
    await holder.query('commit')
    await pass
    expect((await node.events.feed.findMany(workspaceId, [id])).size).toBe(1)
  })

  it('moves a backlog of many batches in order when it starts', async () => {
    const workspaceId = newId()
    await runSql(
      database.url,
      `insert into event_outbox (workspace_id, type, subject_type, subject_id, actor, occurred_at)
       select $1, 'thing.happened', 'thing', gen_random_uuid(), '{"kind":"SYSTEM"}', now() from generate_series(1, 9000)`,
      [workspaceId],
    )
    const node = await open()
    expect(await outboxSize()).toBe(0)
    const [row] = await runSql<{ rows: number; ordered: boolean }>(
      database.url,
      `select count(*)::int as rows, bool_and(outbox_id > previous) as ordered
         from (select outbox_id, lag(outbox_id, 1, 0::bigint) over (order by position) as previous
                 from event_log where workspace_id = $1) l`,
      [workspaceId],
    )
    expect(row).toEqual({ rows: 9000, ordered: true })
    expect(node.events.feed.cursor() > '').toBe(true)
  })

  it('reads a backlog once, also where the statistics say that there is none', async () => {
    const fresh = await createTestDatabase()
    const client = new pg.Client({ connectionString: fresh.url })
    await client.connect()
    try {
      const fill = () =>
        client.query(
          `insert into event_outbox (workspace_id, type, subject_type, subject_id, actor, occurred_at)
           select $1, 'thing.happened', 'thing', gen_random_uuid(), '{"kind":"SYSTEM"}', now() from generate_series(1, 9000)`,
          [newId()],
        )
      await fill()
      await client.query('delete from event_outbox')
      await client.query('analyze event_outbox')
      await fill()
      await client.query('begin')
      const read = async () => {
        const { rows } = await client.query<{ read: number }>(
          `select (seq_tup_read + idx_tup_fetch)::int as read
             from pg_stat_xact_user_tables where relname = 'event_outbox'`,
        )
        return rows[0]?.read ?? Number.NaN
      }
      const before = await read()
      const { rows } = await client.query('select count from cadre_sequence($1, 0, false)', [SEQUENCER_LOCK])
      expect(rows).toEqual([{ count: 2000 }])
      expect((await read()) - before).toBeLessThanOrEqual(3 * 2000)
    } finally {
      await client.end()
      await fresh.drop()
    }
  })

  it('may be started and stopped twice, moves what has rung before it stops, and refuses passes afterwards', async () => {
    const node = await open()
    const workspaceId = newId()
    await Promise.all([node.events.start(), node.events.start()])
    await Promise.all(Array.from({ length: 20 }, () => appendOne(node, workspaceId)))
    await Promise.all([node.events.stop(), node.events.stop()])
    expect(await outboxSize()).toBe(0)
    await expect(node.events.sequencer.sequencePass()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('opens one epoch for a database, however many processes start at once and however often', async () => {
    const fresh = await createTestDatabase()
    const first = await Promise.all([1, 2, 3].map(() => openNode(fresh.url)))
    const epochs = () => runSql<{ number: number }>(fresh.url, 'select number from event_epoch')
    const [epoch, ...more] = await epochs()
    expect(more).toEqual([])
    await Promise.all(first.map((node) => node.close()))
    await (await openNode(fresh.url)).close()
    expect(await epochs()).toEqual([epoch])
    await fresh.drop()
  })

  it('says each time that events cannot be moved, goes on when they can, and loses none', async () => {
    const lines: string[] = []
    const log = createLogger({ level: 'info', format: 'json', stream: { write: (line) => void lines.push(line) } })
    const said = (text: string) => lines.filter((line) => line.includes(text)).length
    const node = await open({ log })
    const workspaceId = newId()
    await runSql(database.url, 'alter table event_log rename to event_log_away')
    const id = await appendOne(node, workspaceId)
    await expect(node.events.sequencer.sequencePass()).rejects.toThrow(/event_log/)
    await expect.poll(() => said('events could not be moved into the log')).toBeGreaterThan(1)
    await runSql(database.url, 'alter table event_log_away rename to event_log')
    await expect.poll(() => said('events are moved into the log again')).toBe(1)
    const items = await node.events.feed.subscribe({ workspaceId, last: 1 })
    expect((await items.next()).value?.event.outboxId).toBe(id)
  })

  it('stops between two batches of a backlog, and the next moves the rest in order', async () => {
    const workspaceId = newId()
    const node = await open({ clock: withoutPolls })
    // A first look follows the start by itself: it must be over before there is anything to see.
    await node.events.sequencer.sequencePass()
    let stopping: Promise<void> | undefined
    const heads: bigint[] = []
    node.events.sequencer.onMoved((head) => {
      heads.push(head)
      stopping ??= node.events.sequencer.stop()
    })
    await runSql(
      database.url,
      `insert into event_outbox (workspace_id, type, subject_type, subject_id, actor, depth, data, changes, origin, occurred_at)
       select $1, 'thing.happened', 'thing', $1, '{"kind":"SYSTEM"}', 0, jsonb_build_object('n', n), '[]', '{}', now()
         from generate_series(1, 4500) as n order by n`,
      [workspaceId],
    )
    // Who waits for a pass is not told that all is in the log.
    await expect(node.events.sequencer.sequencePass()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await stopping
    expect(heads).toHaveLength(1)
    expect(await outboxSize()).toBe(2_500)
    const next = await open()
    expect(await outboxSize()).toBe(0)
    const page = await next.events.feed.read({ workspaceId, last: 4_500 })
    expect(page.items.map(({ event }) => event.data.n)).toEqual(Array.from({ length: 4_500 }, (_, n) => n + 1))
  })

  it('stops though events cannot be moved, and leaves them to the next', async () => {
    const node = await open()
    const workspaceId = newId()
    await runSql(database.url, 'alter table event_log rename to event_log_away')
    const id = await appendOne(node, workspaceId)
    await node.events.stop()
    await runSql(database.url, 'alter table event_log_away rename to event_log')
    const next = await open()
    const items = await next.events.feed.subscribe({ workspaceId, last: 1 })
    expect((await items.next()).value?.event.outboxId).toBe(id)
  })

  it('knows a database by what no dump carries where it may not ask for the cluster’s identity', async () => {
    const own = await createTestDatabase()
    try {
      // In this database asking is not granted to anybody.
      await runSql(
        own.url,
        `create function public.has_function_privilege(oid, text) returns boolean language sql return false;
         create function public.has_function_privilege(regprocedure, text) returns boolean language sql return false;
         alter database ${own.name} set search_path = public, pg_catalog`,
      )
      for (let start = 0; start < 2; start++) {
        const node = await openNode(own.url)
        await node.close()
      }
      const epochs = await runSql<{ system_identifier: string }>(own.url, 'select system_identifier from event_epoch')
      expect(epochs).toHaveLength(1)
      expect(epochs[0]?.system_identifier).toMatch(/^unknown\./)
    } finally {
      await own.drop()
    }
  })

  it('refuses to start where the database cannot be reached', async () => {
    const nowhere = new URL(database.url)
    nowhere.port = '1'
    await expect(openNode(nowhere.href)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('goes on after its connections were cut, and so do subscribers', async () => {
    const node = await open()
    const workspaceId = newId()
    const stream = await node.events.feed.subscribe({ workspaceId })
    for (let round = 0; round < 5; round++) {
      const id = await persistently(() => appendOne(node, workspaceId))
      expect((await stream.next()).value?.event.outboxId).toBe(id)
      await runSql(
        database.url,
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
      )
    }
  })
})

describe('the floor of the outbox', () => {
  it('rises to what was moved, but not past a writer that has not ended', async () => {
    const writer = await connect()
    const system = await connect('cadre_system')
    let nowMs = 0
    const floor = new OutboxFloor({ ...systemClock, monotonicMs: () => nowMs })
    const look = async () => {
      nowMs += 1_000
      await floor.advance(system)
    }
    const insert = `insert into event_outbox (workspace_id, type, subject_type, subject_id, actor, occurred_at)
      values (gen_random_uuid(), 'thing.happened', 'thing', gen_random_uuid(), '{}', now()) returning id`
    await writer.query('begin')
    const { rows } = await writer.query<{ id: string }>(insert)
    const written = BigInt(rows[0]?.id ?? 0)

    floor.passed(written + 5_000n)
    for (let looks = 0; looks < 5; looks++) await look()
    expect(floor.value).toBe(0n)

    await writer.query('commit')
    await look() // sees that it ended
    expect(floor.value).toBe(0n) // its row may only now be visible: one more pass above the old floor
    await look()
    expect(floor.value).toBe(written + 5_000n)

    await writer.query('begin')
    await writer.query(insert)
    floor.passed(written + 5_500n) // not worth a look
    for (let looks = 0; looks < 5; looks++) await look()
    expect(floor.value).toBe(written + 5_000n)
    await writer.query('rollback')

    floor.reset()
    expect(floor.value).toBe(0n)
    await runSql(database.url, 'delete from event_outbox')
  })
})
