import { spawn } from 'node:child_process'
import { once } from 'node:events'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ProcessPlace, placeOfThisProcess } from '../../src/platform/durable/process-place.ts'
import { Takeover } from '../../src/platform/durable/takeover.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { testLog } from '../support/context.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { count } from './arrange.ts'

const here = placeOfThisProcess()
const elsewhere: ProcessPlace = { host: 'another-host', bootId: 'another-boot', pid: 1, pidStart: '1' }
const LOCK_KEY = 4_711

let database: TestDatabase
let system: pg.Pool
let nowMs: number
let recovered: string[]

beforeEach(async () => {
  database = await createTestDatabase()
  system = new pg.Pool({ connectionString: database.url, options: '-c role=cadre_system' })
  system.on('error', () => {})
  nowMs = 1_000_000
  recovered = []
})
afterEach(async () => {
  await system.end()
  await database.drop()
})

const observer = (changes: { recover?: (executorId: string) => Promise<number> } = {}) =>
  new Takeover({
    system,
    executorId: newId(),
    here,
    log: testLog.child({}, { level: 'silent' }),
    clock: { ...systemClock, monotonicMs: () => nowMs },
    everyMs: 1_000,
    stillMs: 15_000,
    stillHeldMs: 45_000,
    recover: async (executorId) => {
      recovered.push(executorId)
      return 1
    },
    onTakenOver: () => {},
    ...changes,
  })

async function register(place: ProcessPlace, executorId = newId()): Promise<string> {
  const { host, bootId, pid, pidStart } = place
  await runSql(
    database.url,
    `INSERT INTO process (executor_id, host, boot_id, pid, pid_start, lock_key) VALUES ($1, $2, $3, $4, $5, $6)`,
    [executorId, host, bootId, pid, pidStart, LOCK_KEY],
  )
  return executorId
}

const beat = (executorId: string) =>
  runSql(database.url, 'UPDATE process SET counter = counter + 1 WHERE executor_id = $1', [executorId])

/** Looks once a second for so long. */
async function watch(takeover: Takeover, forMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += 1_000) {
    nowMs += 1_000
    await takeover.look()
  }
}

/** Holds the lock as a live connection would, until it is called. */
async function holdLock(): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY])
  return () => client.end()
}

describe('a process on another machine', () => {
  test('whose counter stands still is taken over after 15 s when its lock is free', async () => {
    const dead = await register(elsewhere)
    const takeover = observer()
    await takeover.look()
    await watch(takeover, 14_000)
    expect(recovered).toEqual([])
    await watch(takeover, 1_000)
    expect(recovered).toEqual([dead])
    expect(await count(database.url, 'process')).toBe(0)
  })

  test('whose connection stands is taken over after 45 s only', async () => {
    const stopped = await register(elsewhere)
    const letGo = await holdLock()
    const takeover = observer()
    await takeover.look()
    await watch(takeover, 44_000)
    expect(recovered).toEqual([])
    await watch(takeover, 1_000)
    expect(recovered).toEqual([stopped])
    await letGo()
  })

  test('is never taken over while its counter moves', async () => {
    const alive = await register(elsewhere)
    const takeover = observer()
    await takeover.look()
    for (let round = 0; round < 8; round++) {
      await watch(takeover, 14_000)
      await beat(alive)
    }
    expect(recovered).toEqual([])
  })

  test('that beats between the last look and the take-over is left alone', async () => {
    const alive = await register(elsewhere)
    const takeover = observer()
    await takeover.look()
    await watch(takeover, 14_000)
    nowMs += 1_000
    // The look that finds it still for 15 s reads the counter first; the beat lands right after that.
    const query = system.query.bind(system)
    const beatAfterReading = async (...args: Parameters<typeof query>) => {
      const result = await query(...args)
      await beat(alive)
      return result
    }
    system.query = beatAfterReading as typeof system.query
    await takeover.look()
    system.query = query
    expect(recovered).toEqual([])
    expect(await count(database.url, 'process')).toBe(1)
  })
})

describe('an observer that could not look', () => {
  test('begins anew after an outage of the database: nobody takes everybody', async () => {
    await register(elsewhere)
    await register({ ...elsewhere, host: 'a-third-host' })
    const takeover = observer()
    await takeover.look()
    await watch(takeover, 14_000)
    nowMs += 60_000
    await takeover.look()
    await watch(takeover, 14_000)
    expect(recovered).toEqual([])
    await watch(takeover, 1_000)
    expect(recovered).toHaveLength(2)
  })
})

describe('a process of this machine', () => {
  test('is taken over at once when its pid is gone', async () => {
    const child = spawn('true')
    await once(child, 'exit')
    const dead = await register({ ...here, pid: child.pid ?? 0, pidStart: '1' })
    const letGo = await holdLock()
    await observer().look()
    expect(recovered).toEqual([dead])
    await letGo()
  })

  test('is taken over at once when its pid is another process’s by now', async () => {
    const dead = await register({ ...here, pidStart: '1' })
    await observer().look()
    expect(recovered).toEqual([dead])
  })

  test('is left alone while its pid lives, and so is one of an earlier boot until it is seen to stand still', async () => {
    await register(here)
    await register({ ...here, bootId: 'an earlier boot', pid: 999_999 })
    await observer().look()
    expect(recovered).toEqual([])
  })
})

describe('two observers', () => {
  test('of one dead process: one takes it over', async () => {
    await register({ ...here, pidStart: '1' })
    await Promise.all(Array.from({ length: 8 }, () => observer().look()))
    expect(recovered).toHaveLength(1)
  })

  test('of whom the first dies in the middle: the second does it again', async () => {
    const dead = await register({ ...here, pidStart: '1' })
    const dying = observer({ recover: () => Promise.reject(new Error('killed in the middle')) })
    await expect(dying.look()).rejects.toThrow('killed in the middle')
    await observer().look()
    expect(recovered).toEqual([dead])
  })
})

test('segments of an executor without a row are found, after 15 s', async () => {
  const lost = newId()
  await runSql(
    database.url,
    `INSERT INTO dbos.workflow_status (workflow_uuid, status, name, queue_name, executor_id)
     VALUES ('w:r:1', 'PENDING', 'segment', 'runs', $1), ('w:r:2', 'SUCCESS', 'segment', 'runs', $2)`,
    [lost, newId()],
  )
  const takeover = observer()
  await takeover.look()
  await watch(takeover, 14_000)
  expect(recovered).toEqual([])
  await watch(takeover, 1_000)
  expect(recovered).toEqual([lost])
})
