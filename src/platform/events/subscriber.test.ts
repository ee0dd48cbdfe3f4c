import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cursorExpired, isAppError } from '../lib/errors.ts'
import { type Epoch, resolveCursor } from './epoch.ts'
import type { PageQuery } from './log-reader.ts'
import { type LogRow, toItem } from './log-rows.ts'
import { Ring } from './ring.ts'
import { Subscriber } from './subscriber.ts'
import type { Tail, TailListener } from './tail.ts'

const WORKSPACE = 'w'
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const unused = () => {
  throw new Error('a subscriber does not ask for this')
}

const rowAt = (position: number, branch: string): LogRow => ({
  position: BigInt(position),
  outboxId: BigInt(position),
  workspaceId: WORKSPACE,
  type: 'thing.happened',
  subjectType: 'thing',
  subjectId: 'x',
  subjectVersion: null,
  actor: { kind: 'SYSTEM' },
  runId: null,
  causeId: null,
  depth: 0,
  data: { branch },
  changes: [],
  occurredAt: new Date(0),
  origin: {},
  erasedAt: null,
  jsonBytes: 10,
})

/** A log in memory, its tail, and time that passes only when the test lets it. */
class World {
  rows: LogRow[] = []
  branch = 'first'
  position = 0n
  /** What the database says; the tail learns of it when it is asked to. */
  stored: Epoch[] = [{ number: 1, startsAt: 0n }]
  known: readonly Epoch[] = [...this.stored]
  readonly listeners = new Set<TailListener>()
  readonly #ringBytes: number
  ring: Ring

  constructor(ringBytes: number) {
    this.#ringBytes = ringBytes
    this.ring = new Ring(ringBytes, 0n)
  }

  append(): void {
    this.rows.push(rowAt(this.rows.length + 1, this.branch))
  }

  /** The tail reads on by so many rows. */
  advance(count: number): void {
    this.learn()
    for (const row of this.rows.slice(Number(this.position), Number(this.position) + count)) {
      this.position = row.position
      const item = toItem(row, this.epoch.number)
      this.ring.push(item)
      for (const listener of this.listeners) listener.deliver(item)
    }
  }

  /** The database is replaced by a copy of itself as it was at `length`. */
  restore(length: number): void {
    this.rows = this.rows.slice(0, length)
    this.branch = 'second'
    this.stored = [...this.stored, { number: this.stored.length + 1, startsAt: BigInt(length) }]
  }

  get epoch(): Epoch {
    return this.known.at(-1) ?? unused()
  }

  learn(): readonly Epoch[] {
    const before = this.epoch
    this.known = [...this.stored]
    if (this.epoch.number !== before.number && this.position > this.epoch.startsAt) {
      this.position = this.epoch.startsAt
      this.ring = new Ring(this.#ringBytes, this.position)
      const listeners = [...this.listeners]
      this.listeners.clear()
      for (const listener of listeners) listener.end(cursorExpired('oldest'))
    }
    return this.known
  }

  tail(): Tail {
    const world = this
    return {
      get position() {
        return world.position
      },
      get epoch() {
        return world.epoch
      },
      attach: (_workspaceId, listener) => {
        world.listeners.add(listener)
        return () => world.listeners.delete(listener)
      },
      recent: (after, workspaceId) => world.ring.since(after, workspaceId),
      refreshEpochs: async () => {
        await turn()
        return world.learn()
      },
      reached: async (position) => {
        const { number } = world.epoch
        while (world.position < position) {
          resolveCursor({ epoch: number, position }, world.known, position)
          await turn()
        }
      },
      wake: unused,
      onAdvance: unused,
      resolve: unused,
      start: unused,
      stop: unused,
    }
  }

  /** Reads at some moment while others go on. */
  readonly readPage = async ({ above, limit }: PageQuery): Promise<readonly LogRow[]> => {
    await turn()
    const page = this.rows.filter(({ position }) => position > above).slice(0, limit)
    await turn()
    await turn()
    return page
  }

  subscribe(after: number, onLag: 'COALESCE' | 'DISCONNECT', maxBufferedEvents: number): Subscriber {
    const options = {
      workspaceId: WORKSPACE,
      filter: {},
      matches: undefined,
      maxBufferedEvents,
      maxBufferedBytes: 1_000_000,
      onLag,
      tail: this.tail(),
      readPage: this.readPage,
    }
    return new Subscriber(options, { epoch: this.epoch.number, position: BigInt(after) }, [])
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 150 }) }),
  fc.record({ kind: fc.constant('advance' as const), count: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant('read' as const), count: fc.integer({ min: 1, max: 120 }) }),
  fc.record({ kind: fc.constant('wait' as const), count: fc.integer({ min: 1, max: 6 }) }),
)
const history = fc.array(step, { minLength: 1, maxLength: 30 })
const ringBytes = fc.constantFrom(1, 5_000, 50_000, 1_000_000)
const bufferSize = fc.integer({ min: 1, max: 50 })

/** Plays the steps; reading goes on beside them, so many events at a time. */
async function play(world: World, steps: readonly { kind: string; count: number }[], subscriber: Subscriber) {
  const got: LogRow[] = []
  let allowance = 0
  let failure: unknown
  const reading = (async () => {
    try {
      for await (const { event } of subscriber) {
        got.push(rowAt(Number(event.position), String(event.data.branch)))
        while (allowance === 0) await turn()
        allowance -= 1
      }
    } catch (err) {
      failure = err
    }
  })()
  for (const { kind, count } of steps) {
    if (kind === 'append') for (let n = 0; n < count; n++) world.append()
    else if (kind === 'advance') world.advance(count)
    else if (kind === 'read') allowance += count
    else if (kind === 'restore') world.restore(Math.min(count, world.rows.length))
    else for (let n = 0; n < count; n++) await turn()
    await turn()
  }
  allowance = Number.POSITIVE_INFINITY
  world.append()
  const [last] = world.rows.slice(-1)
  const isAtEnd = (row: LogRow | undefined) =>
    row?.position === last?.position && JSON.stringify(row?.data) === JSON.stringify(last?.data)
  while (failure === undefined && !isAtEnd(got.at(-1))) {
    world.advance(1_000)
    await turn()
  }
  await subscriber.return()
  await reading
  return { got, failure }
}

describe('a subscriber', () => {
  it('gets every event once and in order, whatever the log, the tail and its reader do meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(history, ringBytes, bufferSize, fc.nat(40), async (steps, bytes, buffer, start) => {
        const world = new World(bytes)
        for (let n = 0; n < 40; n++) world.append()
        world.advance(40)
        const { got, failure } = await play(world, steps, world.subscribe(start, 'COALESCE', buffer))
        expect(failure).toBeUndefined()
        expect(got.map(({ position }) => position)).toEqual(world.rows.slice(start).map(({ position }) => position))
        expect(world.listeners.size).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it('of a log that is put back to an earlier place gets that log’s events, or is told CURSOR_EXPIRED', async () => {
    const restore = fc.record({ kind: fc.constant('restore' as const), count: fc.integer({ min: 0, max: 400 }) })
    await fc.assert(
      fc.asyncProperty(
        history,
        restore,
        history,
        ringBytes,
        bufferSize,
        async (before, restored, after, bytes, buffer) => {
          const world = new World(bytes)
          for (let n = 0; n < 40; n++) world.append()
          world.advance(40)
          const subscriber = world.subscribe(0, 'COALESCE', buffer)
          const { got, failure } = await play(world, [...before, restored, ...after], subscriber)
          const fork = world.epoch.startsAt
          if (failure === undefined) expect(got).toEqual(world.rows)
          else {
            if (!isAppError(failure) || failure.code !== 'CURSOR_EXPIRED') throw failure
            // It had been further than the new log shares with the old one, and everything up to there was right.
            const last = got.at(-1)?.position ?? 0n
            expect(last).toBeGreaterThan(fork)
            expect(got.every(({ data }) => (data as { branch: string }).branch === 'first')).toBe(true)
            expect(got.map(({ position }) => Number(position))).toEqual(got.map((_, index) => index + 1))
            expect(() => resolveCursor({ epoch: 1, position: last }, world.known, last)).toThrow()
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
