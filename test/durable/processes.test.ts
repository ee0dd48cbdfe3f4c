import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { count, createProbe, enqueueAll, inQueue, insertRuns, until } from './arrange.ts'
import { killAllWorkers, startWorker, type WorkerProcess } from './worker-process.ts'

let database: TestDatabase
let url: string

beforeEach(async () => {
  database = await createTestDatabase()
  url = database.url
  await createProbe(url)
})
afterEach(async () => {
  killAllWorkers()
  await database.drop()
})

/** Each segment stands still in its middle until the test lets it go on, so that what is done to its process meets it there. */
const HOLD = 2
const held = () => ({ url, holdAfter: HOLD })

const ended = (segments: number) => async () => (await count(url, 'probe WHERE ends > 0')) >= segments
const begun = (executorId: string, segments: number) => async () =>
  (await count(url, `probe WHERE executor_id = '${executorId}' AND entries = ${HOLD} AND ends = 0`)) >= segments

/** Whichever of two has so many segments begun, and the other one: which of them claims what is chance. */
async function busyAndOther(
  [one, two]: readonly [WorkerProcess, WorkerProcess],
  segments: number,
): Promise<[WorkerProcess, WorkerProcess]> {
  let found: [WorkerProcess, WorkerProcess] | undefined
  await until(async () => {
    if (await begun(one.executorId, segments)()) found = [one, two]
    else if (await begun(two.executorId, segments)()) found = [two, one]
    return found !== undefined
  })
  return found ?? [one, two]
}

/** Every segment ended, none twice, and none is left to be worked on. */
async function expectEachEndedOnce(segments: number): Promise<void> {
  await until(ended(segments))
  expect(await runSql(url, 'SELECT ends, count(*)::int FROM probe GROUP BY ends')).toEqual([
    { ends: 1, count: segments },
  ])
  await until(async () => (await inQueue(url, 'ENQUEUED', 'PENDING')) === 0)
}

describe('a process that is killed', () => {
  test('has its segments finished by another one at once', async () => {
    const workers = await Promise.all([startWorker(held()), startWorker(held())])
    await enqueueAll(url, await insertRuns(url, 3, 20))
    const [victim, other] = await busyAndOther(workers, 5)
    await victim.kill()
    other.go()
    await expectEachEndedOnce(60)
    expect(other.takenOver).toEqual([victim.executorId])
    expect(await count(url, 'probe WHERE attempt > 1')).toBeGreaterThan(0)
    // And the queue keeps nothing of what is done.
    await until(async () => (await count(url, 'dbos.workflow_status')) === 0)
    expect(await count(url, 'dbos.workflow_input')).toBe(0)
    expect(await count(url, 'dbos.workflow_output')).toBe(0)
  })

  test('has its segments finished by the next start', async () => {
    const victim = await startWorker(held())
    await enqueueAll(url, await insertRuns(url, 1, 30))
    await until(begun(victim.executorId, 10))
    await victim.kill()
    expect(await inQueue(url, 'PENDING')).toBeGreaterThan(0)
    const next = await startWorker({ url })
    await expectEachEndedOnce(30)
    expect(next.takenOver).toEqual([victim.executorId])
  })
})

describe('a process that is asked to stop', () => {
  test('hands its segments back, leaves no trace and ends by itself', async () => {
    const first = await startWorker(held())
    await enqueueAll(url, await insertRuns(url, 1, 40))
    await until(begun(first.executorId, 10))
    expect(await first.stop()).toBe(0)
    expect(await inQueue(url, 'PENDING')).toBe(0)
    expect(await inQueue(url, 'ENQUEUED')).toBeGreaterThan(0)
    expect(await count(url, 'process')).toBe(0)
    expect(first.output()).toBe('')
    const second = await startWorker({ url })
    await expectEachEndedOnce(40)
    expect(second.takenOver).toEqual([])
  })
})

describe('a process that is stopped and continued', () => {
  test('has lost its segments to another, does nothing more with them, and works on', async () => {
    const timing = { beatEveryMs: 100, freshMs: 500, stillMs: 1_500, stillHeldMs: 2_500, strayEveryMs: 500 }
    const settings = { ...held(), timing, send: true, entries: 8, entryMs: 60 }
    const workers = await Promise.all([startWorker(settings), startWorker(settings)])
    const runs = await insertRuns(url, 2, 15)
    await enqueueAll(url, runs)
    const [paused, other] = await busyAndOther(workers, 5)
    paused.signal('SIGSTOP')
    for (const worker of workers) worker.go()
    // It is alive and its connection stands: only the counter gives it away.
    await until(() => other.takenOver.includes(paused.executorId))
    await until(ended(30))
    paused.signal('SIGCONT')
    await expectEachEndedOnce(30)
    expect(await count(url, 'probe_sent')).toBe(30)
    await until(() => paused.output().includes('others took this process for dead'))
    expect(await other.stop()).toBe(0)
    // Alone now: whatever it claims must be finished by itself.
    await enqueueAll(url, runs, 2)
    await expectEachEndedOnce(60)
    expect(await count(url, `probe WHERE segment = 2 AND executor_id <> '${paused.executorId}'`)).toBe(0)
    expect(await paused.stop()).toBe(0)
    expect(await count(url, 'process')).toBe(0)
  })
})
