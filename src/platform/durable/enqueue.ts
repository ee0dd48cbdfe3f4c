import { sqlStatement } from '../db/statement.ts'
import type { Tx } from '../db/transaction.ts'
import { foretellEffect } from '../foretold.ts'

/** Lower is sooner; the four are a run's priorities. */
export type QueuePriority = 'LOW' | 'NORMAL' | 'HIGH' | 'URGENT'

/**
 * Puts one segment of a run into the queue, in the transaction that made it due: it is worked if and only if that
 * commits. The same segment enqueued twice is one (its workflow id is `<workspace>:<run>:<segment>`). Refused by the
 * database when the run is not of the bound workspace. At most about 50 per transaction: each is a subtransaction.
 */
export function enqueueSegment(tx: Tx, segment: QueuedSegment): void {
  tx.write(enqueue, segment)
  foretellEffect(tx, { kind: 'RUN_QUEUED', id: segment.runId })
}

interface QueuedSegment {
  readonly runId: string
  readonly segment: number
  readonly priority: QueuePriority
}

// The function itself looks at the bound workspace.
const enqueue = sqlStatement<QueuedSegment>('SELECT cadre_enqueue($1::uuid, $2::int, $3::text)', [
  'runId',
  'segment',
  'priority',
])
