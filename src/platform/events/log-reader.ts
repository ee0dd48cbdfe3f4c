import { type Kysely, sql as sqlText } from 'kysely'
import type { StoredActor } from '../auth/viewer.ts'
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
  readonly actorKind?: StoredActor['kind'] | undefined
  /** Row id of the member, employee or key. */
  readonly actorId?: string | undefined
  readonly requestId?: string | undefined
  /** From this moment on. */
  readonly since?: Date | undefined
  /** Before this moment. */
  readonly until?: Date | undefined
}

export const matchesFilter = (event: StoredEvent, filter: EventFilter): boolean => {
  const { types, subject, runId, actorKind, actorId, requestId, since, until } = filter
  return (
    (types === undefined || types.includes(event.type)) &&
    (subject === undefined || (event.subject.id === subject.id && event.subject.kind === subject.kind)) &&
    (runId === undefined || event.runId === runId) &&
    (actorKind === undefined || event.actor.kind === actorKind) &&
    (actorId === undefined || event.actor.id === actorId) &&
    (requestId === undefined || event.origin.requestId === requestId) &&
    (since === undefined || event.occurredAt >= since) &&
    (until === undefined || event.occurredAt < until)
  )
}

/** A part of the log that belongs to something: a thing's events (of one type alone, where it says so), or a run's. */
export type EventScope = { readonly subject: NodeRef; readonly type?: string | undefined } | { readonly runId: string }

export interface PageQuery {
  readonly workspaceId: string
  readonly filter: EventFilter
  /** What lies in any of these, each event once; the filter is not asked then. */
  readonly scopes?: readonly EventScope[] | undefined
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
  'origin',
  'occurredAt',
  'erasedAt',
] as const

type Reader = Pick<Kysely<Tables>, 'selectFrom'>

const selectRows = (sql: Reader) =>
  sql
    .selectFrom('eventLog')
    .select([
      ...COLUMNS,
      sqlText<number>`octet_length(event_log.data::text) + octet_length(event_log.changes::text)`.as('jsonBytes'),
    ])

/** Whether moments are all that is asked for. */
const isOfTimeAlone = ({ since, until, ...others }: EventFilter): boolean =>
  (since !== undefined || until !== undefined) && Object.values(others).every((each) => each === undefined)

function selectPositions(sql: Reader, { workspaceId, filter, above, below, from, limit }: PageQuery) {
  // Beside nothing but moments a range of positions looks as good as the index of moments, and it is everybody's; with the
  // workspace in it, it is in one index only.
  const place = isOfTimeAlone(filter)
    ? (position: bigint) => sqlText<bigint>`(${workspaceId}::uuid, ${position}::bigint)`
    : (position: bigint) => sqlText<bigint>`${position}`
  const its = isOfTimeAlone(filter)
    ? sqlText<bigint>`(event_log.workspace_id, event_log.position)`
    : sqlText.ref<bigint>('eventLog.position')
  let positions = sql
    .selectFrom('eventLog')
    .select('eventLog.position')
    .where(its, '>', place(above))
    .orderBy('eventLog.position', from === 'oldest' ? 'asc' : 'desc')
    .limit(limit)
  if (below !== undefined) positions = positions.where(its, '<', place(below))
  if (filter.subject !== undefined) {
    positions = positions.where('subjectType', '=', filter.subject.kind).where('subjectId', '=', filter.subject.id)
  }
  if (filter.runId !== undefined) positions = positions.where('runId', '=', filter.runId)
  if (filter.actorKind !== undefined) positions = positions.where('actorKind', '=', filter.actorKind)
  if (filter.actorId !== undefined) positions = positions.where('actorId', '=', filter.actorId)
  if (filter.requestId !== undefined) positions = positions.where('requestId', '=', filter.requestId)
  if (filter.since !== undefined) positions = positions.where('occurredAt', '>=', filter.since)
  if (filter.until !== undefined) positions = positions.where('occurredAt', '<', filter.until)
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
  const { types, subject, runId, requestId } = query.filter
  if (types === undefined) return selectPositions(sql, query)
  // Of one thing, in one run or request, there are few events.
  if (subject !== undefined || runId !== undefined || requestId !== undefined)
    return selectPositions(sql, query).where('type', 'in', [...types])
  return selectPositionsByTypes(sql, query, types)
}

/** Reads one page of a workspace's log as `cadre_app`, in the log's order, in one snapshot. */
export async function readPage(db: Database, query: PageQuery): Promise<readonly LogRow[]> {
  if (query.scopes !== undefined) {
    const picked = await pickByScopes(db, query, [query.scopes])
    const found = await readByOutboxIds(
      db,
      query.workspaceId,
      picked.flat().map(({ outboxId }) => outboxId),
    )
    return found.toSorted(byPosition)
  }
  if (query.filter.types?.length === 0) return []
  // First which rows, from an index alone, then the rows: asked for both at once, PostgreSQL likes to walk the whole log
  // by position and to drop the other workspaces' rows.
  const rows: LogRow[] = await db.read(query.workspaceId, (sql) =>
    selectRows(sql).where('eventLog.position', 'in', choosePositions(sql, query)).execute(),
  )
  return rows.sort(byPosition)
}

const byPosition = (a: { readonly position: bigint }, b: { readonly position: bigint }): number =>
  Number(a.position - b.position)

export interface PickedEvent {
  readonly position: bigint
  readonly outboxId: bigint
}

/**
 * For each of several lists of scopes the first or last events in any of them, in the log's order: one statement for all,
 * an index range for each scope.
 */
export async function pickByScopes(
  db: Database,
  { workspaceId, above, below, from, limit }: Omit<PageQuery, 'filter' | 'scopes'>,
  lists: readonly (readonly EventScope[])[],
): Promise<readonly (readonly PickedEvent[])[]> {
  const scopes = lists.flatMap((list, index) => list.map((scope) => ({ ...scope, index })))
  const subjects = scopes.flatMap((scope) => ('subject' in scope ? [scope] : []))
  const runs = scopes.flatMap((scope) => ('runId' in scope ? [scope] : []))
  const within = sqlText`
    event_log.workspace_id = ${workspaceId} and event_log.position > ${above}
    ${below === undefined ? sqlText`` : sqlText`and event_log.position < ${below}`}`
  const ends = sqlText`order by event_log.position ${sqlText.raw(from === 'oldest' ? 'asc' : 'desc')} limit ${limit}`
  const { rows } = await db.read(workspaceId, (sql) =>
    sqlText<PickedEvent & { readonly index: number }>`
      select scope.index, found.position, found.outbox_id
      from unnest(
        ${subjects.map(({ index }) => index)}::int[], ${subjects.map(({ subject }) => subject.kind)}::text[],
        ${subjects.map(({ subject }) => subject.id)}::uuid[], ${subjects.map(({ type }) => type ?? null)}::text[]
      ) as scope(index, kind, id, type)
      cross join lateral (
        select event_log.position, event_log.outbox_id from event_log
        where ${within} and event_log.subject_id = scope.id and event_log.subject_type = scope.kind
          and (scope.type is null or event_log.type = scope.type)
        ${ends}
      ) as found
      union
      select scope.index, found.position, found.outbox_id
      from unnest(${runs.map(({ index }) => index)}::int[], ${runs.map(({ runId }) => runId)}::uuid[])
        as scope(index, run_id)
      cross join lateral (
        select event_log.position, event_log.outbox_id from event_log
        where ${within} and event_log.run_id = scope.run_id
        ${ends}
      ) as found
    `.execute(sql),
  )
  const picked: PickedEvent[][] = lists.map(() => [])
  for (const { index, ...row } of rows.toSorted(byPosition)) picked[index]?.push(row)
  return picked.map((list) => (from === 'oldest' ? list.slice(0, limit) : list.slice(-limit)))
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
