import type pg from 'pg'
import { byStatus } from '../../platform/observability/house-metrics.ts'
import type { Metrics } from '../../platform/observability/metrics.ts'
import { RUN_STATUSES, type RunStatus } from './model.ts'

const UNFINISHED: readonly RunStatus[] = RUN_STATUSES.slice(0, RUN_STATUSES.indexOf('SUCCEEDED'))

/** Adds how many runs of all workspaces are unfinished now, by status. `system`: connections as `cadre_system`. */
export function measureRuns(metrics: Metrics, system: pg.Pool): void {
  metrics.state('cadre_runs', 'Unfinished runs of all workspaces, by status.', ['status'], async () => {
    // By workspace, because that is how the index on statuses begins; finished runs are never looked at.
    const { rows } = await system.query<{ status: string; count: bigint }>(
      `SELECT wanted.status, sum(found.count)::int8 AS count
         FROM workspace CROSS JOIN unnest($1::text[]) AS wanted (status)
        CROSS JOIN LATERAL (SELECT count(*) AS count FROM run
                             WHERE run.workspace_id = workspace.id AND run.status = wanted.status) AS found
        GROUP BY wanted.status`,
      [UNFINISHED],
    )
    return byStatus(UNFINISHED, rows)
  })
}
