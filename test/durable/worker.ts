// A process that works segments, for the tests to kill, stop and restart. What it does to a run is what an employee's
// work does in small: ask whether the segment is still its own, take the run's fence, make fenced entries one by one, end.
// It says on its IPC channel when it is up.

import { randomUUID } from 'node:crypto'
import { once, setMaxListeners } from 'node:events'
import pg from 'pg'
import { createDurable } from '../../src/platform/durable/durable.ts'
import type { WorkSegment } from '../../src/platform/durable/segments.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { unavailable } from '../../src/platform/lib/errors.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'
import type { FromWorker, ToWorker, WorkerSettings } from './worker-process.ts'

const settings = JSON.parse(process.argv[2] ?? '{}') as WorkerSettings
const log = createLogger({ level: settings.logLevel, format: 'json' })
const pool = new pg.Pool({ connectionString: settings.url, max: 10, connectionTimeoutMillis: 5_000 })
pool.on('error', () => {})
pool.on('connect', (client) => client.on('error', () => {}))

/** Aborted when nothing is to be held any more. */
const going = new AbortController()
setMaxListeners(0, going.signal)

const work: WorkSegment = async ({ runId, segment }, means) => {
  if (!(await means.isOurs())) {
    const { rowCount } = await pool.query('SELECT FROM probe WHERE run_id = $1 AND segment = $2 AND ends > 0', [
      runId,
      segment,
    ])
    if (rowCount === 1) return
    throw unavailable('The run is worked elsewhere.')
  }
  const claim = await pool.query<{ attempt: number }>(
    `INSERT INTO probe (run_id, segment, attempt, entries, ends, executor_id) VALUES ($1, $2, 1, 0, 0, $3)
     ON CONFLICT (run_id, segment) DO UPDATE SET attempt = probe.attempt + 1, executor_id = $3 WHERE probe.ends = 0
     RETURNING attempt`,
    [runId, segment, means.executorId],
  )
  const attempt = claim.rows[0]?.attempt
  if (attempt === undefined) return
  const fenced = async (change: string) => {
    const { rowCount } = await pool.query(
      `UPDATE probe SET ${change} WHERE run_id = $1 AND segment = $2 AND attempt = $3 AND ends = 0`,
      [runId, segment, attempt],
    )
    if (rowCount === 0) throw unavailable('Another execution has taken over.')
  }
  for (let entry = 0; entry < settings.entries; entry++) {
    if (entry === settings.holdAfter && !going.signal.aborted)
      await once(going.signal, 'abort', { signal: means.signal })
    await systemClock.sleep(settings.entryMs, means.signal)
    await fenced('entries = entries + 1')
  }
  if (settings.send) {
    if (!(await means.maySend())) throw new Error('may not send')
    await pool.query('INSERT INTO probe_sent (run_id, segment, executor_id) VALUES ($1, $2, $3)', [
      runId,
      segment,
      means.executorId,
    ])
  }
  await fenced('ends = ends + 1')
}

const durable = createDurable({
  systemUrl: settings.url,
  executorId: randomUUID(),
  log,
  clock: systemClock,
  work,
  concurrency: settings.concurrency,
  timing: settings.timing,
  onTakenOver: (executorId) => say({ kind: 'taken-over', executorId }),
})

function say(message: FromWorker): void {
  process.send?.(message)
}

process.on('message', (message: ToWorker) => {
  if (message.kind === 'go') return going.abort()
  void durable.stop({ graceMs: message.graceMs }).then(async () => {
    await pool.end()
    // Nothing may be left that keeps the process alive: it must end by itself.
    process.disconnect()
  })
})

await durable.start()
say({ kind: 'ready', executorId: durable.executorId })
