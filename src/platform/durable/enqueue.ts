import { sql } from 'kysely'
import type { Tx } from '../db/transaction.ts'

/** Lower is sooner; the four are a run's priorities. */
export type QueuePriority = 'LOW' | 'NORMAL' | 'HIGH' | 'URGENT'

/**
 * Puts one segment of a run into the queue, in the transaction that made it due: it is worked if and only if that
 * commits. The same segment enqueued twice is one (its workflow id is `<workspace>:<run>:<segment>`). Refused by the
 * database when the run is not of the bound workspace. At most about 50 per transaction: each is a subtransaction.
 */
export async function enqueueSegment(
  tx: Tx,
  segment: { readonly runId: string; readonly segment: number; readonly priority: QueuePriority },
): Promise<void> {
  await sql`select cadre_enqueue(${segment.runId}::uuid, ${segment.segment}::int, ${segment.priority}::text)`.execute(
    tx.sql,
  )
}
