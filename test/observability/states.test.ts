import { expect, test } from 'vitest'
import { countOpenRuns, measureRuns } from '../../src/domains/runs/service.ts'
import { appendEvents } from '../../src/platform/events/append.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { measureHouse } from '../../src/platform/observability/house-metrics.ts'
import { createMetrics } from '../../src/platform/observability/metrics.ts'
import { insertWorkspace, openDatabase, systemContext } from '../support/context.ts'
import { openTestDatabase } from '../support/open-test-database.ts'

const { db } = openTestDatabase()

/** What is read of a house whose subscribers have had everything up to `tail`. */
async function read(tail = 0n): Promise<Map<string, number>> {
  const metrics = createMetrics()
  const pools = { app: db.app, system: db.system }
  measureHouse(metrics, { pools, system: db.system, tailPosition: () => tail, working: () => 3 })
  measureRuns(metrics, db.system)
  const { text } = await metrics.read()
  const lines = text.split('\n').filter((line) => line.startsWith('cadre_'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

test('a house at rest reports what is none as none: an alarm needs to see it', async () => {
  const states = await read()
  expect(states.get('cadre_segments_working')).toBe(3)
  for (const status of ['ENQUEUED', 'PENDING']) expect(states.get(`cadre_queue_segments{status="${status}"}`)).toBe(0)
  for (const status of ['QUEUED', 'RUNNING', 'WAITING']) expect(states.get(`cadre_runs{status="${status}"}`)).toBe(0)
  expect(states.get('cadre_event_outbox_rows')).toBe(0)
  expect(states.get('cadre_event_outbox_oldest_seconds')).toBe(0)
  expect(states.get('cadre_event_log_head')).toBe(0)
  expect(states.get('cadre_event_tail_lag')).toBe(0)
  expect(states.get('cadre_pool_connections{pool="system",state="awaited"}')).toBe(0)
})

test('events that are in no log yet are counted, and a process ahead of what was read lags by none', async () => {
  const { id } = await insertWorkspace(db)
  const subject = { kind: 'contact', id: newId() }
  await db.inTransaction(systemContext(db, id), async (tx) => {
    appendEvents(tx, [{ type: 'contact.created', subject }])
  })
  const states = await read(5n)
  expect(states.get('cadre_event_outbox_rows')).toBe(1)
  expect(states.get('cadre_event_outbox_oldest_seconds')).toBeGreaterThanOrEqual(0)
  expect(states.get('cadre_event_tail_lag')).toBe(0)
})

test('a database that has gone does not say how many runs are open, which is not to say that there are none', async () => {
  expect(await countOpenRuns(db)).toBe(0)
  const gone = openDatabase('postgres://nobody@127.0.0.1:1/nothing')
  expect(await countOpenRuns(gone)).toBeNull()
  await gone.close()
})
