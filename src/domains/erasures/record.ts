import { sql } from 'kysely'
import { type StoredActor, storedActor } from '../../platform/auth/viewer.ts'
import type { Ctx } from '../../platform/context.ts'
import { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents, lastEventOf } from '../../platform/events/append.ts'
import { foretellEffect } from '../../platform/foretold.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { contactEvents } from '../contacts/events.ts'
import { memberEvents } from '../workspaces/events.ts'
import {
  addCounts,
  type Counts,
  certify,
  countList,
  isNothing,
  namesPerson,
  type Sought,
  type SubjectKind,
  type Traces,
} from './model.ts'
import type { FormerDeals, History } from './provenance.ts'

/* An erasure's own row: what is looked for, what was counted so far, and the certificate at the end. */

export interface Job extends Sought {
  readonly id: string
  readonly subject: { readonly kind: SubjectKind; readonly id: string }
  readonly requestOutboxId: bigint
  /** Null until the log was asked how the person was known before. */
  readonly former: FormerDeals | null
}

type StoredTraces = Traces & { readonly former?: FormerDeals }

const NO_TRACES: Traces = { emails: [], phones: [], names: [] }

const tracesOf = (row: { readonly traces: unknown }): StoredTraces => (row.traces as StoredTraces | null) ?? NO_TRACES

export interface ErasureRequest {
  readonly subject: { readonly kind: SubjectKind; readonly id: string }
  readonly subjectVersion?: number
  readonly reason?: string | null | undefined
  readonly traces: Traces
  /** What was done at once. */
  readonly counts?: Counts
  /** When the rest is begun; now unless told. */
  readonly nextTryAt?: Date
}

/** Has a thing erased whose row is empty already, and tells the log. Returns the erasure's id. */
export async function requestErasure(tx: Tx, request: ErasureRequest): Promise<string> {
  const { subject, subjectVersion, reason, traces, counts = {}, nextTryAt = tx.now } = request
  const id = newId()
  appendEvents(tx, [
    {
      type: REQUESTED_EVENT[subject.kind],
      subject,
      ...(subjectVersion === undefined ? {} : { subjectVersion }),
      data: { erasureId: id },
    },
  ])
  foretellEffect(tx, { kind: 'ERASURE_QUEUED', of: encodeId(subject.kind, subject.id) })
  const requestOutboxId = await lastEventOf(tx)
  if (requestOutboxId === null) throw new Error('an event was appended')
  await tx.sql
    .insertInto('erasure')
    .values({
      workspaceId: tx.workspaceId,
      id,
      subjectType: subject.kind,
      subjectId: subject.id,
      reason: reason ?? null,
      requestedBy: json(storedActor(tx.viewer)),
      requestedAt: tx.now,
      requestOutboxId,
      traces: json(traces),
      counts: json(counts),
      nextTryAt,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  return id
}

/** Null when it is finished. */
export async function readJob(ctx: Ctx, id: string): Promise<Job | null> {
  const row = await ctx.db.read(ctx.workspaceId, (tables) =>
    tables
      .selectFrom('erasure')
      .select(['status', 'subjectType', 'subjectId', 'requestedAt', 'requestOutboxId', 'traces'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow(),
  )
  if (row.status === 'SUCCEEDED') return null
  const { former = null, ...traces } = tracesOf(row)
  // The database checks of whom an erasure may be.
  const subject = { kind: row.subjectType as SubjectKind, id: row.subjectId }
  return { id, subject, requestOutboxId: row.requestOutboxId, requestedAt: row.requestedAt, traces, former }
}

const lockErasure = (tx: Tx, id: string) =>
  tx.sql.selectFrom('erasure').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow()

/** Does one part and counts it, in one transaction; whether there was something to do. */
export const work = (ctx: Ctx, id: string, part: (tx: Tx) => Promise<Counts>): Promise<boolean> =>
  ctx.db.inTransaction(ctx, async (tx) => {
    const row = await lockErasure(tx, id)
    if (row.status === 'SUCCEEDED') return false
    const counts = await part(tx)
    if (isNothing(counts)) return false
    await add(tx, row, counts)
    return true
  })

async function add(tx: Tx, row: { readonly id: string; readonly counts: unknown }, counts: Counts): Promise<void> {
  await tx.sql
    .updateTable('erasure')
    .set({ status: 'RUNNING', counts: json(addCounts(row.counts as Counts, counts)), updatedAt: tx.now })
    .where('id', '=', row.id)
    .execute()
}

/** Notes what else is looked for. The log will have forgotten it when it is needed last. */
export async function remember(ctx: Ctx, id: string, { traces, former }: History): Promise<void> {
  await ctx.db.inTransaction(ctx, (tx) =>
    tx.sql
      .updateTable('erasure')
      .set({ traces: json({ ...traces, former } satisfies StoredTraces), updatedAt: tx.now })
      .where('id', '=', id)
      .where('status', '!=', 'SUCCEEDED')
      .execute(),
  )
}

export const inMs = (ms: number) => sql<Date>`clock_timestamp() + ${ms} * interval '1 millisecond'`

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

/** Has it tried again later, each time later than before. */
export async function setBack(ctx: Ctx, id: string): Promise<void> {
  await ctx.db.inTransaction(ctx, async (tx) => {
    const { attempts, status } = await lockErasure(tx, id)
    if (status === 'SUCCEEDED') return
    await tx.sql
      .updateTable('erasure')
      .set({ attempts: attempts + 1, nextTryAt: inMs(backOffMs(attempts)), updatedAt: tx.now })
      .where('id', '=', id)
      .execute()
  })
}

const FIRST_BACK_OFF_MS = 2_000
const LONGEST_BACK_OFF_MS = 10 * 60_000

/** How long it is left alone after so many failures and one more. */
export const backOffMs = (failures: number): number =>
  Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(failures, 20))

const REQUESTED_EVENT: Readonly<Record<SubjectKind, string>> = {
  contact: contactEvents.erasureRequested.type,
  member: memberEvents.erasureRequested.type,
}
const ERASED_EVENT: Readonly<Record<SubjectKind, string>> = {
  contact: contactEvents.erased.type,
  member: memberEvents.erased.type,
}

/**
 * Looks a last time, at one moment of the whole database; null says that something is left for another step, and counts that
 * something was left and is done now. When there was nothing, what was looked for is forgotten, too, the certificate is made,
 * and the log gets its digest. Whether it is finished.
 */
export const finish = (ctx: Ctx, id: string, lastLook: (tx: Tx) => Promise<Counts | null>): Promise<boolean> =>
  ctx.db.inTransaction(ctx, async (tx) => {
    await sql`set transaction isolation level repeatable read`.execute(tx.sql)
    const row = await lockErasure(tx, id)
    if (row.status === 'SUCCEEDED') return true
    const found = await lastLook(tx)
    if (found === null) return false
    if (!isNothing(found)) {
      await add(tx, row, found)
      return false
    }
    const { events } = await tx.sql
      .selectFrom('eventLog')
      .select((eb) => eb.fn.countAll<bigint>().as('events'))
      .where((eb) => eb.or([eb('erasedBy', '=', row.requestOutboxId), eb('addressErasedBy', '=', row.requestOutboxId)]))
      .executeTakeFirstOrThrow()
    const counts = addCounts(row.counts as Counts, { [row.subjectType]: 1, event_log: Number(events) })
    const subject = { kind: row.subjectType as SubjectKind, id: row.subjectId }
    const { document, digest } = certify({
      id,
      workspaceId: tx.workspaceId,
      subject,
      requestedBy: row.requestedBy as unknown as StoredActor,
      requestedAt: row.requestedAt,
      finishedAt: tx.now,
      counts,
    })
    const named = row.reason !== null && namesPerson(row.reason, tracesOf(row))
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
      { type: ERASED_EVENT[subject.kind], subject, data: { erasureId: id, counts: countList(counts), digest } },
    ])
    return true
  })
