import { sql } from 'kysely'
import { Duration } from 'luxon'
import type { Ctx } from '../../platform/context.ts'
import type { Database } from '../../platform/db/database.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { SETTINGS } from '../settings/model.ts'
import { readSettings } from '../settings/service.ts'
import { finishSubmission } from './service.ts'

/*
 * What time does to submissions. One that an employee has, while no run of it is queued, works or waits, would stay
 * PROCESSING for ever: after a while a person has to look. As with runs, `cadre_system` finds which are due, by the
 * database's clock, and each is dealt with as `cadre_app` in its own transaction, under its lock and after a second look.
 */

/** Due at once at most per pass; what is left comes with the next. */
const BATCH = 50
const LIVE = ['QUEUED', 'RUNNING', 'WAITING'] as const

/** For how long a submission may be PROCESSING without a run: what its workspace has set, else the default. */
const ABANDONED_AFTER = sql<Date>`now() - interval '1 millisecond' * coalesce(
  (workspace.settings ->> 'reviewSubmissionsAfter')::bigint, ${sql.lit(SETTINGS.reviewSubmissionsAfter.default)})`
/** No workspace can set less: how far the index is read. */
const LEAST_AFTER = sql<Date>`now() - interval '1 millisecond' * ${sql.lit(SETTINGS.reviewSubmissionsAfter.min)}`

/** One pass; returns how many submissions it moved, so that a full batch can be followed at once by another pass. */
export async function sweepSubmissions(db: Database, contextOf: (workspaceId: string) => Ctx): Promise<number> {
  const due = await db.systemSql
    .selectFrom('submission')
    .innerJoin('workspace', 'workspace.id', 'submission.workspaceId')
    .select(['submission.workspaceId', 'submission.id'])
    .where('submission.status', '=', 'PROCESSING')
    .where('submission.receivedAt', '<=', LEAST_AFTER)
    .where('submission.receivedAt', '<=', ABANDONED_AFTER)
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
    .orderBy('submission.receivedAt')
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
  const { reviewSubmissionsAfter } = await readSettings(tx)
  const reason = `For ${inWords(reviewSubmissionsAfter)} no run has worked on it.`
  return (await finishSubmission(tx, id, { status: 'NEEDS_REVIEW', reason })) ? 1 : 0
}

/** `30 minutes`, `2 days, 3 hours`. */
const inWords = (ms: number): string => Duration.fromMillis(ms, { locale: 'en' }).rescale().removeZeros().toHuman()
