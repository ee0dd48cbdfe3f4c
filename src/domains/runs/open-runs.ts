import type pg from 'pg'
import type { Database } from '../../platform/db/database.ts'
import { translateDatabaseError } from '../../platform/db/errors.ts'
import { isAppError } from '../../platform/lib/errors.ts'
import { byStatus } from '../../platform/observability/house-metrics.ts'
import type { Metrics } from '../../platform/observability/metrics.ts'
import { RUN_STATUSES, type RunStatus } from './model.ts'

const OPEN: readonly RunStatus[] = RUN_STATUSES.slice(0, RUN_STATUSES.indexOf('SUCCEEDED'))

/** How many runs of all workspaces are in each of these statuses; none is left out for a status that no run has. */
async function countByStatus(
  system: pg.Pool,
  statuses: readonly RunStatus[],
): Promise<{ readonly status: string; readonly count: bigint }[]> {
  // By workspace, because that is how the index on statuses begins; other runs are never looked at.
  const { rows } = await system.query<{ status: string; count: bigint }>(
    `SELECT wanted.status, sum(found.count)::int8 AS count
       FROM workspace CROSS JOIN unnest($1::text[]) AS wanted (status)
      CROSS JOIN LATERAL (SELECT count(*) AS count FROM run
                           WHERE run.workspace_id = workspace.id AND run.status = wanted.status) AS found
      GROUP BY wanted.status`,
    [statuses],
  )
  return rows
}

/** How many runs of all workspaces are queued or being worked; null while the database is away. */
export async function countOpenRuns(db: Database): Promise<number | null> {
  try {
    const counts = await countByStatus(db.system, ['QUEUED', 'RUNNING'])
    return counts.reduce((sum, { count }) => sum + Number(count), 0)
  } catch (thrown) {
    const err = translateDatabaseError(thrown)
    if (isAppError(err) && err.code === 'UNAVAILABLE') return null
    throw err
  }
}

/** Adds how many runs of all workspaces are unfinished now, by status. `system`: connections as `cadre_system`. */
export function measureRuns(metrics: Metrics, system: pg.Pool): void {
  metrics.state('cadre_runs', 'Unfinished runs of all workspaces, by status.', ['status'], async () =>
    byStatus(OPEN, await countByStatus(system, OPEN)),
  )
}
