// What follows the request: one pass after the other takes the first thing that is not done yet, in transactions of their
// own, until nothing is found. A process that dies leaves the rest to the next pass, wherever that is; whatever was done is
// not found again. In this order:
//
//   runs are stopped, and what works on one is waited for: what it holds in memory it would write down again
//   what the person sent, then their deals: what a later run would read
//   the runs' journals, acts, approvals, messages; the mail folder, and what the queue noted
//   turns of other runs in which something was done to the person
//   the spam log, stored outcomes
//   the log: first all that is committed is moved into it, then it is looked through
//   the certificate, which the log gets, too

import { sql } from 'kysely'
import type pg from 'pg'
import type { Ctx } from '../../platform/context.ts'
import type { Database } from '../../platform/db/database.ts'
import { onlyRow } from '../../platform/db/only-row.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { type DueItem, dealWithDue } from '../../platform/durable/due-items.ts'
import { forgetSegments } from '../../platform/durable/forget.ts'
import { isAppError } from '../../platform/lib/errors.ts'
import type { Logger } from '../../platform/observability/logger.ts'
import type { Mailer } from '../mail/mailer.ts'
import { isTerminal } from '../runs/model.ts'
import { cancelRun, effectKey, lockRun } from '../runs/service.ts'
import type { Counts } from './model.ts'
import * as parts from './parts.ts'
import { findProvenance, findVisits, type Person, type Provenance, type RunOf } from './provenance.ts'
import { finish, type Job, pause, readJob, setBack, work } from './record.ts'

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

/** Other sweeps wait for this one: a pass ends behind so much time, and the next follows. */
const PASS_MS = 500
const DUE_AT_ONCE = 10
const RUNS_AT_ONCE = 10
const EVENTS_AT_ONCE = 500
/** Until a run that is being worked has seen that it is to stop. */
const WAIT_MS = 1_000
const STOPPED = 'The person it was about was erased.'

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

type Step = 'DONE' | 'MORE' | 'WAIT'

async function advance(means: ErasureMeans, ctx: Ctx, { id }: DueItem): Promise<boolean> {
  const until = ctx.clock.monotonicMs() + PASS_MS
  for (;;) {
    const job = await readJob(ctx, id)
    const step = job === null ? 'DONE' : await takeStep(means, ctx, job)
    if (step === 'WAIT') await pause(ctx, id, WAIT_MS)
    if (step !== 'MORE') return step === 'DONE'
    if (ctx.clock.monotonicMs() >= until) return true
  }
}

/** Does the first thing that is not done yet. */
async function takeStep(means: ErasureMeans, ctx: Ctx, job: Job): Promise<Step> {
  const { person } = job
  const found = await ctx.db.read(ctx.workspaceId, (tables) => findProvenance(tables, person))
  if (!(await stopRuns(ctx, found.runs))) return 'WAIT'
  const empty = (part: (tx: Tx) => Promise<Counts>) => work(ctx, job.id, part)
  if (await empty((tx) => parts.emptySubmissions(tx, person))) return 'MORE'
  if (await empty((tx) => parts.emptyDeals(tx, found.deals, person.traces))) return 'MORE'
  const left = found.runs.filter(({ erasedAt }) => erasedAt === null).slice(0, RUNS_AT_ONCE)
  for (const run of left) await emptyRun(means, ctx, job.id, run)
  if (left.length > 0) return 'MORE'
  const visits = await emptyVisits(means, ctx, job.id, person)
  if (visits !== 'DONE') return visits
  if (await empty((tx) => parts.emptyRejections(tx, person))) return 'MORE'
  if (await empty((tx) => parts.removeClaims(tx, person))) return 'MORE'
  if (await emptyEvents(means, ctx, job, found)) return 'MORE'
  await finish(ctx, job.id)
  return 'DONE'
}

/** Whether all of them are over. What nobody works ends here, what is being worked with its next entry. */
async function stopRuns(ctx: Ctx, runs: readonly Pick<RunOf, 'id' | 'status'>[]): Promise<boolean> {
  let over = true
  for (const { id, status } of runs) {
    if (isTerminal(status)) continue
    try {
      const stopped = await ctx.db.inTransaction(ctx, (tx) => cancelRun(tx, { runId: id, reason: STOPPED }))
      over &&= isTerminal(stopped.status)
    } catch (err) {
      // It ended by itself in the meantime.
      if (!isAppError(err) || err.details.reason !== 'CLOSED') throw err
    }
  }
  return over
}

async function emptyRun(means: ErasureMeans, ctx: Ctx, jobId: string, run: RunOf): Promise<void> {
  const { workspaceId } = ctx
  // Before the rows that lead to them.
  await forgetMail(means, ctx, run.id, undefined)
  await forgetSegments(ctx.db.system, { workspaceId, runId: run.id, lastSegment: run.segment })
  await work(ctx, jobId, async (tx) => {
    await lockRun(tx, run.id)
    return await parts.emptyRun(tx, run.id)
  })
}

async function emptyVisits(means: ErasureMeans, ctx: Ctx, jobId: string, person: Person): Promise<Step> {
  const visits = await ctx.db.read(ctx.workspaceId, (tables) => findVisits(tables, person))
  if (
    !(await stopRuns(
      ctx,
      visits.map(({ runId, status }) => ({ id: runId, status })),
    ))
  ) {
    return 'WAIT'
  }
  for (const { runId, turn } of visits) {
    await forgetMail(means, ctx, runId, turn)
    await work(ctx, jobId, async (tx) => {
      await lockRun(tx, runId)
      return await parts.emptyActs(tx, runId, turn)
    })
  }
  return visits.length > 0 ? 'MORE' : 'DONE'
}

async function forgetMail({ mailer }: ErasureMeans, ctx: Ctx, runId: string, turn: number | undefined): Promise<void> {
  const sent = await ctx.db.read(ctx.workspaceId, (tables) =>
    tables
      .selectFrom('effect')
      .select(['turn', 'callIndex'])
      .where('runId', '=', runId)
      .where('target', '!=', '')
      .$if(turn !== undefined, (query) => query.where('turn', '=', turn as number))
      .execute(),
  )
  for (const act of sent) await mailer.forget(effectKey(runId, act.turn, act.callIndex))
}

/** Whether there was something, so that there may be more. */
async function emptyEvents(
  { kept, sequencePass }: ErasureMeans,
  ctx: Ctx,
  job: Job,
  found: Provenance,
): Promise<boolean> {
  await sequencePass()
  const { subjects, runs } = await ctx.db.read(ctx.workspaceId, (tables) =>
    parts.findSubjects(tables, job.person.contactId, found),
  )
  const erased = await eraseEvents(ctx.db.system, ctx.workspaceId, job.requestOutboxId, { subjects, runs, kept })
  return erased > 0
}

async function eraseEvents(
  system: pg.Pool,
  workspaceId: string,
  request: bigint,
  { subjects, runs, kept }: { subjects: string[]; runs: string[]; kept: ErasureMeans['kept'] },
): Promise<number> {
  const result = await system.query<{ erased: number }>('SELECT cadre_erase_events($1, $2, $3, $4, $5, $6) AS erased', [
    workspaceId,
    request,
    subjects,
    runs,
    JSON.stringify(kept),
    EVENTS_AT_ONCE,
  ])
  return onlyRow(result).erased
}
