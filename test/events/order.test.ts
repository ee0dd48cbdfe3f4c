import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { appendEvents, lastEventOf } from '../../src/platform/events/append.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { runSql } from '../support/sql.ts'
import { appendOne, bump, Checker, createRows, jitter, type Node, readUntil } from './log-world.ts'
import { openNodes } from './open-nodes.ts'

const { database, open } = openNodes()

/** Transactions that first append for a row of their own, and only then wait for the lock of one that all want. */
async function contend(writers: readonly Node[], workspaceId: string, ids: readonly string[], rounds: number) {
  const [first, second, ...own] = ids
  if (first === undefined || second === undefined) throw new Error('there are too few rows')
  await Promise.all(
    own.map(async (id, index) => {
      const node = writers[index % writers.length]
      if (node === undefined) throw new Error('no node')
      for (let round = 0; round < rounds; round++) {
        await node.db.inTransaction(node.ctx(workspaceId), async (tx) => {
          await bump(tx, id)
          await jitter()
          // One of the two, or both, always in the same order: a deadlock would only cost time.
          const chosen = Math.random()
          if (chosen < 0.6) await bump(tx, first)
          if (chosen > 0.4) await bump(tx, second)
        })
      }
    }),
  )
}

describe('the order of the log', () => {
  it('is the order of a row’s versions when transactions claim in one order and lock in the other', async () => {
    const node = await open()
    const workspaceId = newId()
    const ids = await createRows(database.url, 10)
    const checker = new Checker()
    const live = await node.events.feed.subscribe({ workspaceId })

    const writing = contend([node], workspaceId, ids, 60).then(() => appendOne(node, workspaceId))
    const end = writing.then((id) => node.events.feed.positionOf(id))
    const reading = (async () => {
      for await (const item of live) {
        checker.see(item)
        if (item.event.type === 'thing.happened') return
      }
    })()
    await end
    await reading
    await checker.compareWithRows(database.url)
    expect(checker.faults).toEqual([])
    expect(checker.outboxIds.size).toBeGreaterThanOrEqual(8 * 60 * 2)
    // The case itself occurred: somewhere an event with a lower id entered the log after one with a higher id.
    const [inverted] = await runSql<{ n: number }>(
      database.url,
      'select count(*)::int as n from (select outbox_id < max(outbox_id) over (order by position) as late from event_log) l where late',
    )
    expect(inverted?.n).toBeGreaterThan(0)
  })

  it('loses and doubles nothing when three sequencers in two processes compete', async () => {
    const [one, two] = [await open(), await open()]
    const child = await startSequencerProcess(database.url)
    const workspaceId = newId()
    const ids = await createRows(database.url, 10)
    const readers = [one, two].map((node) => ({ node, checker: new Checker(), batches: 0 }))
    for (const reader of readers) {
      reader.node.events.sequencer.onMoved(() => {
        reader.batches += 1
      })
    }
    const subscriptions = await Promise.all(readers.map(({ node }) => node.events.feed.subscribe({ workspaceId })))

    // The other process is frozen and thawed meanwhile: it must not sit on what the others need.
    const writing = contend([one, two], workspaceId, ids, 60)
    let done = false
    const freezing = (async () => {
      for (let frozen = true; !done; frozen = !frozen) {
        child.freeze(frozen)
        await jitter(200)
      }
      child.freeze(false)
    })()
    await writing.finally(() => {
      done = true
    })
    await freezing
    const end = await one.events.feed.positionOf(await appendOne(one, workspaceId))
    await Promise.all(
      readers.map(async ({ checker }, index) => {
        const items = subscriptions[index]
        if (items !== undefined) await readUntil(items, end, (item) => checker.see(item))
        await checker.compareWithRows(database.url)
      }),
    )
    const movedByChild = await child.stop()

    for (const { checker } of readers) expect(checker.faults).toEqual([])
    const [left] = await runSql<{ n: number }>(database.url, 'select count(*)::int as n from event_outbox')
    expect(left?.n).toBe(0)
    expect(readers[0]?.checker.outboxIds).toEqual(readers[1]?.checker.outboxIds)
    for (const batches of [...readers.map((reader) => reader.batches), movedByChild]) expect(batches).toBeGreaterThan(0)
  })

  it('holds nothing of a transaction that was rolled back', async () => {
    const node = await open()
    const workspaceId = newId()
    const before = node.events.feed.cursor()
    const failing = node.db.inTransaction(node.ctx(workspaceId), async (tx) => {
      appendEvents(tx, [{ type: 'thing.imagined', subject: { kind: 'thing', id: newId() } }])
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    const id = await appendOne(node, workspaceId)
    await node.events.feed.positionOf(id)
    const { items } = await node.events.feed.read({ workspaceId, from: before })
    expect(items.map(({ event }) => event.outboxId)).toEqual([id])
  })

  it('is not held up by a long writer, whose own events come when it commits', async () => {
    const node = await open()
    const workspaceId = newId()
    const items = await node.events.feed.subscribe({ workspaceId })
    let commit = () => {}
    const mayCommit = new Promise<void>((resolve) => {
      commit = resolve
    })
    let begun = () => {}
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve
    })
    const long = node.db.inTransaction(node.ctx(workspaceId), async (tx) => {
      appendEvents(tx, [{ type: 'thing.awaited', subject: { kind: 'thing', id: newId() } }])
      await lastEventOf(tx)
      begun()
      await mayCommit
    })
    await hasBegun
    // Enough for the sequencer to want a higher floor: the writer keeps it down.
    const passed: bigint[] = []
    for (let round = 0; round < 30; round++) {
      await node.db.inTransaction(node.ctx(workspaceId), async (tx) => {
        const subject = { kind: 'thing', id: newId() }
        appendEvents(
          tx,
          Array.from({ length: 100 }, () => ({ type: 'thing.happened', subject })),
        )
      })
      const { value } = await items.next()
      if (value) passed.push(value.event.outboxId)
      for (let rest = 1; rest < 100; rest++) await items.next()
    }
    expect(passed).toHaveLength(30)
    commit()
    await long
    const { value: last } = await items.next()
    expect(last?.event.type).toBe('thing.awaited')
    expect(last?.event.outboxId).toBeLessThan(passed[0] ?? 0n)
  })
})

/** A process that does nothing but sequence; `stop` tells in how many batches it moved something. */
async function startSequencerProcess(url: string): Promise<{ stop(): Promise<number>; freeze(frozen: boolean): void }> {
  const script = fileURLToPath(new URL('sequencer-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, url], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('ready')
  return {
    freeze: (frozen) => {
      child.kill(frozen ? 'SIGSTOP' : 'SIGCONT')
    },
    stop: async () => {
      child.stdin.end()
      const { value } = await lines.next()
      expect(await exited).toEqual([0, null])
      return Number(value)
    },
  }
}
