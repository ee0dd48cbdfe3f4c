import { type Kysely, sql as sqlText } from 'kysely'
import type { Database } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import type { NodeRef } from '../lib/errors.ts'
import type { StoredEvent } from './event.ts'
import type { LogRow } from './log-rows.ts'

/** Which events of a workspace are wanted; all that is given must hold. */
export interface EventFilter {
  /** Names in the log (`deal.stage_changed`); an empty list wants nothing. */
  readonly types?: readonly string[] | undefined
  readonly subject?: NodeRef | undefined
  readonly runId?: string | undefined
}

export const matchesFilter = (event: StoredEvent, { types, subject, runId }: EventFilter): boolean =>
  (types === undefined || types.includes(event.type)) &&
  (subject === undefined || (event.subject.id === subject.id && event.subject.kind === subject.kind)) &&
  (runId === undefined || event.runId === runId)

export interface PageQuery {
  readonly workspaceId: string
  readonly filter: EventFilter
  /** Positions above this one. */
  readonly above: bigint
  /** Positions below this one; no bound when undefined. */
  readonly below?: bigint | undefined
  /** From which end; the answer always has the log's order. */
  readonly from: 'oldest' | 'newest'
  readonly limit: number
}

const COLUMNS = [
  'position',
  'outboxId',
  'workspaceId',
  'type',
  'subjectType',
  'subjectId',
  'subjectVersion',
  'actor',
  'runId',
  'causeId',
  'depth',
  'data',
  'changes',
  'occurredAt',
] as const

type Reader = Pick<Kysely<Tables>, 'selectFrom'>

const selectRows = (sql: Reader) =>
  sql
    .selectFrom('eventLog')
    .select([
      ...COLUMNS,
      sqlText<number>`octet_length(event_log.data::text) + octet_length(event_log.changes::text)`.as('jsonBytes'),
    ])

function selectPositions(sql: Reader, { filter, above, below, from, limit }: PageQuery) {
  let positions = sql
    .selectFrom('eventLog')
    .select('eventLog.position')
    .where('eventLog.position', '>', above)
    .orderBy('eventLog.position', from === 'oldest' ? 'asc' : 'desc')
    .limit(limit)
  if (below !== undefined) positions = positions.where('eventLog.position', '<', below)
  if (filter.subject !== undefined) {
    positions = positions.where('subjectType', '=', filter.subject.kind).where('subjectId', '=', filter.subject.id)
  }
  if (filter.runId !== undefined) positions = positions.where('runId', '=', filter.runId)
  return positions
}

// One index range for each type: `type in (…) order by position` would walk the log until rare types fill the page. And
// one statement, for one snapshot: what is committed between two of them would be jumped over.
const selectPositionsByTypes = (sql: Reader, query: PageQuery, types: readonly string[]) =>
  sql
    .selectFrom(sqlText<{ type: string }>`unnest(${[...new Set(types)]}::text[])`.as<'wanted'>(sqlText`wanted(type)`))
    .innerJoinLateral(
      (inner) =>
        // Kysely's builder for sub-queries is narrower than it is typed here: it selects, which is all that is asked.
        selectPositions(inner as unknown as Reader, query)
          .whereRef('eventLog.type', '=', sqlText.ref('wanted.type'))
          .as('found'),
      (join) => join.onTrue(),
    )
    .select('found.position')
    .orderBy('found.position', query.from === 'oldest' ? 'asc' : 'desc')
    .limit(query.limit)

function choosePositions(sql: Reader, query: PageQuery) {
  const { types, subject, runId } = query.filter
  if (types === undefined) return selectPositions(sql, query)
  // Of one thing, or in one run, there are few events.
  if (subject !== undefined || runId !== undefined) return selectPositions(sql, query).where('type', 'in', [...types])
  return selectPositionsByTypes(sql, query, types)
}

/** Reads one page of a workspace's log as `cadre_app`, in the log's order, in one snapshot. */
export async function readPage(db: Database, query: PageQuery): Promise<readonly LogRow[]> {
  if (query.filter.types?.length === 0 || query.limit <= 0) return []
  // First which rows, from an index alone, then the rows: asked for both at once, PostgreSQL likes to walk the whole log
  // by position and to drop the other workspaces' rows.
  const rows: LogRow[] = await db.read(query.workspaceId, (sql) =>
    selectRows(sql).where('eventLog.position', 'in', choosePositions(sql, query)).execute(),
  )
  return rows.sort((a, b) => (a.position < b.position ? -1 : 1))
}

/** The events with these outbox ids, as far as they are in the workspace's log. */
export async function readByOutboxIds(
  db: Database,
  workspaceId: string,
  outboxIds: readonly bigint[],
): Promise<readonly LogRow[]> {
  if (outboxIds.length === 0) return []
  return db.read(workspaceId, (sql) =>
    selectRows(sql)
      .where('outboxId', 'in', [...outboxIds])
      .execute(),
  )
}
