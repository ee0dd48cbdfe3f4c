/*
 * What a workspace may spend on models in a day. Before each attempt its worst case is held, after it the real cost is
 * settled; without a hold nothing is called.
 *
 * HELD      the attempt may be in flight; its worst case counts.
 * SETTLED   it ended and its cost is known.
 * RELEASED  it was never sent; nothing counts.
 * LOST      it was sent and nobody knows what it cost; its worst case counts.
 *
 * Always: limit >= settled + lost + held, but for a limit that was lowered afterwards. The day's row is every run's, so
 * it is locked last in a transaction: call these as the last thing before it commits.
 */

import { sql } from 'kysely'
import type { Ctx } from '../../platform/context.ts'
import { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { type Attempt, type AttemptEnd, type DayFigures, dayAfter, dayOf, mayHold, type Reserved } from './model.ts'

export type { Attempt, AttemptEnd, Reserved } from './model.ts'

/**
 * Ends one attempt's hold, where there is one, and then holds the worst case of the next, where there is one. One lock of
 * the day's row for both. Call it last in the transaction. Ending what was never held or has ended changes nothing.
 */
export async function moveBudget(
  tx: Tx,
  movement: {
    readonly end?: (Attempt & AttemptEnd) | undefined
    readonly reserve?: (Attempt & { readonly worstCaseMicros: bigint }) | undefined
  },
): Promise<Reserved> {
  const ended = movement.end === undefined ? undefined : await endReservation(tx, movement.end)
  const today = dayOf(tx.now)
  const sameDay = ended !== undefined && ended.day.getTime() === today.getTime()
  // Days in order: two transactions that touch both never wait for each other in a ring.
  if (ended !== undefined && !(sameDay && movement.reserve !== undefined)) await settleDay(tx, ended)
  if (movement.reserve === undefined) return { ok: true }
  return hold(tx, today, movement.reserve, sameDay ? ended : undefined)
}

/** Holds an attempt's worst case. Refused, it has written nothing but, once a day, `budget.exhausted`. */
export const reserve = (tx: Tx, attempt: Attempt & { readonly worstCaseMicros: bigint }): Promise<Reserved> =>
  moveBudget(tx, { reserve: attempt })

/** The attempt ended and cost this much. Counts on the day it was reserved, whatever day it is now. */
export async function settle(tx: Tx, attempt: Attempt & { readonly actualMicros: bigint }): Promise<void> {
  await moveBudget(tx, { end: { ...attempt, status: 'SETTLED' } })
}

/** The attempt was never sent. */
export async function release(tx: Tx, attempt: Attempt): Promise<void> {
  await moveBudget(tx, { end: { ...attempt, status: 'RELEASED' } })
}

/** Everything the run still holds was sent by a process that died: all of it counts. */
export async function loseHeld(tx: Tx, runId: string): Promise<void> {
  const lost = await tx.sql
    .updateTable('budgetReservation')
    .set({ status: 'LOST', endedAt: tx.now })
    .where('runId', '=', runId)
    .where('status', '=', 'HELD')
    .returning(['day', 'amountMicros'])
    .execute()
  for (const { day, amountMicros } of lost.sort((a, b) => a.day.getTime() - b.day.getTime())) {
    await settleDay(tx, { day, heldMicros: amountMicros, settledMicros: 0n, lostMicros: amountMicros })
  }
}

/** The number of the attempt to make next for a turn of a run. */
export async function nextAttempt(tx: Tx, runId: string, turn: number): Promise<number> {
  const { last } = await tx.sql
    .selectFrom('budgetReservation')
    .select((eb) => eb.fn.max('attempt').as('last'))
    .where('runId', '=', runId)
    .where('turn', '=', turn)
    .executeTakeFirstOrThrow()
  return (last ?? 0) + 1
}

/** The budget of today as it stands; a day on which nothing was reserved yet has only its limit. */
export async function getBudget(ctx: Ctx): Promise<DayFigures & { readonly day: Date }> {
  const day = dayOf(ctx.clock.now())
  return ctx.db.read(ctx.workspaceId, async (sql) => {
    const row = await sql
      .selectFrom('workspace')
      .leftJoin('budgetDay', (join) => join.on('budgetDay.day', '=', day))
      .select([
        'workspace.dailyBudgetMicros as limitMicros',
        'budgetDay.heldMicros',
        'budgetDay.settledMicros',
        'budgetDay.lostMicros',
      ])
      .executeTakeFirstOrThrow()
    const { limitMicros } = row
    const [heldMicros, settledMicros, lostMicros] = [
      row.heldMicros ?? 0n,
      row.settledMicros ?? 0n,
      row.lostMicros ?? 0n,
    ]
    return { day, limitMicros, heldMicros, settledMicros, lostMicros }
  })
}

/**
 * Today may cost more than before: `limitMicros`, which the workspace's row has by now in this transaction; null is no limit.
 * Takes the day's row, so whoever is being refused at this moment is done before it or asks again after it (see `hold`):
 * wake those who wait after this, and nobody is left waiting for what is there.
 */
export async function raiseLimitOfToday(tx: Tx, limitMicros: bigint | null): Promise<void> {
  await tx.sql
    .insertInto('budgetDay')
    .values({ workspaceId: tx.workspaceId, day: dayOf(tx.now), limitMicros })
    .onConflict((conflict) => conflict.columns(['workspaceId', 'day']).doUpdateSet({ limitMicros }))
    .execute()
}

interface Ended {
  readonly day: Date
  readonly heldMicros: bigint
  readonly settledMicros: bigint
  readonly lostMicros: bigint
}

async function endReservation(tx: Tx, end: Attempt & AttemptEnd): Promise<Ended | undefined> {
  const settledMicros = end.status === 'SETTLED' ? end.actualMicros : 0n
  const row = await tx.sql
    .updateTable('budgetReservation')
    .set({ status: end.status, settledMicros: end.status === 'SETTLED' ? settledMicros : null, endedAt: tx.now })
    .where('runId', '=', end.runId)
    .where('turn', '=', end.turn)
    .where('attempt', '=', end.attempt)
    .where('status', '=', 'HELD')
    .returning(['day', 'amountMicros'])
    .executeTakeFirst()
  if (row === undefined) return undefined
  const lostMicros = end.status === 'LOST' ? row.amountMicros : 0n
  return { day: row.day, heldMicros: row.amountMicros, settledMicros, lostMicros }
}

async function settleDay(tx: Tx, ended: Ended): Promise<void> {
  await tx.sql
    .updateTable('budgetDay')
    .set((eb) => ({
      heldMicros: eb('heldMicros', '-', ended.heldMicros),
      settledMicros: eb('settledMicros', '+', ended.settledMicros),
      lostMicros: eb('lostMicros', '+', ended.lostMicros),
    }))
    .where('day', '=', ended.day)
    .execute()
}

async function hold(
  tx: Tx,
  day: Date,
  wanted: Attempt & { readonly worstCaseMicros: bigint },
  ended: Ended = { day, heldMicros: 0n, settledMicros: 0n, lostMicros: 0n },
): Promise<Reserved> {
  // Makes the day's row, or locks it, with the limit as it is set now.
  const figures = await tx.sql
    .insertInto('budgetDay')
    .columns(['workspaceId', 'day', 'limitMicros'])
    .expression((eb) =>
      eb
        .selectFrom('workspace')
        .select(['workspace.id', sql<Date>`${day}::date`.as('day'), 'workspace.dailyBudgetMicros']),
    )
    .onConflict((conflict) =>
      conflict.columns(['workspaceId', 'day']).doUpdateSet((eb) => ({
        limitMicros: eb.ref('excluded.limitMicros'),
        heldMicros: eb('budgetDay.heldMicros', '-', ended.heldMicros),
        settledMicros: eb('budgetDay.settledMicros', '+', ended.settledMicros),
        lostMicros: eb('budgetDay.lostMicros', '+', ended.lostMicros),
      })),
    )
    .returning(['limitMicros', 'heldMicros', 'settledMicros', 'lostMicros'])
    .executeTakeFirstOrThrow()

  let verdict = mayHold(figures, wanted.worstCaseMicros)
  if (verdict !== true) {
    // The limit was read before this waited for the day's row. It may have been raised meanwhile, and whoever raised it has
    // woken those who wait: nobody comes back for this one.
    const limitMicros = await limitNow(tx)
    if (limitMicros !== figures.limitMicros) {
      await tx.sql.updateTable('budgetDay').set({ limitMicros }).where('day', '=', day).execute()
      figures.limitMicros = limitMicros
      verdict = mayHold(figures, wanted.worstCaseMicros)
    }
  }
  if (verdict !== true) {
    if (verdict === 'EXHAUSTED') await announceExhausted(tx, day, figures)
    return verdict === 'EXHAUSTED' ? { ok: false, why: verdict, nextDay: dayAfter(day) } : { ok: false, why: verdict }
  }
  await tx.sql
    .updateTable('budgetDay')
    .set((eb) => ({ heldMicros: eb('heldMicros', '+', wanted.worstCaseMicros) }))
    .where('day', '=', day)
    .execute()
  await tx.sql
    .insertInto('budgetReservation')
    .values({
      workspaceId: tx.workspaceId,
      runId: wanted.runId,
      turn: wanted.turn,
      attempt: wanted.attempt,
      day,
      status: 'HELD',
      amountMicros: wanted.worstCaseMicros,
      createdAt: tx.now,
    })
    .execute()
  tx.foretold?.reserved(wanted.worstCaseMicros)
  return { ok: true }
}

const limitNow = async (tx: Tx): Promise<bigint | null> =>
  (await tx.sql.selectFrom('workspace').select('dailyBudgetMicros').executeTakeFirstOrThrow()).dailyBudgetMicros

/** Once a day, told by the log itself: the day's row is locked, so nobody else is announcing it at this moment. */
async function announceExhausted(tx: Tx, day: Date, figures: DayFigures): Promise<void> {
  const dayText = day.toISOString().slice(0, 10)
  const isOfDay = sql<boolean>`data @> ${json({ day: dayText })}::jsonb`
  const announced = await tx.sql
    .selectFrom('eventOutbox')
    .select('type')
    .where('type', '=', 'budget.exhausted')
    .where(isOfDay)
    .unionAll((eb) => eb.selectFrom('eventLog').select('type').where('type', '=', 'budget.exhausted').where(isOfDay))
    .limit(1)
    .execute()
  if (announced.length > 0) return
  appendEvents(tx, [
    {
      type: 'budget.exhausted',
      subject: { kind: 'workspace', id: tx.workspaceId },
      data: {
        day: dayText,
        limitMicros: String(figures.limitMicros),
        spentMicros: String(figures.settledMicros + figures.lostMicros),
      },
    },
  ])
}
