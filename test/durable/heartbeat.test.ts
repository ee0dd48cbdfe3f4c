import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { Heartbeat } from '../../src/platform/durable/heartbeat.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { testLog } from '../support/context.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { count, until } from './arrange.ts'

let database: TestDatabase
let executorId: string
let declaredDead: number
let heartbeat: Heartbeat

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(() => {
  executorId = newId()
  declaredDead = 0
  heartbeat = new Heartbeat({
    systemUrl: database.url,
    executorId,
    log: testLog.child({}, { level: 'silent' }),
    clock: systemClock,
    everyMs: 20,
    freshMs: 5_000,
    onDeclaredDead: () => {
      declaredDead++
    },
  })
})
afterEach(() => heartbeat.stop({ leave: true }))

interface Row {
  readonly counter: string
  readonly locked: boolean
}
async function row(): Promise<Row | undefined> {
  const rows = await runSql<Row>(
    database.url,
    `SELECT counter::text, EXISTS (
              SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                 AND ((classid::bigint << 32) | objid::bigint) = lock_key) AS locked
       FROM process WHERE executor_id = $1`,
    [executorId],
  )
  return rows[0]
}
const counts = async (from: string) => BigInt((await row())?.counter ?? 0) > BigInt(from)

test('raises its counter and holds its lock', async () => {
  expect(heartbeat.isFresh()).toBe(false)
  await heartbeat.start()
  expect(await row()).toMatchObject({ locked: true })
  await until(() => counts('3'))
  expect(heartbeat.isFresh()).toBe(true)
})

test('takes its lock again and counts on when its connection was cut', async () => {
  await heartbeat.start()
  await until(() => counts('1'))
  const before = (await row())?.counter ?? ''
  await runSql(
    database.url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'cadre-heartbeat' AND datname = current_database()`,
  )
  await until(() => counts(before))
  await until(async () => (await row())?.locked === true)
  expect(declaredDead).toBe(0)
})

test('notices that it was taken for dead, says so, and registers anew', async () => {
  await heartbeat.start()
  await runSql(database.url, 'DELETE FROM process WHERE executor_id = $1', [executorId])
  await until(() => declaredDead === 1)
  await until(() => counts('1'))
  expect(declaredDead).toBe(1)
  expect(await row()).toMatchObject({ locked: true })
  expect(heartbeat.isFresh()).toBe(true)
})

test('leaves no row and no lock behind when it is told to leave', async () => {
  await heartbeat.start()
  await heartbeat.stop({ leave: true })
  expect(await row()).toBeUndefined()
  expect(
    await count(
      database.url,
      `pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    ),
  ).toBe(0)
})

test('keeps its row when others have something to take over', async () => {
  await heartbeat.start()
  await heartbeat.stop({ leave: false })
  expect(await row()).toMatchObject({ locked: false })
})

test('does not start where the database is not', async () => {
  const nowhere = new Heartbeat({
    systemUrl: 'postgres://nobody@127.0.0.1:1/none',
    executorId,
    log: testLog,
    clock: systemClock,
    everyMs: 20,
    freshMs: 5_000,
    onDeclaredDead: () => {},
  })
  await expect(nowhere.start()).rejects.toThrow('ECONNREFUSED')
  await nowhere.stop({ leave: true })
})
