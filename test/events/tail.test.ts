import type pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from '../../src/platform/db/database.ts'
import { createTail, type Tail, type TailListener } from '../../src/platform/events/tail.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import type { AppError } from '../../src/platform/lib/errors.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { openDatabase } from '../support/context.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const WORKSPACE = newId()

let database: TestDatabase
let db: Database
let lines: string[] = []
const tails: Tail[] = []

beforeEach(async () => {
  database = await createTestDatabase()
  db = openDatabase(database.url)
  lines = []
})
afterEach(async () => {
  await Promise.all(tails.splice(0).map((tail) => tail.stop()))
  await db.close()
  await database.drop()
})

function newTail(system: pg.Pool = db.system): Tail {
  const log = createLogger({ level: 'info', format: 'json', stream: { write: (line) => void lines.push(line) } })
  const tail = createTail({ system, log, clock: systemClock })
  tails.push(tail)
  return tail
}

/** What a sequencer leaves behind: another process's, say. */
const openEpoch = (number: number, startsAt: number) =>
  runSql(
    database.url,
    `insert into event_epoch (number, system_identifier, timeline, starts_at) values ($1, 'here', 1, $2)`,
    [number, startsAt],
  )
const append = (count: number) =>
  runSql(
    database.url,
    `insert into event_log (outbox_id, workspace_id, type, subject_type, subject_id, actor, depth, data, changes, origin,
                            occurred_at, salt, digest, hash, actor_kind)
     select nextval('event_outbox_id_seq'), $1, 'thing.happened', 'thing', $1, '{"kind":"SYSTEM"}', 0, '{}', '[]', '{}',
            now(), substr(sha256(''), 1, 16), sha256(''), sha256(''), 'SYSTEM' from generate_series(1, $2)`,
    [WORKSPACE, count],
  )
/** The log ends at an earlier place, as in a backup, and goes on under another epoch. */
async function restore(to: number, epoch: number): Promise<void> {
  await runSql(database.url, 'delete from event_log where position > $1', [to])
  await runSql(database.url, `select setval('event_log_position_seq', $1, $2)`, [Math.max(to, 1), to > 0])
  await openEpoch(epoch, to)
}

function listener(onDeliver: () => void = () => {}) {
  const positions: bigint[] = []
  const ends: AppError[] = []
  const listening: TailListener = {
    deliver: ({ event }) => {
      positions.push(event.position)
      onDeliver()
    },
    end: (reason) => void ends.push(reason),
  }
  return { listening, positions, ends }
}

const said = (text: string): number => lines.filter((line) => line.includes(text)).length

describe('the tail of a log', () => {
  it('is not followed before there is an epoch: positions would mean nothing', async () => {
    const tail = newTail()
    expect(() => tail.epoch).toThrow('the tail was not started')
    await expect(tail.start()).rejects.toThrow('the sequencer starts before the tail')
  })

  it('tells those who wait for a place as soon as it was read, and only them', async () => {
    await openEpoch(100, 0)
    await append(3)
    const tail = newTail()
    await tail.start()
    expect(tail.position).toBe(3n)
    await tail.reached(3n)
    const abort = new AbortController()
    const later = tail.reached(5n, abort.signal)
    const next = tail.reached(4n)
    await append(1)
    tail.wake()
    await next
    abort.abort(new Error('left'))
    await expect(later).rejects.toThrow('left')
    await expect(tail.reached(5n, abort.signal)).rejects.toThrow('left')
  })

  it('is left at once by whoever waits when it is stopped, and by whoever comes after that', async () => {
    await openEpoch(100, 0)
    const tail = newTail()
    await tail.start()
    const { listening, ends } = listener()
    tail.attach(WORKSPACE, listening)
    const waiting = tail.reached(1n).catch((err) => err)
    await tail.stop()
    expect(await waiting).toMatchObject({ code: 'UNAVAILABLE' })
    await expect(tail.reached(1n)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(ends).toMatchObject([{ code: 'UNAVAILABLE' }])
  })

  it('is read no further than the batch at hand when it is stopped in the middle of many events', async () => {
    await openEpoch(100, 0)
    const tail = newTail()
    await tail.start()
    let stopping: Promise<void> | undefined
    const { listening, positions } = listener(() => {
      stopping ??= tail.stop()
    })
    tail.attach(WORKSPACE, listening)
    await append(1_200)
    tail.wake()
    await expect.poll(() => positions.length).toBeGreaterThan(0)
    await stopping
    expect(positions).toHaveLength(500)
    expect(tail.position).toBe(500n)
  })

  it('that turns out to be of an unknown epoch is not read until the epoch is known, and each time it is said', async () => {
    await openEpoch(100, 0)
    const tail = newTail()
    await tail.start()
    const { listening, positions, ends } = listener()
    tail.attach(WORKSPACE, listening)
    await runSql(database.url, 'delete from event_epoch')
    await append(2)
    tail.wake()
    await expect.poll(() => said('the log belongs to epoch null, which is unknown')).toBeGreaterThan(1)
    expect(positions).toEqual([])
    await openEpoch(100, 0)
    await tail.reached(2n)
    expect(positions).toEqual([1n, 2n])
    expect(ends).toEqual([])
    await expect.poll(() => said('the event log is read again')).toBe(1)
  })
})

describe('a log that was put back to an earlier place', () => {
  it('goes on where the histories part: who listened or waits beyond is told CURSOR_EXPIRED and let go', async () => {
    await openEpoch(100, 0)
    await append(5)
    const tail = newTail()
    await tail.start()
    const { listening, positions, ends } = listener()
    tail.attach(WORKSPACE, listening)
    const waiting = tail.reached(9n).catch((err) => err)
    await restore(3, 200)
    await append(1)
    await expect.poll(() => tail.epoch.number).toBe(200)
    expect(await waiting).toMatchObject({ code: 'CURSOR_EXPIRED' })
    expect(ends).toMatchObject([{ code: 'CURSOR_EXPIRED' }])
    await tail.reached(4n)
    expect(positions).toEqual([])
    // What memory holds is of the new course only.
    expect(tail.recent(2n, WORKSPACE)).toBeUndefined()
    expect(tail.recent(3n, WORKSPACE)).toHaveLength(1)
    await expect(tail.resolve({ epoch: 100, position: 3n })).resolves.toEqual({ epoch: 200, position: 3n })
    await expect(tail.resolve({ epoch: 100, position: 4n })).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
  })

  it('does not disturb who had read no further than both have in common', async () => {
    await openEpoch(100, 0)
    await append(3)
    const tail = newTail()
    await tail.start()
    const { listening, positions, ends } = listener()
    tail.attach(WORKSPACE, listening)
    await openEpoch(200, 3)
    await append(2)
    tail.wake()
    await expect.poll(() => positions).toEqual([4n, 5n])
    expect(tail.epoch.number).toBe(200)
    expect(ends).toEqual([])
  })

  it('lets wait who waits for a place before the histories part, though the tail itself was not there yet', async () => {
    await openEpoch(100, 0)
    const tail = newTail()
    await tail.start()
    const before = tail.reached(2n)
    const beyond = tail.reached(8n).catch((err) => err)
    await openEpoch(200, 3)
    expect(await beyond).toMatchObject({ code: 'CURSOR_EXPIRED' })
    await append(3)
    await before
    expect(tail.epoch.number).toBe(200)
  })

  it('and never had the epoch that was read is another log: it is followed from the beginning of its epoch', async () => {
    await openEpoch(100, 0)
    await append(5)
    const tail = newTail()
    await tail.start()
    const { listening, ends } = listener()
    tail.attach(WORKSPACE, listening)
    await runSql(database.url, 'begin; delete from event_epoch; delete from event_log; commit')
    await restore(0, 300)
    await append(1)
    await expect.poll(() => tail.epoch.number).toBe(300)
    expect(ends).toMatchObject([{ code: 'CURSOR_EXPIRED' }])
    await tail.reached(1n)
    await expect(tail.resolve({ epoch: 100, position: 1n })).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' })
  })
})
