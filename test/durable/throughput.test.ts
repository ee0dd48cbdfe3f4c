import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDurable } from '../../src/platform/durable/durable.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { testLog } from '../support/context.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { enqueueAll, inQueue, insertRuns, until } from './arrange.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

test.each([
  { workspaces: 1, each: 1_000 },
  { workspaces: 100, each: 10 },
])('$workspaces × $each segments are each worked on once', async ({ workspaces, each }) => {
  const { url } = database
  const runs = await insertRuns(url, workspaces, each)
  await enqueueAll(url, runs)
  const worked: string[] = []
  const durable = createDurable({
    systemUrl: url,
    executorId: randomUUID(),
    log: testLog,
    clock: systemClock,
    work: async ({ runId }) => void worked.push(runId),
  })
  const startedMs = performance.now()
  await durable.start()
  await until(async () => (await inQueue(url, 'ENQUEUED', 'PENDING')) === 0)
  const seconds = (performance.now() - startedMs) / 1_000
  console.info(`${workspaces} workspaces × ${each} segments: ${Math.round(runs.length / seconds)} segments/s`)
  await durable.stop({ graceMs: 1_000 })
  expect([...worked].sort()).toEqual(runs.map(({ runId }) => runId).sort())
})
