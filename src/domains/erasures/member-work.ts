import type { Kysely } from 'kysely'
import type { Ctx } from '../../platform/context.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { emptyLog, isLeftInLog, type Told } from './log.ts'
import { type Counts, sumOf } from './model.ts'
import * as parts from './parts.ts'
import { finish, type Job, work } from './record.ts'
import type { ErasureMeans, Step } from './work.ts'

/*
 * A member whose account was erased. Who they were went with the request; what is left is what named them elsewhere: stored
 * outcomes, and what the log told. What they did to others' things stays there as it was told, without the address they did
 * it from.
 */

/** Does the first thing that is not done yet. */
export async function stepForMember(means: ErasureMeans, ctx: Ctx, job: Job): Promise<Step> {
  for (const part of partsOf(job)) if (await work(ctx, job.id, part)) return 'MORE'
  const told = await ctx.db.read(ctx.workspaceId, (tables) => toldOfMember(tables, job))
  if (await emptyLog(means, ctx.workspaceId, job.requestOutboxId, told)) return 'MORE'
  return (await finish(ctx, job.id, (tx) => lookAgain(tx, means, job))) ? 'DONE' : 'MORE'
}

const partsOf = (job: Job): readonly ((tx: Tx) => Promise<Counts>)[] => [
  (tx) => parts.removeClaims(tx, job),
  (tx) => parts.emptyMailFault(tx, job),
]

async function lookAgain(tx: Tx, { kept }: ErasureMeans, job: Job): Promise<Counts | null> {
  if (await isLeftInLog(tx, kept, await toldOfMember(tx.sql, job))) return null
  const counts: Counts[] = []
  for (const part of partsOf(job)) counts.push(await part(tx))
  return sumOf(counts)
}

async function toldOfMember(tables: Kysely<Tables>, { subject: { id } }: Job): Promise<Told> {
  const keys = (await tables.selectFrom('apiKey').select('id').where('memberId', '=', id).execute()).map(
    (key) => key.id,
  )
  const invites = await tables.selectFrom('invite').select('id').where('acceptedByMemberId', '=', id).execute()
  return {
    subjects: [id, ...keys, ...invites.map((invite) => invite.id)],
    runs: [],
    former: {},
    actors: [id, ...keys],
  }
}
