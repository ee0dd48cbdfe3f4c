// What follows the request: one pass after the other takes the first thing that is not done yet, in transactions of their
// own, until nothing is found. A process that dies leaves the rest to the next pass, wherever that is; whatever was done is
// not found again. In which order says `contact-work.ts` for contacts and `member-work.ts` for members.

import { sql } from 'kysely'
import type { Ctx } from '../../platform/context.ts'
import type { Database } from '../../platform/db/database.ts'
import { type DueItem, dealWithDue } from '../../platform/durable/due-items.ts'
import type { Logger } from '../../platform/observability/logger.ts'
import type { Mailer } from '../mail/mailer.ts'
import { stepForContact } from './contact-work.ts'
import { stepForMember } from './member-work.ts'
import { pause, readJob, setBack } from './record.ts'

export interface ErasureMeans {
  readonly db: Database
  readonly contextOf: (workspaceId: string) => Ctx
  readonly log: Logger
  readonly mailer: Pick<Mailer, 'forget'>
  /** Resolves when all that was committed before is in the log. */
  readonly sequencePass: () => Promise<void>
  /** Which events outlive an erasure: see `EventTypes.kept`. */
  readonly kept: Readonly<Record<string, readonly string[]>>
}

/** MORE: something was done, look again. WAIT: something has to happen first. DONE: it is finished. */
export type Step = 'DONE' | 'MORE' | 'WAIT'

/** Other sweeps wait for this one: a pass ends behind so much time, and the next follows. */
const PASS_MS = 500
const DUE_AT_ONCE = 10
/** Until a run that is being worked has seen that it is to stop. */
const WAIT_MS = 1_000

/** One pass over what is under way; returns how many erasures it brought further, those that wait not counted. */
export function sweepErasures(means: ErasureMeans): Promise<number> {
  const { db, log } = means
  return dealWithDue({
    log,
    find: (seen) =>
      db.systemSql
        .selectFrom('erasure')
        .select(['workspaceId', 'id'])
        .where('status', '!=', 'SUCCEEDED')
        .where('nextTryAt', '<=', sql<Date>`now()`)
        .$if(seen.length > 0, (query) => query.where('id', 'not in', seen))
        .orderBy('nextTryAt')
        .limit(DUE_AT_ONCE)
        .execute(),
    deal: async (item) => {
      const ctx = means.contextOf(item.workspaceId)
      try {
        return await advance(means, ctx, item)
      } catch (err) {
        await setBack(ctx, item.id)
        throw err
      }
    },
  })
}

async function advance(means: ErasureMeans, ctx: Ctx, { id }: DueItem): Promise<boolean> {
  const until = ctx.clock.monotonicMs() + PASS_MS
  for (;;) {
    const step = await takeStep(means, ctx, id)
    if (step === 'WAIT') await pause(ctx, id, WAIT_MS)
    if (step !== 'MORE') return step === 'DONE'
    if (ctx.clock.monotonicMs() >= until) return true
  }
}

async function takeStep(means: ErasureMeans, ctx: Ctx, id: string): Promise<Step> {
  const job = await readJob(ctx, id)
  if (job === null) return 'DONE'
  return job.subject.kind === 'contact' ? stepForContact(means, ctx, job) : stepForMember(means, ctx, job)
}
