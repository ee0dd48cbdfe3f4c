// The database under a server or a subscriber becomes another one: by dump and restore, by a backup put in its place, by a
// replica that is promoted. Whatever a subscriber holds, it gets all that it has not seen of the log as it is now, or
// CURSOR_EXPIRED with a place from which it does; never silence, never one event for another.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { migrate } from '../../src/platform/db/migrate.ts'
import { ensureRoles } from '../../src/platform/db/roles.ts'
import { verifyChain } from '../../src/platform/events/audit.ts'
import type { FeedItem } from '../../src/platform/events/log-rows.ts'
import { type AppError, isAppError } from '../../src/platform/lib/errors.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { runSql } from '../support/sql.ts'
import { Cluster, hasDebian15 } from './cluster.ts'
import { appendOne, bump, createRows, type Node, openNode, readUntil, silentLog } from './log-world.ts'

const clusters: Cluster[] = []
const nodes: Node[] = []
const loads: { stop(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(loads.splice(0).map((load) => load.stop()))
  await Promise.all(nodes.splice(0).map((node) => node.close()))
  for (const cluster of clusters.splice(0)) await cluster.remove()
})

async function open(url: string): Promise<Node> {
  const node = await openNode(url)
  nodes.push(node)
  return node
}

async function newCluster(): Promise<Cluster> {
  const cluster = await Cluster.create('debian-15')
  clusters.push(cluster)
  await cluster.start()
  return cluster
}

async function newServer(): Promise<{ cluster: Cluster; node: Node; workspaceId: string; ids: string[] }> {
  const cluster = await newCluster()
  await cluster.createDatabase('cadre')
  await migrate({ url: cluster.url('cadre'), log: silentLog })
  const node = await open(cluster.url('cadre'))
  return { cluster, node, workspaceId: newId(), ids: await createRows(cluster.url('cadre'), 4) }
}

/** An empty cluster that knows the roles, as whoever restores a dump prepares it. */
async function freshTarget(): Promise<Cluster> {
  const cluster = await newCluster()
  await cluster.createDatabase('cadre')
  const client = new pg.Client({ connectionString: cluster.url() })
  await client.connect()
  await ensureRoles(client).finally(() => client.end())
  return cluster
}

/** Writes until `stop` is called; gives what a subscriber that was there all along has received. */
function underLoad(node: Node, workspaceId: string, ids: readonly string[]) {
  let writing = true
  const received: FeedItem[] = []
  const writers = ids.map(async (id) => {
    while (writing) await node.db.inTransaction(node.ctx(workspaceId), (tx) => bump(tx, id))
  })
  const reading = (async () => {
    for await (const item of await node.events.feed.subscribe({ workspaceId })) {
      received.push(item)
      if (item.event.type === 'thing.happened') return
    }
  })()
  let stopping: Promise<void> | undefined
  const load = {
    received,
    reach: async (count: number) => {
      const goal = received.length + count
      while (received.length < goal) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    stop: () => {
      stopping ??= (async () => {
        writing = false
        await Promise.all(writers)
        await appendOne(node, workspaceId)
        await reading
      })()
      return stopping
    },
  }
  loads.push(load)
  return load
}

interface LoggedRow {
  readonly position: string
  readonly outbox_id: string
}

const logOf = (url: string, workspaceId: string): Promise<LoggedRow[]> =>
  runSql<LoggedRow>(
    url,
    'select position::text, outbox_id::text from event_log where workspace_id = $1 order by event_log.position',
    [workspaceId],
  )

const idsOf = (items: readonly FeedItem[]): string[] => items.map(({ event }) => String(event.outboxId))

/** All that comes after the cursor up to `end`. */
async function readFrom(node: Node, workspaceId: string, after: string, end: string): Promise<FeedItem[]> {
  const items: FeedItem[] = []
  await readUntil(await node.events.feed.subscribe({ workspaceId, after }), end, (item) => items.push(item))
  return items
}

/**
 * Resumes at the cursor of every event that was received before the move and checks each outcome: what was received up to
 * there, and what comes now, are together exactly the log as it is now; or it is refused with a cursor for which that is
 * so. Begins at the `first` of them; gives how many were refused.
 */
async function resumeEverywhere(
  node: Node,
  url: string,
  workspaceId: string,
  received: readonly FeedItem[],
  first = 0,
): Promise<number> {
  const end = await node.events.feed.positionOf(await appendOne(node, workspaceId))
  const log = (await logOf(url, workspaceId)).map((row) => row.outbox_id)
  let refused = 0
  for (const [index, { cursor }] of received.entries()) {
    if (index < first) continue
    const before = idsOf(received.slice(0, index + 1))
    let after: FeedItem[]
    try {
      after = await readFrom(node, workspaceId, cursor, end)
      expect([...before, ...idsOf(after)]).toEqual(log)
      expect(after.every((item) => item.cursor > cursor)).toBe(true)
    } catch (err) {
      if (!isAppError(err)) throw err
      expect(err.code).toBe('CURSOR_EXPIRED')
      refused += 1
      after = await readFrom(node, workspaceId, (err as AppError).details.oldest ?? '', end)
      // Up to `oldest` the logs are one and the subscriber was further: nothing is missing.
      const shared = log.slice(0, log.length - after.length)
      expect(before.slice(0, shared.length)).toEqual(shared)
      expect([...shared, ...idsOf(after)]).toEqual(log)
    }
  }
  return refused
}

describe.skipIf(!hasDebian15())('a subscriber of a database that was moved', () => {
  it('by pg_dump | psql into a fresh cluster, in the middle of writing, gets every event or CURSOR_EXPIRED', async () => {
    const { cluster, node, workspaceId, ids } = await newServer()
    const target = await freshTarget()
    const load = underLoad(node, workspaceId, ids)
    await load.reach(300)
    await cluster.dumpInto('cadre', target)
    await load.reach(100)
    await load.stop()

    const url = target.url('cadre')
    const movedHead = (await logOf(url, workspaceId)).length
    expect(movedHead).toBeGreaterThan(200)
    expect(movedHead).toBeLessThan(load.received.length)
    const moved = await open(url)
    for (const id of ids) await moved.db.inTransaction(moved.ctx(workspaceId), (tx) => bump(tx, id))
    // The new log has outgrown the old one by now, so that positions alone would fit and mean other events.
    while ((await logOf(url, workspaceId)).length < load.received.length + 10) {
      for (const id of ids) await moved.db.inTransaction(moved.ctx(workspaceId), (tx) => bump(tx, id))
      await moved.events.sequencer.sequencePass()
    }
    const refused = await resumeEverywhere(moved, url, workspaceId, load.received)
    expect(refused).toBe(load.received.length - movedHead)
    // And once more after a restart of the server there: its epoch is known, no new one is opened.
    const again = await open(url)
    expect(await resumeEverywhere(again, url, workspaceId, load.received, load.received.length - 3)).toBe(3)
    expect(await runSql(url, 'select number from event_epoch')).toHaveLength(2)
    // What vouches for the events moves with them.
    expect(await verifyChain(again.db, workspaceId, { limit: 100_000 })).toMatchObject({
      events: (await logOf(url, workspaceId)).length,
      complete: true,
      fault: null,
    })
  })

  it('into another database of the same cluster gets every event or CURSOR_EXPIRED', async () => {
    const { cluster, node, workspaceId, ids } = await newServer()
    await cluster.createDatabase('copy')
    const load = underLoad(node, workspaceId, ids)
    await load.reach(50)
    await cluster.dumpInto('cadre', cluster, 'copy')
    await load.reach(20)
    await load.stop()
    const url = cluster.url('copy')
    const movedHead = (await logOf(url, workspaceId)).length
    const copy = await open(url)
    expect(await resumeEverywhere(copy, url, workspaceId, load.received)).toBe(load.received.length - movedHead)
  })

  it('is refused as well where the server may not ask for the identity of its cluster', async () => {
    const { cluster, node, workspaceId, ids } = await newServer()
    const target = await freshTarget()
    const forbid = 'revoke execute on function pg_control_system() from public'
    await runSql(cluster.url('cadre'), forbid)
    await node.close()
    nodes.splice(nodes.indexOf(node), 1)
    const blind = await open(cluster.url('cadre'))
    const load = underLoad(blind, workspaceId, ids)
    await load.reach(50)
    await cluster.dumpInto('cadre', target)
    await load.reach(20)
    await load.stop()
    const url = target.url('cadre')
    const movedHead = (await logOf(url, workspaceId)).length
    await runSql(url, forbid)
    const moved = await open(url)
    expect(await resumeEverywhere(moved, url, workspaceId, load.received)).toBe(load.received.length - movedHead)
    const opened = await runSql<{ system_identifier: string }>(
      url,
      'select system_identifier from event_epoch order by 1',
    )
    expect(opened.map((row) => row.system_identifier.startsWith('unknown'))).toEqual([false, true, true])
  })

  it('while it was reading, by another cluster on the same address, gets every event or CURSOR_EXPIRED', async () => {
    const { cluster, node, workspaceId, ids } = await newServer()
    const target = await freshTarget()
    const load = underLoad(node, workspaceId, ids)
    await load.reach(100)
    await cluster.dumpInto('cadre', target)
    await load.reach(50)
    await load.stop()
    const movedHead = (await logOf(target.url('cadre'), workspaceId)).length
    const [ahead, at] = [load.received.at(-1)?.cursor ?? '', load.received[movedHead - 1]?.cursor ?? '']

    // Two readers on a server that stays: one has read to the end, one waits where the logs part.
    const live = await node.events.feed.subscribe({ workspaceId, after: ahead })
    const waiting = live.next().catch((err) => err)
    const behind = await node.events.feed.subscribe({ workspaceId, after: at })
    await target.stop()
    await cluster.stop('immediate')
    await target.start(cluster.port)

    const error = await waiting
    expect(error).toMatchObject({ code: 'CURSOR_EXPIRED' })
    const end = await eventually(async () => node.events.feed.positionOf(await appendOne(node, workspaceId)))
    const log = (await logOf(target.url('cadre'), workspaceId)).map((row) => row.outbox_id)
    const rest: FeedItem[] = []
    await readUntil(behind, end, (item) => rest.push(item))
    expect(idsOf(rest)).toEqual(log.slice(movedHead))
    expect(idsOf(await readFrom(node, workspaceId, error.details.oldest, end))).toEqual(log.slice(movedHead))
  })

  it('by putting a backup of the disk in its place under a running server is told so', async () => {
    const { cluster, node, workspaceId, ids } = await newServer()
    const load = underLoad(node, workspaceId, ids)
    await load.reach(50)
    await load.stop()
    const shared = load.received.length
    await cluster.stop('fast')
    const backup = await cluster.copy()
    clusters.push(backup)
    await cluster.start()
    await eventually(() => node.events.sequencer.sequencePass())
    const more = await node.events.feed.subscribe({ workspaceId, after: load.received.at(-1)?.cursor })
    const lost = await appendOne(node, workspaceId, 'thing.lost')
    const { value } = await more.next()
    expect(value?.event.outboxId).toBe(lost)
    const waiting = more.next().catch((err) => err)
    await cluster.stop('immediate')
    await backup.start(cluster.port)
    expect(await waiting).toMatchObject({ code: 'CURSOR_EXPIRED' })
    const url = backup.url('cadre')
    const received = value ? [...load.received, value] : load.received
    expect(await resumeEverywhere(node, url, workspaceId, received, shared - 2)).toBe(1)
  })

  it('by promoting a replica goes on under a new epoch, and what the replica had is not read twice', async () => {
    const { cluster, node, workspaceId, ids } = await newServer()
    const load = underLoad(node, workspaceId, ids)
    await load.reach(50)
    await load.stop()
    await cluster.stop('fast')
    const replica = await cluster.copy()
    clusters.push(replica)
    writeFileSync(join(replica.dataDir, 'standby.signal'), '')
    const before = node.events.feed.cursor()
    await replica.start(cluster.port)
    await replica.promote()
    await eventually(async () => {
      if (node.events.feed.cursor().slice(0, 8) === before.slice(0, 8)) throw new Error('not noticed yet')
    })
    expect(await resumeEverywhere(node, replica.url('cadre'), workspaceId, load.received)).toBe(0)
    const epochs = await runSql<{ timeline: number }>(
      replica.url('cadre'),
      'select timeline from event_epoch order by number',
    )
    expect(epochs.map(({ timeline }) => timeline)).toEqual([1, 2])
  })
})

/** Tries until it works: PostgreSQL is on its way back. */
async function eventually<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let attempts = 0; ; attempts++) {
    try {
      return await attempt()
    } catch (err) {
      if (attempts > 600) throw err
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
