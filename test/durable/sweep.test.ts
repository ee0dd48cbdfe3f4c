import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createSweep, type Sweep } from '../../src/platform/durable/sweep.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { Slots } from '../../src/platform/lib/slots.ts'
import { testLog } from '../support/context.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { until } from './arrange.ts'

let database: TestDatabase
const pools: pg.Pool[] = []
let sweeps: Sweep[]

beforeAll(async () => {
  database = await createTestDatabase()
})
beforeEach(() => {
  sweeps = []
})
afterEach(() => Promise.all(sweeps.map((sweep) => sweep.stop())))
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()))
  await database.drop()
})

/** A sweep with connections of its own, as another process has them. */
function sweep(name: string, run: (signal: AbortSignal) => Promise<boolean>, everyMs = 10): Sweep {
  const system = new pg.Pool({ connectionString: database.url, options: '-c role=cadre_system', max: 2 })
  system.on('error', () => {})
  pools.push(system)
  const log = testLog.child({}, { level: 'silent' })
  const created = createSweep({ name, everyMs, system, log, clock: systemClock, run })
  sweeps.push(created)
  return created
}

test('of one name only one works at a time, whoever it is; another name is not kept waiting', async () => {
  let [atOnce, most, passes, others] = [0, 0, 0, 0]
  const pass = async () => {
    most = Math.max(most, ++atOnce)
    await systemClock.sleep(5)
    atOnce--
    passes++
    return false
  }
  for (let processes = 0; processes < 4; processes++) sweep('one', pass).start()
  const other = async () => {
    others++
    return false
  }
  sweep('other', other).start()
  await until(() => passes >= 20 && others >= 3)
  expect(most).toBe(1)
})

test('sweeps that share slots and a small pool never wait for each other’s connections', async () => {
  const system = new pg.Pool({ connectionString: database.url, options: '-c role=cadre_system', max: 2 })
  pools.push(system)
  const slots = new Slots(1)
  const passes = [0, 0, 0, 0]
  for (const index of passes.keys()) {
    const run = async () => {
      await system.query('select 1')
      passes[index] = (passes[index] ?? 0) + 1
      return false
    }
    const shared = { system, slots, log: testLog.child({}, { level: 'silent' }), clock: systemClock }
    const created = createSweep({ name: `shared ${index}`, everyMs: 1, ...shared, run })
    sweeps.push(created)
    created.start()
  }
  await until(() => passes.every((count) => count >= 3))
})

test('what left something undone goes on at once', async () => {
  let left = 5
  sweep('batches', async () => --left > 0, 3_600_000).start()
  await until(() => left === 0)
})

test('a pass that fails does not end the sweep, nor keep its lock', async () => {
  let passes = 0
  const failing = async () => {
    passes++
    throw new Error('not today')
  }
  sweep('failing', failing).start()
  await until(() => passes >= 2)
  let elsewhere = 0
  sweep('failing', async () => {
    elsewhere++
    return false
  }).start()
  await until(() => elsewhere > 0)
})

test('stopping lets the pass under way end, tells it, and begins no other', async () => {
  let [begun, ended] = [0, 0]
  const stopped = sweep('stopping', async (signal) => {
    begun++
    await systemClock.sleep(3_600_000, signal).catch(() => {})
    ended++
    return true
  })
  stopped.start()
  await until(() => begun === 1)
  await stopped.stop()
  expect([begun, ended]).toEqual([1, 1])
})
