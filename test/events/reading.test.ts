import { describe, expect, it } from 'vitest'
import { appendEvents } from '../../src/platform/events/append.ts'
import { type Clock, systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { runSql } from '../support/sql.ts'
import { holdSequencing } from './hold-sequencing.ts'
import { appendMany, appendOne } from './log-world.ts'
import { openNodes } from './open-nodes.ts'

const { database, open } = openNodes()

/** Time in which nobody gives up waiting: sleeps end only by their signal. */
const patient: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms >= 400 ? 2 ** 31 - 1 : ms, signal),
}

describe('the cursor of a commit', () => {
  it('is the place of its last event: a reader from there sees what comes after it and nothing before', async () => {
    const node = await open()
    const workspaceId = newId()
    const ids = await Promise.all(Array.from({ length: 30 }, () => appendOne(node, workspaceId)))
    const cursors = await Promise.all(ids.map((id) => node.events.feed.positionOf(id)))
    expect(new Set(cursors).size).toBe(30)
    await node.events.feed.waitFor(cursors.toSorted().at(-1) ?? '')
    expect(node.events.feed.cursor() >= (cursors.toSorted().at(-1) ?? '')).toBe(true)
    const [id, cursor] = [ids[7] ?? 0n, cursors[7] ?? '']
    expect((await node.events.feed.findMany(workspaceId, [id])).get(id)?.cursor).toBe(cursor)
    expect((await node.events.feed.findMany(newId(), [id])).size).toBe(0)
  })

  it('is refused for an event that was not committed', async () => {
    const node = await open()
    await expect(node.events.feed.positionOf(999_999_999n)).rejects.toThrow('was not committed')
  })
})

describe('a page of the log', () => {
  it('pages forwards and backwards through the same events in the same order', async () => {
    const node = await open()
    const workspaceId = newId()
    const from = node.events.feed.cursor()
    const ids: bigint[] = []
    for (let n = 0; n < 23; n++) ids.push(await appendOne(node, workspaceId, n % 2 === 0 ? 'a.done' : 'b.done'))
    const to = await node.events.feed.positionOf(ids.at(-1) ?? 0n)
    await appendOne(node, workspaceId, 'a.done')

    const forwards: bigint[] = []
    let after: string | undefined
    for (;;) {
      const page = await node.events.feed.read({ workspaceId, from, to, first: 10, after })
      forwards.push(...page.items.map(({ event }) => event.outboxId))
      expect(page.hasPreviousPage).toBe(after !== undefined)
      after = page.items.at(-1)?.cursor
      if (!page.hasNextPage) break
    }
    expect(forwards).toEqual(ids)

    const backwards: bigint[] = []
    let before: string | undefined
    for (;;) {
      const page = await node.events.feed.read({ workspaceId, from, to, last: 10, before })
      backwards.unshift(...page.items.map(({ event }) => event.outboxId))
      before = page.items[0]?.cursor
      if (!page.hasPreviousPage) break
    }
    expect(backwards).toEqual(ids)
  })

  it('lies between the nearer of two ends on either side', async () => {
    const node = await open()
    const workspaceId = newId()
    const cursors: string[] = []
    for (let n = 0; n < 5; n++) cursors.push(await node.events.feed.positionOf(await appendOne(node, workspaceId)))
    const [first = '', second = '', , fourth = '', fifth = ''] = cursors
    for (const ends of [
      { after: first, from: second, before: fifth, to: fifth },
      { after: second, from: first, before: fifth, to: fourth },
    ]) {
      const page = await node.events.feed.read({ workspaceId, ...ends })
      expect(page.items.map(({ cursor }) => cursor)).toEqual(cursors.slice(2, 4))
    }
    const none = await node.events.feed.read({ workspaceId, first: 0 })
    expect(none).toEqual({ items: [], hasNextPage: true, hasPreviousPage: false })
  })

  it('of scopes has what lies in any of them, once and in order, from either end', async () => {
    const node = await open()
    const workspaceId = newId()
    const [subject, other, runId] = [{ kind: 'thing', id: newId() }, { kind: 'thing', id: newId() }, newId()]
    await node.db.inTransaction(node.ctx(workspaceId), (tx) =>
      appendEvents(tx, [
        { type: 'a.done', subject, data: { n: 1 } },
        { type: 'b.done', subject: other, runId, data: { n: 2 } },
        { type: 'b.done', subject, runId, data: { n: 3 } },
        { type: 'b.done', subject: other, data: { n: 4 } },
        { type: 'a.done', subject: other, data: { n: 5 } },
      ]),
    )
    await node.events.sequencer.sequencePass()
    const scopes = [{ subject }, { subject: other, type: 'a.done' }, { runId }]
    const numbers = async (ends: { first?: number; last?: number }) =>
      (await node.events.feed.read({ workspaceId, scopes, ...ends })).items.map(({ event }) => event.data.n)
    expect(await numbers({})).toEqual([1, 2, 3, 5])
    expect(await numbers({ first: 2 })).toEqual([1, 2])
    expect(await numbers({ last: 2 })).toEqual([3, 5])
    expect((await node.events.feed.read({ workspaceId: newId(), scopes })).items).toEqual([])
    expect((await node.events.feed.read({ workspaceId, scopes: [] })).items).toEqual([])
  })

  it('finds rare types among many, in order, in whichever direction', async () => {
    const node = await open()
    const workspaceId = newId()
    const rare: bigint[] = []
    for (let n = 0; n < 3; n++) {
      await appendMany(node, workspaceId, 100)
      rare.push(await appendOne(node, workspaceId, n % 2 === 0 ? 'rare.seen' : 'rarer.seen'))
    }
    await node.events.sequencer.sequencePass()
    const filter = { types: ['rare.seen', 'rarer.seen', 'never.seen'] }
    for (const page of [{ first: 2 }, { last: 2 }]) {
      const { items } = await node.events.feed.read({ workspaceId, filter, ...page })
      expect(items.map(({ event }) => event.outboxId)).toEqual(page.first ? rare.slice(0, 2) : rare.slice(1))
    }
    expect((await node.events.feed.read({ workspaceId, filter: { types: [] } })).items).toEqual([])
  })

  it('refuses `first` together with `last`, and what is no cursor', async () => {
    const { events } = await open()
    const workspaceId = newId()
    await expect(events.feed.read({ workspaceId, first: 1, last: 1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(events.feed.read({ workspaceId, before: 'x' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: { issues: [{ path: ['before'] }] },
    })
  })
})

describe('who has changed something and catches up', () => {
  it('waits for what this process has committed, until it is in the log', async () => {
    const node = await open({ clock: patient })
    const workspaceId = newId()
    const { letGo } = await holdSequencing(node.db)
    const id = await appendOne(node, workspaceId)
    const caughtUp = node.events.feed.ownChangesLogged()
    const first = await Promise.race([caughtUp.then(() => 'caught up'), systemClock.sleep(50).then(() => 'waits')])
    expect(first).toBe('waits')
    await letGo()
    await caughtUp
    expect((await node.events.feed.findMany(workspaceId, [id])).size).toBe(1)
  })

  it('waits for nothing where this process has committed nothing more, whatever others do', async () => {
    const [node, other] = [await open({ clock: patient }), await open()]
    const workspaceId = newId()
    await appendOne(node, workspaceId)
    await node.events.sequencer.sequencePass()
    const { letGo } = await holdSequencing(node.db)
    await appendOne(other, workspaceId)
    await node.events.feed.ownChangesLogged()
    await letGo()
  })

  it('waits for no other pass than the one under way, where that has begun after the commit', async () => {
    const node = await open({ clock: patient })
    const workspaceId = newId()
    // A first look follows the start by itself.
    await node.events.sequencer.sequencePass()
    const { awaited, letGo } = await holdSequencing(node.db)
    const id = await appendOne(node, workspaceId)
    await awaited()
    // Held again behind that pass: another one would not come to its end.
    const heldAgain = holdSequencing(node.db)
    const caughtUp = Array.from({ length: 20 }, () => node.events.feed.ownChangesLogged())
    await letGo()
    await Promise.all(caughtUp)
    expect((await node.events.feed.findMany(workspaceId, [id])).size).toBe(1)
    expect(node.events.sequencer.isBehind).toBe(false)
    await (await heldAgain).letGo()
  })

  it('does not wait while nothing can be moved into the log', async () => {
    const node = await open({ clock: patient })
    await runSql(database.url, 'alter table event_log rename to event_log_away')
    const id = await appendOne(node, newId())
    await expect(node.events.sequencer.sequencePass()).rejects.toThrow(/event_log/)
    await node.events.feed.ownChangesLogged()
    expect(node.events.sequencer.isBehind).toBe(false)
    await runSql(database.url, 'alter table event_log_away rename to event_log')
    await expect.poll(() => node.events.feed.positionOf(id).catch(() => '')).not.toBe('')
  })

  it('gives up where nothing is moved into the log', async () => {
    const impatient: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) }
    const node = await open({ clock: impatient })
    const { letGo } = await holdSequencing(node.db)
    const workspaceId = newId()
    const id = await appendOne(node, workspaceId)
    await node.events.feed.ownChangesLogged()
    expect((await node.events.feed.findMany(workspaceId, [id])).size).toBe(0)
    await letGo()
  })
})
