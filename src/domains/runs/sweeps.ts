import { sql } from 'kysely'
import type { Ctx } from '../../platform/context.ts'
import type { Database } from '../../platform/db/database.ts'
import type { RunEnd } from './model.ts'
import { endIdleRun, lockRun, resumeRun } from './waiting.ts'

/*
 * Time's part in a run's life. `cadre_system` finds which runs of which workspaces are due, by the database's clock; each
 * is then dealt with in its own transaction as `cadre_app` bound to its workspace, under the run's lock and after a second
 * look, so that any number of processes may sweep at once.
 */

/** Due at once at most per pass; what is left comes with the next. */
const BATCH = 50

interface DueRun {
  readonly workspaceId: string
  readonly id: string
}

/** Runs whose deadline has passed while nobody works them, and runs whose wait for a time or the budget is over. */
export async function findDueRuns(
  db: Database,
): Promise<{ readonly expired: readonly DueRun[]; readonly awake: readonly DueRun[] }> {
  const [expired, awake] = await Promise.all([
    db.systemSql
      .selectFrom('run')
      .select(['workspaceId', 'id'])
      .where('deadline', '<=', sql<Date>`now()`)
      .where('status', 'in', ['QUEUED', 'WAITING'])
      .orderBy('deadline')
      .limit(BATCH)
      .execute(),
    db.systemSql
      .selectFrom('run')
      .select(['workspaceId', 'id'])
      .where('wakeAt', '<=', sql<Date>`now()`)
      .where('status', '=', 'WAITING')
      .orderBy('wakeAt')
      .limit(BATCH)
      .execute(),
  ])
  return { expired, awake }
}

const DEADLINE_PASSED: RunEnd = { status: 'EXPIRED', reason: 'DEADLINE', text: 'Its deadline passed.' }

/** One pass; returns how many runs it moved, so that a full batch can be followed at once by another pass. */
export async function sweepRuns(db: Database, contextOf: (workspaceId: string) => Ctx): Promise<number> {
  const { expired, awake } = await findDueRuns(db)
  let moved = 0
  for (const due of expired) {
    moved += await db.inTransaction(contextOf(due.workspaceId), async (tx) => {
      const run = await lockRun(tx, due.id)
      if (!run.isPastDeadline || (run.status !== 'QUEUED' && run.status !== 'WAITING')) return 0
      await endIdleRun(tx, run, DEADLINE_PASSED)
      return 1
    })
  }
  const gone = new Set(expired.map(({ id }) => id))
  for (const due of awake) {
    if (gone.has(due.id)) continue
    moved += await db.inTransaction(contextOf(due.workspaceId), async (tx) => {
      const run = await lockRun(tx, due.id)
      if (!run.isAwake) return 0
      const { resumed } = await resumeRun(tx, run)
      return resumed ? 1 : 0
    })
  }
  return moved
}
