import { systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { runSql } from '../support/sql.ts'

export interface RunRef {
  readonly workspaceId: string
  readonly runId: string
}

/** Workspaces with an employee and so many queued runs each, written as the owner: the least that can be enqueued. */
export async function insertRuns(url: string, workspaces: number, runsPerWorkspace: number): Promise<RunRef[]> {
  const runs: RunRef[] = []
  for (let count = 0; count < workspaces; count++) {
    const [workspaceId, employeeId] = [newId(), newId()]
    const runIds = Array.from({ length: runsPerWorkspace }, newId)
    await runSql(
      url,
      `WITH w AS (INSERT INTO workspace (id, slug, name, time_zone, currency)
                  VALUES ($1::uuid, 'w-' || right($1::uuid::text, 12), 'Acme', 'UTC', 'EUR')),
            e AS (INSERT INTO employee (workspace_id, id, name, name_folded, role, title, autonomy, tools)
                  VALUES ($1::uuid, $2::uuid, 'Mara', 'mara', 'SDR', 'SDR', 'AUTONOMOUS', '{}')),
            v AS (INSERT INTO employee_version (workspace_id, employee_id, version, definition) VALUES ($1::uuid, $2::uuid, 1, '{}'))
       INSERT INTO run (workspace_id, id, employee_id, employee_version, trigger, title)
       SELECT $1::uuid, id, $2::uuid, 1, 'EVENT', 'A test' FROM unnest($3::uuid[]) AS id`,
      [workspaceId, employeeId, runIds],
    )
    for (const runId of runIds) runs.push({ workspaceId, runId })
  }
  return runs
}

/** Enqueues a segment of each run as its workspace would, in transactions of up to 50 calls. */
export async function enqueueAll(url: string, runs: readonly RunRef[], segment = 1): Promise<void> {
  const byWorkspace = new Map<string, RunRef[]>()
  for (const run of runs) byWorkspace.set(run.workspaceId, [...(byWorkspace.get(run.workspaceId) ?? []), run])
  for (const [workspaceId, ofWorkspace] of byWorkspace) {
    for (let from = 0; from < ofWorkspace.length; from += 50) {
      const calls = ofWorkspace
        .slice(from, from + 50)
        .map(({ runId }) => `SELECT cadre_enqueue('${runId}', ${segment}, 'NORMAL')`)
      await runSql(
        url,
        `BEGIN; SET LOCAL ROLE cadre_app; SET LOCAL app.workspace_id = '${workspaceId}'; ${calls.join('; ')}; COMMIT`,
      )
    }
  }
}

/** Where the test workers keep what they did to a run. */
export async function createProbe(url: string): Promise<void> {
  await runSql(
    url,
    `CREATE TABLE probe (run_id uuid, segment int, attempt int, entries int, ends int, executor_id uuid, PRIMARY KEY (run_id, segment));
     CREATE TABLE probe_sent (run_id uuid, segment int, executor_id uuid)`,
  )
}

/** Asks until it holds; the test's own timeout bounds it. */
export async function until(fact: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await fact())) await systemClock.sleep(25)
}

export const count = async (url: string, sql: string): Promise<number> =>
  Number((await runSql<{ count: string }>(url, `SELECT count(*) FROM ${sql}`))[0]?.count)

/** Segments that are not done, by their status in the queue. */
export const inQueue = (url: string, ...statuses: ('ENQUEUED' | 'PENDING')[]): Promise<number> =>
  count(url, `dbos.workflow_status WHERE status IN ('${statuses.join("', '")}')`)
