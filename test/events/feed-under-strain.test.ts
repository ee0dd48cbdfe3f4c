import { describe, expect, it } from 'vitest'
import { createEventFeed } from '../../src/platform/events/feed.ts'
import type { FeedItem } from '../../src/platform/events/log-rows.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { unavailable } from '../../src/platform/lib/errors.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { appendMany, appendOne, Checker, type Node, readUntil, take } from './log-world.ts'
import { openNodes } from './open-nodes.ts'

const { open } = openNodes()

/** The reader has begun: it has been shown an event, which the checker knows of. */
async function seesOne(node: Node, workspaceId: string, items: AsyncIterator<FeedItem>): Promise<Checker> {
  const checker = new Checker()
  const first = items.next()
  await appendOne(node, workspaceId)
  const { value } = await first
  if (value) checker.see(value)
  return checker
}

describe('a subscriber', () => {
  it('that is slow goes on from the log: its buffer stays bounded and nothing is missing', async () => {
    const node = await open({ ringBytes: 10_000 })
    const workspaceId = newId()
    const items = await node.events.feed.subscribe({ workspaceId, maxBufferedEvents: 5 })
    const checker = await seesOne(node, workspaceId, items)
    const end = await appendMany(node, workspaceId, 600)
    await node.events.feed.waitFor(end)
    await readUntil(items, end, (item) => checker.see(item))
    expect(checker.faults).toEqual([])
    expect(checker.outboxIds.size).toBe(602)
  })

  it('that is slow and asked to be disconnected gets what was kept for it, then LIMIT_EXCEEDED, and can resume', async () => {
    const node = await open()
    const workspaceId = newId()
    const items = await node.events.feed.subscribe({ workspaceId, maxBufferedEvents: 5, onLag: 'DISCONNECT' })
    const checker = await seesOne(node, workspaceId, items)
    const end = await appendMany(node, workspaceId, 50)
    await node.events.feed.waitFor(end)
    await expect(readUntil(items, end, (item) => checker.see(item))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
    expect(checker.outboxIds.size).toBe(6)
    const resumed = await node.events.feed.subscribe({ workspaceId, after: checker.lastCursor })
    await readUntil(resumed, end, (item) => checker.see(item))
    expect(checker.faults).toEqual([])
    expect(checker.outboxIds.size).toBe(52)
  })

  it('is bounded by bytes as well, and an event larger than its buffer still arrives', async () => {
    const node = await open()
    const workspaceId = newId()
    const items = await node.events.feed.subscribe({ workspaceId, maxBufferedBytes: 1_000 })
    const end = await appendMany(node, workspaceId, 3, { text: 'x'.repeat(20_000) })
    const checker = new Checker()
    await readUntil(items, end, (item) => checker.see(item))
    expect(checker.outboxIds.size).toBe(4)
  })

  it('that is ended while it waits ends at once, by its signal or by returning it', async () => {
    const node = await open()
    const workspaceId = newId()
    const abort = new AbortController()
    const bySignal = await node.events.feed.subscribe({ workspaceId, signal: abort.signal })
    const byReturn = await node.events.feed.subscribe({ workspaceId })
    const waiting = [bySignal.next(), byReturn.next()]
    abort.abort()
    await byReturn.return?.()
    expect(await Promise.all(waiting)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
  })

  it('that had left before it was served gets nothing, and takes no place', async () => {
    const node = await open()
    const workspaceId = newId()
    await appendMany(node, workspaceId, 3)
    const signal = AbortSignal.abort(new Error('left'))
    await expect(node.events.feed.subscribe({ workspaceId, last: 3, signal })).rejects.toThrow('left')
    const abort = new AbortController()
    const subscribing = node.events.feed.subscribe({ workspaceId, last: 3, signal: abort.signal })
    abort.abort()
    expect(await (await subscribing).next()).toEqual({ done: true, value: undefined })
  })

  it('outlives a database that is away for a while, and is told of any other fault', async () => {
    const node = await open({ ringBytes: 1 })
    const workspaceId = newId()
    const start = node.events.feed.cursor()
    const end = await appendMany(node, workspaceId, 3)
    await node.events.feed.waitFor(end)
    const faults: Error[] = [unavailable('away'), unavailable('still away')]
    const feed = createEventFeed({
      ...node.events,
      clock: systemClock,
      db: {
        ...node.db,
        read: (id, work) => {
          const fault = faults.shift()
          return fault === undefined ? node.db.read(id, work) : Promise.reject(fault)
        },
      },
    })
    const checker = new Checker()
    await readUntil(await feed.subscribe({ workspaceId, after: start }), end, (item) => checker.see(item))
    expect(checker.outboxIds.size).toBe(4)
    expect(faults).toEqual([])
    faults.push(new Error('a fault of ours'))
    const failing = await feed.subscribe({ workspaceId, after: start })
    await expect(failing.next()).rejects.toThrow('a fault of ours')
  })

  it('that leaves while it waits for its turn to read does not read any more', async () => {
    const node = await open({ ringBytes: 1 })
    const workspaceId = newId()
    const start = node.events.feed.cursor()
    await node.events.feed.waitFor(await appendMany(node, workspaceId, 3))
    let reads = 0
    let answer: () => void = () => {}
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    const feed = createEventFeed({
      ...node.events,
      clock: systemClock,
      db: {
        ...node.db,
        read: async (id, work) => {
          reads += 1
          await answered
          return node.db.read(id, work)
        },
      },
    })
    const readers = await Promise.all(Array.from({ length: 5 }, () => feed.subscribe({ workspaceId, after: start })))
    const asked = readers.map((reader) => reader.next())
    await expect.poll(() => reads).toBe(4)
    const left = readers.at(-1)?.return?.()
    answer()
    expect((await Promise.all(asked)).map(({ done }) => done === true)).toEqual([false, false, false, false, true])
    await left
    expect(reads).toBe(4)
    await Promise.all(readers.map((reader) => reader.return?.()))
  })

  it('is told UNAVAILABLE at shutdown, after everything that was kept for it', async () => {
    const node = await open()
    const workspaceId = newId()
    const items = await node.events.feed.subscribe({ workspaceId })
    const first = items.next()
    await appendOne(node, workspaceId)
    await first
    const end = await appendMany(node, workspaceId, 3)
    await node.events.feed.waitFor(end)
    await node.events.stop()
    await take(items, 4)
    await expect(items.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
