import { rmSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type EmbeddedPostgres, startEmbedded } from '../../src/platform/db/embedded.ts'
import { migrate } from '../../src/platform/db/migrate.ts'
import { installDurable } from '../../src/platform/durable/install.ts'
import { testLog } from '../support/context.ts'
import { runSql } from '../support/sql.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { count, createProbe, enqueueAll, inQueue, insertRuns, until } from './arrange.ts'
import { killAllWorkers, startWorker } from './worker-process.ts'

let dir: string
/** Durable: what was committed must be there after the crash, or the test would be one of a database that forgets. */
let postgres: EmbeddedPostgres

beforeAll(async () => {
  dir = openTemporaryFolder('cadre-test-restart-')
  postgres = await startEmbedded({ dir, log: testLog, durable: true })
  await migrate({ url: postgres.url, log: testLog, afterMigrate: [installDurable] })
  await createProbe(postgres.url)
})
afterEach(killAllWorkers)
afterAll(async () => {
  await postgres.stop()
  rmSync(dir, { recursive: true, force: true })
})

/** As `pg_ctl restart -m immediate` does it: no goodbye to anybody, recovery from the log at the start. */
async function restartImmediately(): Promise<void> {
  const [file] = await runSql<{ pid: string }>(postgres.adminUrl, `SELECT pg_read_file('postmaster.pid') AS pid`)
  const pid = Number.parseInt(file?.pid ?? '', 10)
  process.kill(pid, 'SIGQUIT')
  await until(() => {
    try {
      return process.kill(pid, 0) && false
    } catch {
      return true
    }
  })
  postgres = await startEmbedded({ dir, log: testLog, durable: true })
}

test('segments survive two crashes of PostgreSQL: each ends once, and nobody takes a living process for dead', async () => {
  const { url } = postgres
  const settings = { url, entries: 12, entryMs: 40, timing: { strayEveryMs: 1_000 } }
  const workers = await Promise.all([startWorker(settings), startWorker(settings)])
  await enqueueAll(url, await insertRuns(url, 4, 40))
  for (const ends of [10, 60]) {
    await until(async () => (await count(url, 'probe WHERE ends > 0')) >= ends)
    await restartImmediately()
    expect(postgres.url).toBe(url)
  }
  await until(async () => (await count(url, 'probe WHERE ends > 0')) === 160)
  await until(async () => (await inQueue(url, 'ENQUEUED', 'PENDING')) === 0)
  expect(await runSql(url, 'SELECT ends, count(*)::int FROM probe GROUP BY ends')).toEqual([{ ends: 1, count: 160 }])
  expect(await count(url, `dbos.workflow_status WHERE status <> 'SUCCESS'`)).toBe(0)
  for (const worker of workers) {
    expect(worker.takenOver).toEqual([])
    expect(worker.output()).not.toContain('"level":"error"')
    expect(await worker.stop()).toBe(0)
  }
})
