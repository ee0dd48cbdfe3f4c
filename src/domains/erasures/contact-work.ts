import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { forgetSegments } from '../../platform/durable/forget.ts'
import { isAppError } from '../../platform/lib/errors.ts'
import { isTerminal } from '../runs/model.ts'
import { cancelRun, effectKey, lockRun } from '../runs/service.ts'
import { emptyLog, isLeftInLog, toldOfContact } from './log.ts'
import { type Counts, sumOf } from './model.ts'
import * as parts from './parts.ts'
import { findHistory, findProvenance, findVisits, type Person, type Provenance, type RunOf } from './provenance.ts'
import { finish, type Job, remember, work } from './record.ts'
import type { ErasureMeans, Step } from './work.ts'

/*
 * A contact. In this order:
 *
 *   how they were known before, which only the log tells: first all that is committed is moved into it
 *   runs are stopped, and what works on one is waited for: what it holds in memory it would write down again
 *   what the person sent, then their deals: what a later run would read
 *   the runs' journals, acts, approvals, messages; the mail folder, and what the queue noted
 *   turns of other runs in which something was done to the person
 *   the spam log, stored outcomes, what a mail server said
 *   the log
 *   the certificate, which the log gets, too
 */

const RUNS_AT_ONCE = 10
const STOPPED = 'The person it was about was erased.'

/** Does the first thing that is not done yet. */
export async function stepForContact(means: ErasureMeans, ctx: Ctx, job: Job): Promise<Step> {
  const { former, traces, requestedAt } = job
  const person: Person = { contactId: job.subject.id, traces, requestedAt, former: former ?? {} }
  if (former === null) {
    await means.sequencePass()
    await remember(ctx, job.id, await ctx.db.read(ctx.workspaceId, (tables) => findHistory(tables, person)))
    return 'MORE'
  }
  const found = await ctx.db.read(ctx.workspaceId, (tables) => findProvenance(tables, person))
  if (!(await stopRuns(ctx, found.runs))) return 'WAIT'
  for (const part of partsOf(person, found)) if (await work(ctx, job.id, part)) return 'MORE'
  const left = found.runs.filter(({ erasedAt }) => erasedAt === null).slice(0, RUNS_AT_ONCE)
  for (const run of left) await emptyRun(means, ctx, job.id, run)
  if (left.length > 0) return 'MORE'
  const visits = await emptyVisits(means, ctx, job.id, person)
  if (visits !== 'DONE') return visits
  const told = await ctx.db.read(ctx.workspaceId, (tables) => toldOfContact(tables, person, found))
  if (await emptyLog(means, ctx.workspaceId, job.requestOutboxId, told)) return 'MORE'
  return (await finish(ctx, job.id, (tx) => lookAgain(tx, means, person))) ? 'DONE' : 'MORE'
}

const partsOf = (person: Person, found: Provenance): readonly ((tx: Tx) => Promise<Counts>)[] => [
  (tx) => parts.emptySubmissions(tx, person),
  (tx) => parts.emptyDeals(tx, found, person.traces),
  (tx) => parts.emptyRejections(tx, person),
  (tx) => parts.removeClaims(tx, person),
  (tx) => parts.emptyMailFault(tx, person),
]

async function lookAgain(tx: Tx, { kept }: ErasureMeans, person: Person): Promise<Counts | null> {
  const found = await findProvenance(tx.sql, person)
  if (found.runs.some(({ status, erasedAt }) => !isTerminal(status) || erasedAt === null)) return null
  if ((await findVisits(tx.sql, person)).length > 0) return null
  if (await isLeftInLog(tx, kept, await toldOfContact(tx.sql, person, found))) return null
  const counts: Counts[] = []
  for (const part of partsOf(person, found)) counts.push(await part(tx))
  return sumOf(counts)
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
  const runs = visits.map(({ runId, status }) => ({ id: runId, status }))
  if (!(await stopRuns(ctx, runs))) return 'WAIT'
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
