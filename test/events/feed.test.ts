import { describe, expect, it } from 'vitest'
import { appendEvents } from '../../src/platform/events/append.ts'
import { formatCursor, parseCursor } from '../../src/platform/events/cursor.ts'
import type { FeedItem } from '../../src/platform/events/log-rows.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { appendMany, appendOne, bump, Checker, createRows, readUntil, take } from './log-world.ts'
import { openNodes } from './open-nodes.ts'

const { database, open } = openNodes()

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
