import { describe, expect, it } from 'vitest'
import { toItem, type WeighedItem } from './log-rows.ts'
import { Ring } from './ring.ts'

const item = (position: number, workspaceId: string): WeighedItem => ({
  ...toItem(
    {
      position: BigInt(position),
      outboxId: BigInt(position),
      workspaceId,
      type: 'thing.happened',
      subjectType: 'thing',
      subjectId: 'x',
      subjectVersion: null,
      actor: { kind: 'SYSTEM' },
      runId: null,
      causeId: null,
      depth: 0,
      data: {},
      changes: [],
      occurredAt: new Date(0),
      origin: {},
      erasedAt: null,
      jsonBytes: 0,
    },
    1,
  ),
  bytes: 10,
})

const positions = (items: readonly WeighedItem[] | undefined) => items?.map(({ event }) => Number(event.position))

describe('the ring', () => {
  it('gives a workspace what it holds above a place, and says when it does not reach back that far', () => {
    const ring = new Ring(1_000, 5n)
    for (const position of [6, 8, 9, 12]) ring.push(item(position, position % 2 === 0 ? 'even' : 'odd'))
    expect(positions(ring.since(5n, 'even'))).toEqual([6, 8, 12])
    expect(positions(ring.since(8n, 'even'))).toEqual([12])
    expect(positions(ring.since(12n, 'even'))).toEqual([])
    expect(positions(ring.since(6n, 'odd'))).toEqual([9])
    expect(positions(ring.since(6n, 'nobody'))).toEqual([])
    expect(ring.since(4n, 'even')).toBeUndefined()
  })

  it('gives up its oldest when it is full, for every workspace alike', () => {
    const ring = new Ring(1_000, 0n)
    for (let position = 1; position <= 1_000; position++) ring.push(item(position, `w${position % 3}`))
    expect(ring.since(899n, 'w0')).toBeUndefined()
    const held = ['w0', 'w1', 'w2'].flatMap((workspaceId) => positions(ring.since(900n, workspaceId)) ?? [])
    expect(held.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => 901 + index))
  })

  it('that is too small for an event holds nothing and says so', () => {
    const ring = new Ring(5, 0n)
    ring.push(item(1, 'w'))
    expect(ring.since(0n, 'w')).toBeUndefined()
    expect(ring.since(1n, 'w')).toEqual([])
  })

  it('forgets one workspace and no other, and has room for what comes', () => {
    const ring = new Ring(100, 0n)
    for (let position = 1; position <= 10; position++) ring.push(item(position, position % 2 === 0 ? 'even' : 'odd'))
    ring.forget('even', 10n)
    ring.push(item(11, 'even'))
    expect(ring.since(9n, 'even')).toBeUndefined()
    expect(positions(ring.since(10n, 'even'))).toEqual([11])
    expect(positions(ring.since(0n, 'odd'))).toEqual([1, 3, 5, 7, 9])
    // Six of ten are held: four more give up nothing, and then the oldest goes first, whosever it is.
    for (let position = 12; position <= 15; position++) ring.push(item(position, 'other'))
    expect(positions(ring.since(0n, 'odd'))).toEqual([1, 3, 5, 7, 9])
    for (let position = 16; position <= 21; position++) ring.push(item(position, 'other'))
    expect(ring.since(10n, 'even')).toBeUndefined()
    expect(positions(ring.since(11n, 'even'))).toEqual([])
    expect(positions(ring.since(11n, 'other'))).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21])
  })

  it('forgets a workspace twice, one that it knows nothing of, and what it has given up meanwhile', () => {
    const ring = new Ring(100, 0n)
    ring.forget('nobody', 3n)
    for (let position = 4; position <= 20; position++) ring.push(item(position, 'w'))
    expect(positions(ring.since(10n, 'nobody'))).toEqual([])
    ring.forget('w', 20n)
    ring.forget('w', 20n)
    expect(ring.since(19n, 'w')).toBeUndefined()
    for (let position = 21; position <= 30; position++) ring.push(item(position, 'w'))
    expect(positions(ring.since(20n, 'w'))?.length).toBe(10)
  })
})
