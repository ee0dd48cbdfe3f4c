import { sql } from 'kysely'
import type { Ctx } from '../../platform/context.ts'
import type { Database } from '../../platform/db/database.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { finishSubmission } from './service.ts'

/*
 * What time does to submissions. One that an employee has, while no run of it is queued, works or waits, would stay
 * PROCESSING for ever: after a while a person has to look. As with runs, `cadre_system` finds which are due, by the
 * database's clock, and each is dealt with as `cadre_app` in its own transaction, under its lock and after a second look.
 */

/** For how long a submission may be PROCESSING without a run. */
const ABANDONED_AFTER = sql<Date>`now() - interval '30 minutes'`
/** Due at once at most per pass; what is left comes with the next. */
const BATCH = 50
const LIVE = ['QUEUED', 'RUNNING', 'WAITING'] as const
const ABANDONED = 'For 30 minutes no run has worked on it.'

/** One pass; returns how many submissions it moved, so that a full batch can be followed at once by another pass. */
export async function sweepSubmissions(db: Database, contextOf: (workspaceId: string) => Ctx): Promise<number> {
  const due = await db.systemSql
    .selectFrom('submission')
    .select(['workspaceId', 'id'])
    .where('status', '=', 'PROCESSING')
    .where('receivedAt', '<=', ABANDONED_AFTER)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('run')
            .select('run.id')
            .whereRef('run.workspaceId', '=', 'submission.workspaceId')
            .whereRef('run.submissionId', '=', 'submission.id')
            .where('run.status', 'in', LIVE),
        ),
      ),
    )
    .orderBy('receivedAt')
    .limit(BATCH)
    .execute()
  let moved = 0
  for (const { workspaceId, id } of due) {
    moved += await db.inTransaction(contextOf(workspaceId), (tx) => reviewAbandoned(tx, id))
  }
  return moved
}

async function reviewAbandoned(tx: Tx, id: string): Promise<number> {
  const { status } = await tx.sql
    .selectFrom('submission')
    .select('status')
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow()
  // Looked for after the lock: whatever ended the work on it, or began it again, is seen now.
  const live = await tx.sql
    .selectFrom('run')
    .select('id')
    .where('submissionId', '=', id)
    .where('status', 'in', LIVE)
    .limit(1)
    .executeTakeFirst()
  if (status !== 'PROCESSING' || live !== undefined) return 0
  return (await finishSubmission(tx, id, { status: 'NEEDS_REVIEW', reason: ABANDONED })) ? 1 : 0
}
