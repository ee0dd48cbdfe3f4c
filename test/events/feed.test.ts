import { describe, expect, it } from 'vitest'
import { appendEvents } from '../../src/platform/events/append.ts'
import { formatCursor, parseCursor } from '../../src/platform/events/cursor.ts'
import { createEventFeed } from '../../src/platform/events/feed.ts'
import type { FeedItem } from '../../src/platform/events/log-rows.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { unavailable } from '../../src/platform/lib/errors.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { appendMany, appendOne, bump, Checker, createRows, readUntil } from './log-world.ts'
import { openNodes } from './open-nodes.ts'

const { database, open } = openNodes()

async function take(items: AsyncIterator<FeedItem>, count: number): Promise<FeedItem[]> {
  const taken: FeedItem[] = []
  while (taken.length < count) {
    const { value, done } = await items.next()
    if (done === true) throw new Error('the stream ended')
    taken.push(value)
  }
  return taken
}

describe('a subscriber', () => {
  it('that stops and resumes at its cursor again and again misses nothing and sees nothing twice', async () => {
    // A memory of 20 KB makes most resumptions read the log, some not.
    const node = await open({ ringBytes: 20_000 })
    const workspaceId = newId()
    const ids = await createRows(database.url, 4)
    const start = node.events.feed.cursor()
    let writing = true
    const writers = ids.map(async (id) => {
      for (let round = 0; round < 250; round++) {
        await node.db.inTransaction(node.ctx(workspaceId), (tx) => bump(tx, id))
      }
    })
    const checker = new Checker()
    const end = Promise.all(writers).then(async () => {
      const cursor = await node.events.feed.positionOf(await appendOne(node, workspaceId))
      writing = false
      return cursor
    })
    let cursor = start
    let resumptions = 0
    const read = async (until: (item: FeedItem) => boolean) => {
      for await (const item of await node.events.feed.subscribe({ workspaceId, after: cursor })) {
        checker.see(item)
        cursor = item.cursor
        if (until(item)) break
      }
      resumptions += 1
    }
    while (writing) {
      const wanted = 1 + Math.floor(Math.random() * 40)
      let got = 0
      await read((item) => ++got >= wanted || item.event.type === 'thing.happened')
      if (checker.outboxIds.size > 1000) break
    }
    const last = await end
    if (cursor < last) await read((item) => item.cursor >= last)
    await checker.compareWithRows(database.url)
    expect(checker.faults).toEqual([])
    expect(checker.outboxIds.size).toBe(1001)
    expect(resumptions).toBeGreaterThan(10)
  })

  it('gets what was committed after it subscribed, though it asked for nothing yet', async () => {
    const node = await open({ ringBytes: 1 })
    const workspaceId = newId()
    const items = await node.events.feed.subscribe({ workspaceId })
    const end = await appendMany(node, workspaceId, 250)
    const checker = new Checker()
    await readUntil(items, end, (item) => checker.see(item))
    expect(checker.outboxIds.size).toBe(251)
    expect(checker.faults).toEqual([])
  })

  it('gets the last events that match and then what comes, without a gap', async () => {
    const node = await open()
    const workspaceId = newId()
    for (const type of ['a.done', 'b.done', 'a.done', 'b.done', 'a.done']) await appendOne(node, workspaceId, type)
    await node.events.sequencer.sequencePass()
    const items = await node.events.feed.subscribe({ workspaceId, last: 2, filter: { types: ['a.done'] } })
    await appendOne(node, workspaceId, 'b.done')
    await appendOne(node, workspaceId, 'a.done', { live: true })
    const got = await take(items, 3)
    expect(got.map(({ event }) => event.type)).toEqual(['a.done', 'a.done', 'a.done'])
    expect(got.map(({ event }) => event.data)).toEqual([{}, {}, { live: true }])
  })

  it('gets as many of the last events as its buffer holds, the newest, and one however large it is', async () => {
    const node = await open()
    const workspaceId = newId()
    for (const n of [1, 2, 3, 4]) await appendOne(node, workspaceId, 'a.done', { n, text: 'x'.repeat(1_000) })
    await node.events.sequencer.sequencePass()
    const items = await node.events.feed.subscribe({
      workspaceId,
      last: 4,
      filter: { types: ['a.done', 'end.done'] },
      maxBufferedBytes: 8_000,
    })
    await appendOne(node, workspaceId, 'end.done')
    expect((await take(items, 3)).map(({ event }) => event.data.n)).toEqual([3, 4, undefined])
    const wanted = await node.events.feed.subscribe({
      workspaceId,
      last: 5,
      maxBufferedBytes: 1,
      matches: ({ data }) => data.n === 2 || data.n === 3,
    })
    expect((await take(wanted, 1))[0]?.event.data.n).toBe(3)
    await appendOne(node, workspaceId, 'a.done', { n: 2, live: true })
    expect((await take(wanted, 1))[0]?.event.data).toEqual({ n: 2, live: true })
  })

  it('gets what comes where there are no last events yet', async () => {
    const node = await open()
    const workspaceId = newId()
    const items = await node.events.feed.subscribe({ workspaceId, last: 10 })
    const id = await appendOne(node, workspaceId)
    expect((await take(items, 1))[0]?.event.outboxId).toBe(id)
  })

  it('gets the last events of the log, also those that its process has not come to yet, once', async () => {
    const writer = await open()
    // Its tail reads no further than it has.
    const deaf = await open()
    await deaf.events.tail.stop()
    const workspaceId = newId()
    const end = await appendMany(writer, workspaceId, 2)
    const items = await deaf.events.feed.subscribe({ workspaceId, last: 2 })
    const got = await take(items, 2)
    expect(got.at(-1)?.cursor).toBe(end)
    await items.return?.()
  })

  it('that names a cursor and a number of last events is served from the cursor', async () => {
    const node = await open()
    const workspaceId = newId()
    const first = await node.events.feed.positionOf(await appendOne(node, workspaceId))
    await appendOne(node, workspaceId, 'b.done')
    await appendOne(node, workspaceId, 'c.done')
    const items = await node.events.feed.subscribe({ workspaceId, after: first, last: 1 })
    expect((await take(items, 2)).map(({ event }) => event.type)).toEqual(['b.done', 'c.done'])
  })

  it('sees its workspace only, live and from the log', async () => {
    const node = await open({ ringBytes: 1 })
    const [mine, theirs] = [newId(), newId()]
    const start = node.events.feed.cursor()
    const live = await node.events.feed.subscribe({ workspaceId: mine })
    await appendMany(node, theirs, 20)
    const end = await appendMany(node, mine, 5)
    for (const items of [live, await node.events.feed.subscribe({ workspaceId: mine, after: start })]) {
      const seen: string[] = []
      await readUntil(items, end, ({ event }) => seen.push(event.workspaceId))
      expect(seen).toEqual(Array(6).fill(mine))
    }
  })

  it('filters by subject, run and a condition of its own, live and from the log', async () => {
    const node = await open({ ringBytes: 1 })
    const workspaceId = newId()
    const [subject, runId] = [{ kind: 'thing', id: newId() }, newId()]
    const start = node.events.feed.cursor()
    const live = await Promise.all([
      node.events.feed.subscribe({ workspaceId, filter: { subject } }),
      node.events.feed.subscribe({ workspaceId, filter: { runId } }),
      node.events.feed.subscribe({ workspaceId, matches: (event) => event.data.wanted === true }),
    ])
    const wanted = { wanted: true }
    await node.db.inTransaction(node.ctx(workspaceId), (tx) =>
      appendEvents(tx, [
        { type: 'a.done', subject: { kind: 'other', id: subject.id } },
        { type: 'a.done', subject, data: { n: 1 } },
        { type: 'a.done', subject: { kind: 'thing', id: newId() }, runId, data: { n: 2 } },
        { type: 'a.done', subject: { kind: 'thing', id: newId() }, data: { n: 3, ...wanted } },
      ]),
    )
    await node.events.feed.waitFor(await node.events.feed.positionOf(await appendOne(node, workspaceId)))
    const fromLog = await Promise.all([
      node.events.feed.subscribe({ workspaceId, after: start, filter: { subject } }),
      node.events.feed.subscribe({ workspaceId, after: start, filter: { runId } }),
      node.events.feed.subscribe({ workspaceId, after: start, matches: (event) => event.data.wanted === true }),
    ])
    for (const subscriptions of [live, fromLog]) {
      const got = await Promise.all(subscriptions.map(async (items) => (await take(items, 1))[0]?.event.data.n))
      expect(got).toEqual([1, 2, 3])
    }
  })

  it('that is slow goes on from the log: its buffer stays bounded and nothing is missing', async () => {
    const node = await open({ ringBytes: 10_000 })
    const workspaceId = newId()
    const items = await node.events.feed.subscribe({ workspaceId, maxBufferedEvents: 5 })
    const checker = new Checker()
    const first = items.next()
    await appendOne(node, workspaceId)
    const { value } = await first
    if (value) checker.see(value)
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
    const first = items.next()
    await appendOne(node, workspaceId)
    const checker = new Checker()
    const { value } = await first
    if (value) checker.see(value)
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

  it('with something that is no cursor is refused before anything is streamed', async () => {
    const node = await open()
    const workspaceId = newId()
    const current = node.events.feed.cursor()
    for (const after of ['', '42', current.toUpperCase().replace(/^0/, 'A'), `${current}0`, ` ${current}`]) {
      await expect(node.events.feed.subscribe({ workspaceId, after })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
  })

  it('with a cursor above the head is told CURSOR_EXPIRED and a cursor that works', async () => {
    const node = await open()
    const workspaceId = newId()
    await appendMany(node, workspaceId, 2)
    const { epoch, position } = parseCursor(node.events.feed.cursor())
    const refused = node.events.feed.subscribe({ workspaceId, after: formatCursor({ epoch, position: position + 9n }) })
    const error = await refused.catch((err) => err)
    expect(error).toMatchObject({ code: 'CURSOR_EXPIRED' })
    const items = await node.events.feed.subscribe({ workspaceId, after: error.details.oldest })
    expect(await take(items, 3)).toHaveLength(3)
  })

  it('with a cursor from a process that is ahead is served what comes after it', async () => {
    const [ahead, behind] = [await open(), await open()]
    const workspaceId = newId()
    const cursor = await ahead.events.feed.positionOf(await appendOne(ahead, workspaceId, 'a.done'))
    const items = await behind.events.feed.subscribe({ workspaceId, after: cursor })
    await appendOne(ahead, workspaceId, 'b.done')
    expect((await take(items, 1))[0]?.event.type).toBe('b.done')
  })

  it('hears at once of what another process committed', async () => {
    const [writer, reader] = [await open(), await open()]
    const workspaceId = newId()
    const items = await reader.events.feed.subscribe({ workspaceId })
    for (let round = 0; round < 20; round++) {
      const id = await appendOne(writer, workspaceId)
      expect((await take(items, 1))[0]?.event.outboxId).toBe(id)
    }
  })
})
