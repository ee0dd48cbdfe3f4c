import type pg from 'pg'
import { SCHEMA, workflowIdOf } from './queue.ts'

/**
 * Removes what the queue noted of how a run's segments ended: an error may quote what was worked on. For a run that is over;
 * what its segments are stays, which is ids alone. Repeatable.
 */
export async function forgetSegments(
  system: pg.Pool,
  run: { readonly workspaceId: string; readonly runId: string; readonly lastSegment: number },
): Promise<void> {
  const ids = Array.from({ length: run.lastSegment }, (_, n) => workflowIdOf({ ...run, segment: n + 1 }))
  for (const table of ['workflow_status', 'workflow_output']) {
    await system.query(
      `UPDATE ${SCHEMA}.${table} SET output = NULL, error = NULL
        WHERE workflow_uuid = ANY ($1) AND (output IS NOT NULL OR error IS NOT NULL)`,
      [ids],
    )
  }
}
