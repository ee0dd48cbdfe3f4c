import { storedActor } from '../auth/viewer.ts'
import { json } from '../db/tables.ts'
import type { Tx } from '../db/transaction.ts'
import { invalidInput } from '../lib/errors.ts'
import type { NewEvent } from './event.ts'

const MAX_DATA_BYTES = 32 * 1024
const lastIds = new WeakMap<Tx, bigint>()

/**
 * Writes events into the outbox of this transaction: they enter the log if and only if it commits, in the order given.
 * Call it after the rows are changed: their locks are what makes the log's order that of the changes.
 */
export async function appendEvents(tx: Tx, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return
  const actor = json(storedActor(tx.viewer))
  // Who wrote through a public door is known by a digest at most; the log does not keep where strangers live.
  const origin = json(tx.viewer.kind === 'anonymous' ? { requestId: tx.origin.requestId } : tx.origin)
  const rows = await tx.sql
    .insertInto('eventOutbox')
    .values(
      events.map((event) => {
        const data = json(event.data ?? {})
        if (Buffer.byteLength(data) > MAX_DATA_BYTES) {
          throw invalidInput([
            { path: [], code: 'TOO_LARGE', message: `A ${event.type} event carries more than 32 KB.` },
          ])
        }
        return {
          workspaceId: tx.workspaceId,
          type: event.type,
          subjectType: event.subject.kind,
          subjectId: event.subject.id,
          subjectVersion: event.subjectVersion ?? null,
          actor,
          runId: event.runId ?? (tx.viewer.kind === 'employee' ? tx.viewer.runId : null),
          causeId: tx.cause?.outboxId ?? null,
          depth: tx.cause?.depth ?? 0,
          data,
          changes: json(event.changes ?? []),
          origin,
          occurredAt: tx.now,
        }
      }),
    )
    .returning('id')
    .execute()
  const first = !lastIds.has(tx)
  for (const { id } of rows) lastIds.set(tx, id)
  if (first) tx.onCommit(() => tx.bell.ring())
}

/** The outbox id of the transaction's last event so far; its log position is the commit's cursor. */
export const lastEventOf = (tx: Tx): bigint | undefined => lastIds.get(tx)
