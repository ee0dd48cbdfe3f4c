// What keeps the queue's tables true and small.
//
// Strays: a segment that is marked as being worked on by this very process, while nobody here works on it. That happens
// when the answer to a claim is lost with the connection, or when a process that was taken for dead claimed something
// before it noticed. No other process may take it, for this one lives; so it looks for its strays itself and gives back
// what it finds twice in a row (once may be a claim that is just being begun).
//
// Finished segments are removed: their runs tell what happened, and a queue that keeps everything grows for ever.

import type pg from 'pg'
import { QUEUE, SCHEMA } from './queue.ts'

const BATCH = 1_000

/** Looks for strays; call it every few seconds. Returns how many it gave back to the queue. */
export function createStrayFinder(
  system: pg.Pool,
  executorId: string,
  isRunning: (workflowId: string) => boolean,
): () => Promise<number> {
  let suspects = new Set<string>()
  return async () => {
    const { rows } = await system.query<{ claim: string; id: string }>(
      `SELECT workflow_uuid AS id, workflow_uuid || ' ' || owner_xid AS claim FROM ${SCHEMA}.workflow_status
        WHERE status = 'PENDING' AND queue_name = '${QUEUE}' AND executor_id = $1`,
      [executorId],
    )
    const idle = rows.filter(({ id }) => !isRunning(id)).map(({ claim }) => claim)
    const strays = idle.filter((claim) => suspects.has(claim))
    suspects = new Set(idle)
    if (strays.length === 0) return 0
    const given = await system.query(
      `UPDATE ${SCHEMA}.workflow_status
          SET status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL,
              updated_at = (extract(epoch FROM now()) * 1000)::bigint
        WHERE status = 'PENDING' AND queue_name = '${QUEUE}' AND executor_id = $1
          AND workflow_uuid || ' ' || owner_xid = ANY($2)`,
      [executorId, strays],
    )
    return given.rowCount ?? 0
  }
}

/** Removes one batch of finished segments; `true` when there are more. */
export async function removeFinished(
  system: pg.Pool,
  remove: (workflowIds: string[]) => Promise<void>,
): Promise<boolean> {
  const { rows } = await system.query<{ id: string }>(
    `SELECT workflow_uuid AS id FROM ${SCHEMA}.workflow_status
      WHERE status = 'SUCCESS' AND queue_name = '${QUEUE}' AND completed_at IS NOT NULL
      ORDER BY completed_at LIMIT ${BATCH}`,
  )
  if (rows.length > 0) await remove(rows.map(({ id }) => id))
  return rows.length === BATCH
}
