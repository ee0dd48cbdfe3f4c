import type { StoredActor } from '../auth/viewer.ts'
import { formatCursor } from './cursor.ts'
import type { FieldChange, StoredEvent } from './event.ts'

/** An event with the cursor that says "up to and including this one". */
export interface FeedItem {
  readonly event: StoredEvent
  readonly cursor: string
}

/** An item with about what it weighs in memory. */
export interface WeighedItem extends FeedItem {
  readonly bytes: number
}

/** A row of `event_log` as it is read; JSON columns are parsed. */
export interface LogRow {
  readonly position: bigint
  readonly outboxId: bigint
  readonly workspaceId: string
  readonly type: string
  readonly subjectType: string
  readonly subjectId: string
  readonly subjectVersion: number | null
  readonly actor: unknown
  readonly runId: string | null
  readonly causeId: bigint | null
  readonly depth: number
  readonly data: unknown
  readonly changes: unknown
  readonly origin: unknown
  readonly occurredAt: Date
  readonly erasedAt: Date | null
  /** The length of `data` and `changes` as text. */
  readonly jsonBytes: number
}

const FIXED_BYTES = 600

export function toItem(row: LogRow, epoch: number): WeighedItem {
  const event: StoredEvent = {
    position: row.position,
    outboxId: row.outboxId,
    workspaceId: row.workspaceId,
    type: row.type,
    subject: { kind: row.subjectType, id: row.subjectId },
    subjectVersion: row.subjectVersion,
    // What `appendEvents` wrote; the log is append-only.
    actor: row.actor as StoredActor,
    runId: row.runId,
    causeId: row.causeId,
    depth: row.depth,
    data: row.data as StoredEvent['data'],
    changes: row.changes as readonly FieldChange[],
    origin: row.origin as StoredEvent['origin'],
    occurredAt: row.occurredAt,
    erasedAt: row.erasedAt,
  }
  return { event, cursor: formatCursor({ epoch, position: row.position }), bytes: FIXED_BYTES + 3 * row.jsonBytes }
}

/**
 * Reads the next rows above $1 and the epoch they belong to, in one snapshot; a single row without a position when there
 * are none.
 */
export const readNext = (limit: number): string => `
SELECT (SELECT max(number) FROM event_epoch) AS epoch, next.*
  FROM (VALUES (1)) AS one
  LEFT JOIN LATERAL (
    SELECT position, outbox_id AS "outboxId", workspace_id AS "workspaceId", type, subject_type AS "subjectType",
           subject_id AS "subjectId", subject_version AS "subjectVersion", actor, run_id AS "runId",
           cause_id AS "causeId", depth, data, changes, origin, occurred_at AS "occurredAt", erased_at AS "erasedAt",
           octet_length(data::text) + octet_length(changes::text) AS "jsonBytes"
      FROM event_log WHERE position > $1 ORDER BY position LIMIT ${limit}
  ) AS next ON true
 ORDER BY next.position`

export type NextRow = { readonly epoch: number | null } & (LogRow | { readonly position: null })
