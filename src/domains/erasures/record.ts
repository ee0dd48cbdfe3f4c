import { sql } from 'kysely'
import type { StoredActor } from '../../platform/auth/viewer.ts'
import type { Ctx } from '../../platform/context.ts'
import { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { contactEvents } from '../contacts/events.ts'
import { addCounts, type Counts, certify, countList, namesPerson, type Traces } from './model.ts'
import type { Person } from './provenance.ts'

/* An erasure's own row: what is looked for, what was counted so far, and the certificate at the end. */

export interface Job {
  readonly id: string
  readonly requestOutboxId: bigint
  readonly person: Person
}

const NO_TRACES: Traces = { emails: [], phone: null, name: null }

/** Null when it is finished. */
export async function readJob(ctx: Ctx, id: string): Promise<Job | null> {
  const row = await ctx.db.read(ctx.workspaceId, (tables) =>
    tables
      .selectFrom('erasure')
      .select(['status', 'subjectId', 'requestedAt', 'requestOutboxId', 'traces'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow(),
  )
  if (row.status === 'SUCCEEDED') return null
  const traces = (row.traces as unknown as Traces | null) ?? NO_TRACES
  const person = { contactId: row.subjectId, requestedAt: row.requestedAt, traces }
  return { id, requestOutboxId: row.requestOutboxId, person }
}

const lockErasure = (tx: Tx, id: string) =>
  tx.sql.selectFrom('erasure').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow()

/** Does one part and counts it, in one transaction; whether there was something to do. */
export const work = (ctx: Ctx, id: string, part: (tx: Tx) => Promise<Counts>): Promise<boolean> =>
  ctx.db.inTransaction(ctx, async (tx) => {
    const row = await lockErasure(tx, id)
    if (row.status === 'SUCCEEDED') return false
    const counts = await part(tx)
    if (Object.values(counts).every((rows) => rows === 0)) return false
    await tx.sql
      .updateTable('erasure')
      .set({ status: 'RUNNING', counts: json(addCounts(row.counts as Counts, counts)), updatedAt: tx.now })
      .where('id', '=', id)
      .execute()
    return true
  })

const inMs = (ms: number) => sql<Date>`clock_timestamp() + ${ms} * interval '1 millisecond'`

/** Has it looked at again later: something is waited for. */
export async function pause(ctx: Ctx, id: string, ms: number): Promise<void> {
  await ctx.db.inTransaction(ctx, (tx) =>
    tx.sql
      .updateTable('erasure')
      .set({ status: 'RUNNING', nextTryAt: inMs(ms), updatedAt: tx.now })
      .where('id', '=', id)
      .where('status', '!=', 'SUCCEEDED')
      .execute(),
  )
}

const FIRST_BACK_OFF_MS = 2_000
const LONGEST_BACK_OFF_MS = 10 * 60_000

/** Has it tried again later, each time later than before. */
export async function setBack(ctx: Ctx, id: string): Promise<void> {
  await ctx.db.inTransaction(ctx, async (tx) => {
    const { attempts, status } = await lockErasure(tx, id)
    if (status === 'SUCCEEDED') return
    const ms = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(attempts, 20))
    await tx.sql
      .updateTable('erasure')
      .set({ attempts: attempts + 1, nextTryAt: inMs(ms), updatedAt: tx.now })
      .where('id', '=', id)
      .execute()
  })
}

/** Nothing is left: what was looked for is forgotten, too, the certificate is made, and the log gets its digest. */
export const finish = (ctx: Ctx, id: string): Promise<void> =>
  ctx.db.inTransaction(ctx, async (tx) => {
    const row = await lockErasure(tx, id)
    if (row.status === 'SUCCEEDED') return
    const { events } = await tx.sql
      .selectFrom('eventLog')
      .select((eb) => eb.fn.countAll<bigint>().as('events'))
      .where('erasedBy', '=', row.requestOutboxId)
      .executeTakeFirstOrThrow()
    const counts = addCounts(row.counts as Counts, { contact: 1, event_log: Number(events) })
    const subject = { kind: row.subjectType, id: row.subjectId }
    const { document, digest } = certify({
      id,
      workspaceId: tx.workspaceId,
      subject,
      requestedBy: row.requestedBy as unknown as StoredActor,
      requestedAt: row.requestedAt,
      finishedAt: tx.now,
      counts,
    })
    const named = row.reason !== null && namesPerson(row.reason, (row.traces as unknown as Traces | null) ?? NO_TRACES)
    await tx.sql
      .updateTable('erasure')
      .set({
        status: 'SUCCEEDED',
        finishedAt: tx.now,
        traces: null,
        counts: json(counts),
        document,
        digest,
        ...(named ? { reason: null } : {}),
        updatedAt: tx.now,
      })
      .where('id', '=', id)
      .execute()
    appendEvents(tx, [
      {
        type: contactEvents.erased.type,
        subject,
        data: { erasureId: id, counts: countList(counts), digest },
      },
    ])
  })
