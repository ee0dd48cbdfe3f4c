import { sql } from 'kysely'
import type { Ctx } from '../../platform/context.ts'
import type { Database } from '../../platform/db/database.ts'
import { type DueItem, dealWithDue } from '../../platform/durable/due-items.ts'
import type { Logger } from '../../platform/observability/logger.ts'
import type { RunEnd } from './model.ts'
import { endIdleRun, lockFreeRun, resumeRun } from './waiting.ts'

/*
 * Time's part in a run's life. `cadre_system` finds which runs of which workspaces are due, by the database's clock; each
 * is then dealt with in its own transaction as `cadre_app` bound to its workspace, under the run's lock and after a second
 * look, so that any number of processes may sweep at once. One that somebody has locked is left for the next pass.
 */

/** Due at once at most per pass; what is left comes with the next. */
const BATCH = 50

/** Runs whose deadline has passed while nobody works them. */
const findExpired = (db: Database, seen: readonly string[]): Promise<DueItem[]> =>
  db.systemSql
    .selectFrom('run')
    .select(['workspaceId', 'id'])
    .where('deadline', '<=', sql<Date>`now()`)
    .where('status', 'in', ['QUEUED', 'WAITING'])
    .$if(seen.length > 0, (query) => query.where('id', 'not in', seen))
    .orderBy('deadline')
    .limit(BATCH)
    .execute()

/** Runs whose wait for a time or the budget is over. */
const findAwake = (db: Database, seen: readonly string[]): Promise<DueItem[]> =>
  db.systemSql
    .selectFrom('run')
    .select(['workspaceId', 'id'])
    .where('wakeAt', '<=', sql<Date>`now()`)
    .where('status', '=', 'WAITING')
    .$if(seen.length > 0, (query) => query.where('id', 'not in', seen))
    .orderBy('wakeAt')
    .limit(BATCH)
    .execute()

const DEADLINE_PASSED: RunEnd = { status: 'EXPIRED', reason: 'DEADLINE', text: 'Its deadline passed.' }

/** One pass; returns how many runs it moved, so that a full batch can be followed at once by another pass. */
export async function sweepRuns(db: Database, contextOf: (workspaceId: string) => Ctx, log: Logger): Promise<number> {
  const expired = await dealWithDue({
    log,
    find: (seen) => findExpired(db, seen),
    deal: ({ workspaceId, id }) =>
      db.inTransaction(contextOf(workspaceId), async (tx) => {
        const run = await lockFreeRun(tx, id)
        if (run?.isPastDeadline !== true || (run.status !== 'QUEUED' && run.status !== 'WAITING')) return false
        await endIdleRun(tx, run, DEADLINE_PASSED)
        return true
      }),
  })
  const awake = await dealWithDue({
    log,
    find: (seen) => findAwake(db, seen),
    deal: ({ workspaceId, id }) =>
      db.inTransaction(contextOf(workspaceId), async (tx) => {
        const run = await lockFreeRun(tx, id)
        return run?.isAwake === true && (await resumeRun(tx, run)).resumed
      }),
  })
  return expired + awake
}
