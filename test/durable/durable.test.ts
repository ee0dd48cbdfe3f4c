import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDurable, type Durable, type DurableOptions } from '../../src/platform/durable/durable.ts'
import { workflowIdOf } from '../../src/platform/durable/queue.ts'
import { SegmentLetGo, type SegmentMeans } from '../../src/platform/durable/segments.ts'
import { sweepLockKey } from '../../src/platform/durable/sweep.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { unavailable } from '../../src/platform/lib/errors.ts'
import { testLog } from '../support/context.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { count, enqueueAll, inQueue, insertRuns, type RunRef, until } from './arrange.ts'

// In one process, one after the other: DBOS is a singleton.

let database: TestDatabase
let url: string
let durable: Durable | undefined
/** What must end before the process can let go of its segments. */
let held: (() => void)[]

beforeAll(async () => {
  database = await createTestDatabase()
  url = database.url
})
beforeEach(async () => {
  held = []
  await runSql(url, 'DELETE FROM dbos.workflow_status; DELETE FROM process')
})
afterEach(async () => {
  for (const release of held) release()
  await durable?.stop({ graceMs: 1_000 })
})
afterAll(() => database.drop())

async function start(work: DurableOptions['work'], options: Partial<DurableOptions> = {}): Promise<Durable> {
  const log = testLog.child({}, { level: 'silent' })
  durable = createDurable({ systemUrl: url, executorId: randomUUID(), log, clock: systemClock, work, ...options })
  await durable.start()
  return durable
}

async function enqueueOne(): Promise<RunRef> {
  const [run] = await insertRuns(url, 1, 1)
  if (run === undefined) throw new Error('no run')
  await enqueueAll(url, [run])
  return run
}

const workIsDone = () => until(async () => (await inQueue(url, 'ENQUEUED', 'PENDING')) === 0)

describe('a segment', () => {
  test('is handed over with its ids, and works in the name of the process', async () => {
    const seen: unknown[] = []
    const { executorId } = await start(async (segment, means) => {
      seen.push({ ...segment, executorId: means.executorId, may: await means.maySend() })
    })
    const run = await enqueueOne()
    await workIsDone()
    expect(seen).toEqual([{ ...run, segment: 1, executorId, may: true }])
  })

  test('that fails is worked on again until it succeeds, and counts as one claim', async () => {
    const failures = [new Error('a bug'), unavailable('The database cannot be reached at the moment.')]
    let calls = 0
    await start(async () => {
      calls++
      const failure = failures.shift()
      if (failure !== undefined) throw failure
    })
    await enqueueOne()
    await workIsDone()
    expect(calls).toBe(3)
    expect(await count(url, `dbos.workflow_status WHERE status <> 'SUCCESS' OR recovery_attempts > 1`)).toBe(0)
  })

  test('may not act outside once DBOS knows another owner, though its process believes itself alive', async () => {
    const answers: boolean[] = []
    let means: SegmentMeans | undefined
    await start(async (_, given) => {
      means = given
      await new Promise<void>((resolve) => held.push(resolve))
    })
    const run = await enqueueOne()
    await until(() => means !== undefined)
    answers.push((await means?.maySend()) ?? false)
    await runSql(url, `UPDATE dbos.workflow_status SET owner_xid = 'another' WHERE workflow_uuid = $1`, [
      workflowIdOf({ ...run, segment: 1 }),
    ])
    answers.push((await means?.maySend()) ?? true)
    expect(answers).toEqual([true, false])
  })

  test('goes by its run’s priority within a workspace', async () => {
    const order: string[] = []
    const runs = await insertRuns(url, 1, 4)
    const priorities = ['LOW', 'URGENT', 'NORMAL', 'HIGH']
    for (const [index, { workspaceId, runId }] of runs.entries()) {
      await runSql(
        url,
        `SET ROLE cadre_app; SET app.workspace_id = '${workspaceId}';
         SELECT cadre_enqueue('${runId}', 1, '${priorities[index]}')`,
      )
    }
    const nameOf = new Map(runs.map(({ runId }, index) => [runId, priorities[index] ?? '']))
    await start(async ({ runId }) => void order.push(nameOf.get(runId) ?? ''), { concurrency: 1 })
    await workIsDone()
    expect(order).toEqual(['URGENT', 'HIGH', 'NORMAL', 'LOW'])
  })
})

describe('the slots of a process', () => {
  test('all go to a lone workspace, and no more than there are', async () => {
    const { working } = await start(() => new Promise((resolve) => held.push(resolve)), { concurrency: 30 })
    await enqueueAll(url, await insertRuns(url, 1, 50))
    await until(() => working() === 30)
    await systemClock.sleep(300) // three polls more
    expect(working()).toBe(30)
    expect(await inQueue(url, 'ENQUEUED')).toBe(20)
  })

  test('are not kept from a workspace by the backlog of another', async () => {
    const worked: string[] = []
    await start(
      async ({ workspaceId }) => {
        worked.push(workspaceId)
        await systemClock.sleep(20)
      },
      { concurrency: 2 },
    )
    const backlog = await insertRuns(url, 1, 200)
    await enqueueAll(url, backlog)
    const late = await enqueueOne()
    await until(() => worked.includes(late.workspaceId))
    expect(await inQueue(url, 'ENQUEUED')).toBeGreaterThan(0)
  })
})

describe('stopping', () => {
  test('tells each segment why, waits for it, and puts what was not done back into the queue', async () => {
    let reason: unknown
    const { stop, working } = await start(async (_, { signal }) => {
      await systemClock.sleep(3_600_000, signal).catch(() => {})
      reason = signal.reason
      throw new Error('not done')
    })
    await enqueueOne()
    await until(() => working() === 1)
    await Promise.all([stop({ graceMs: 60_000 }), stop({ graceMs: 60_000 })])
    expect(reason).toBeInstanceOf(SegmentLetGo)
    expect(reason).toMatchObject({ why: 'stopping' })
    expect(await inQueue(url, 'ENQUEUED')).toBe(1)
    expect(await count(url, 'process')).toBe(0)
  })

  test('keeps the note of a segment that ended meanwhile', async () => {
    const { stop, working } = await start(async (_, { signal }) => {
      await systemClock.sleep(3_600_000, signal).catch(() => {})
    })
    // Whoever removes what is finished would remove the note.
    const keeper = new pg.Client({ connectionString: url })
    await keeper.connect()
    try {
      await keeper.query('SELECT pg_advisory_lock($1)', [sweepLockKey('finished-segments')])
      await enqueueOne()
      await until(() => working() === 1)
      await stop({ graceMs: 60_000 })
      expect(await count(url, `dbos.workflow_status WHERE status = 'SUCCESS'`)).toBe(1)
    } finally {
      await keeper.end()
    }
  })

  test('leaves what does not stop in time to whoever sees that the process is gone', async () => {
    const { executorId, stop, working } = await start(() => new Promise((resolve) => held.push(resolve)))
    await enqueueOne()
    await until(() => working() === 1)
    await stop({ graceMs: 10 })
    expect(await inQueue(url, 'PENDING')).toBe(1)
    expect(await count(url, `process WHERE executor_id = '${executorId}'`)).toBe(1)
  })

  test('in the middle of the start waits for it, and leaves nothing running', async () => {
    const worked: string[] = []
    const log = testLog
    const hasty = createDurable({
      systemUrl: url,
      executorId: randomUUID(),
      log,
      clock: systemClock,
      work: async ({ runId }) => void worked.push(runId),
    })
    const starting = hasty.start()
    await hasty.stop({ graceMs: 1_000 })
    await starting
    await enqueueOne()
    expect(await count(url, 'process')).toBe(0)
    // Another can be started: the one before has let go of DBOS.
    await start(async ({ runId }) => void worked.push(runId))
    await workIsDone()
    expect(worked).toHaveLength(1)
  })

  test('before the start does nothing, but no start follows', async () => {
    const log = testLog
    const never = createDurable({
      systemUrl: url,
      executorId: randomUUID(),
      log,
      clock: systemClock,
      work: async () => {},
    })
    await never.stop({ graceMs: 1_000 })
    expect(never.lastBeatAgeMs()).toBe(Number.POSITIVE_INFINITY)
    await expect(never.start()).rejects.toThrow('stopped before it started')
  })
})

describe('a segment that is marked as this process’s own while nobody works on it', () => {
  test('is given back and worked on', async () => {
    const worked: string[] = []
    const { executorId } = await start(async ({ runId }) => void worked.push(runId), { timing: { strayEveryMs: 50 } })
    const run = (await insertRuns(url, 1, 1))[0] as RunRef
    // As a claim leaves it whose answer was lost with the connection.
    await runSql(
      url,
      `BEGIN; SET LOCAL app.workspace_id = '${run.workspaceId}'; SELECT cadre_enqueue('${run.runId}', 1, 'LOW');
       UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = '${executorId}', owner_xid = 'lost',
              application_version = '1', recovery_attempts = 1, started_at_epoch_ms = 0; COMMIT`,
    )
    await until(() => worked.length > 0)
    await workIsDone()
    expect(worked).toEqual([run.runId])
  })
})

describe('a process that finds itself taken for dead', () => {
  test('tells its segments so, frees their slots, and works on under the same id', async () => {
    const reasons: unknown[] = []
    let passing = false
    const { executorId, working } = await start(
      async (_, { signal }) => {
        if (passing) return
        await systemClock.sleep(3_600_000, signal).catch(() => {})
        reasons.push(signal.reason)
        throw new Error('let go')
      },
      { concurrency: 1, timing: { beatEveryMs: 20, strayEveryMs: 50 } },
    )
    await enqueueOne()
    await until(() => working() === 1)
    passing = true
    await runSql(
      url,
      `UPDATE dbos.workflow_status SET status = 'ENQUEUED', owner_xid = NULL WHERE status = 'PENDING'; DELETE FROM process`,
    )
    await until(() => reasons.length === 1)
    expect(reasons).toMatchObject([{ why: 'taken over' }])
    // The only slot is free again, or neither this one nor the one taken over could end.
    await enqueueOne()
    await workIsDone()
    expect(await count(url, `process WHERE executor_id = '${executorId}'`)).toBe(1)
  })
})

test('a database that is not there is an error at the start, and nothing is left running', async () => {
  const nowhere = start(async () => {}, { systemUrl: 'postgres://nobody@127.0.0.1:1/none' })
  await expect(nowhere).rejects.toThrow('ECONNREFUSED')
  await start(async () => {})
})
