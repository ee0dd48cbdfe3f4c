// The lives of the log.
//
// Positions are numbers in one database. When that database is restored from a dump or a backup, or a replica of it is
// promoted, its log goes on from an earlier place, and the same positions come to mean other events. A cursor that was
// given out before would then be misread in silence. So each life of the log is an *epoch*: what the database is
// (system identifier and oid of the database, timeline of its WAL) is compared with the newest row of `event_epoch`
// before anything is sequenced over a new connection, under the sequencers' lock, and when it is another one, a new epoch
// is opened that `starts_at` the head. Up to there the old and the new life are the same log.
//
// Epochs are numbered by the seconds in which they were opened. Two restores of one dump would both call their new epoch
// "2"; and a fresh database would take the cursors of its predecessor for its own. So a number is never met again.

import type pg from 'pg'
import { type AppError, cursorExpired } from '../lib/errors.ts'
import { formatCursor, type LogPosition } from './cursor.ts'

export interface Epoch {
  readonly number: number
  /** The head of the log when the epoch was opened: up to here it shares the history of the one before. */
  readonly startsAt: bigint
}

/** Held, by one transaction at a time, by whoever writes to the log: positions are drawn in the order of commits. */
export const SEQUENCER_LOCK = '7161119498213228545'

const FIRST_SECOND = Date.UTC(2025, 0, 1) / 1000

const SYSTEM_IDENTIFIER = `(SELECT system_identifier::text FROM pg_control_system())`
// Where pg_control_system() is not granted: what a dump and restore cannot carry over, which is the oids and the
// transaction in which the log's table was made.
const MADE_HERE = `(SELECT concat_ws('.', 'unknown', 'event_log'::regclass::oid, 'event_outbox'::regclass::oid,
    'event_epoch'::regclass::oid, xmin) FROM pg_attribute
  WHERE attrelid = 'event_log'::regclass AND attname = 'position')`

const openEpoch = (systemIdentifier: string, knownHead: bigint): string => `
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SELECT pg_advisory_xact_lock(${SEQUENCER_LOCK});
WITH here AS MATERIALIZED (
  SELECT ${systemIdentifier} || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS system,
         ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline,
         coalesce((SELECT max(position) FROM event_log), 0) AS head
), newest AS (
  SELECT number, system_identifier, timeline FROM event_epoch ORDER BY number DESC LIMIT 1
)
INSERT INTO event_epoch (number, system_identifier, timeline, starts_at)
SELECT greatest(coalesce(newest.number, 0) + 1, extract(epoch FROM clock_timestamp())::bigint - ${FIRST_SECOND})::int,
       here.system, here.timeline, CASE WHEN newest.number IS NULL THEN 0 ELSE here.head END
  FROM here LEFT JOIN newest ON true
 WHERE newest.number IS NULL OR newest.system_identifier <> here.system OR newest.timeline <> here.timeline
    OR here.head < ${knownHead};
COMMIT`

/**
 * Opens a new epoch where the database is not the one that the newest epoch knows, or where its log ends before
 * `knownHead`, which the caller has seen committed: a backup was put in its place. One message, so that a process that
 * is stopped in the middle does not keep the lock. On an error the connection is in doubt.
 */
export async function ensureEpoch(client: pg.ClientBase, knownHead: bigint): Promise<void> {
  const { rows } = await client.query<{ granted: boolean | null }>(
    `SELECT has_function_privilege(to_regprocedure('pg_control_system()'), 'execute') AS granted`,
  )
  const identifier = rows[0]?.granted === true ? SYSTEM_IDENTIFIER : MADE_HERE
  await client.query(openEpoch(identifier, knownHead))
}

/** All epochs, oldest first. */
export async function readEpochs(system: pg.Pool): Promise<readonly Epoch[]> {
  const { rows } = await system.query<{ number: number; starts_at: bigint }>({
    name: 'event_epochs',
    text: `SELECT number, starts_at FROM event_epoch ORDER BY number`,
  })
  return rows.map((row) => ({ number: row.number, startsAt: row.starts_at }))
}

/**
 * The position in today's log from which a reader with this cursor misses nothing: its own, as long as the cursor's
 * epoch and today's share their history up to there. Else CURSOR_EXPIRED with the oldest position that works: the place
 * where the histories part, or the beginning of the log where that is not known. `epochs` oldest first, at least one.
 */
export function resolveCursor(cursor: LogPosition, epochs: readonly Epoch[], head: bigint): bigint {
  const gone = findExpiry(cursor, epochs, head)
  if (gone !== undefined) throw gone
  return cursor.position
}

/** CURSOR_EXPIRED where the place is not part of the log's present course. */
export const whyGone = (place: LogPosition, epochs: readonly Epoch[]): AppError | undefined =>
  findExpiry(place, epochs, place.position)

function findExpiry(cursor: LogPosition, epochs: readonly Epoch[], head: bigint): AppError | undefined {
  const newest = epochs.at(-1)
  if (newest === undefined) throw new Error('the log has no epoch yet')
  const index = epochs.findIndex((epoch) => epoch.number === cursor.epoch)
  const next = index === -1 ? undefined : epochs[index + 1]
  if (index === -1 || (next === undefined && cursor.position > head)) {
    return cursorExpired(formatCursor({ epoch: newest.number, position: 0n }))
  }
  if (next !== undefined && cursor.position > next.startsAt) {
    return cursorExpired(formatCursor({ epoch: newest.number, position: next.startsAt }))
  }
  return undefined
}
