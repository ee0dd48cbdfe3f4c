/*
 * What a workspace may spend on models in a day, and in a month where it has set so. Before each attempt its worst case is held, after it the real cost is
 * settled; without a hold nothing is called.
 *
 * HELD      the attempt may be in flight; its worst case counts.
 * SETTLED   it ended and its cost is known.
 * RELEASED  it was never sent; nothing counts.
 * LOST      it was sent and nobody knows what it cost; its worst case counts.
 *
 * Always: limit >= settled + lost + held, but for a limit that was lowered afterwards. The day's row is every run's, so
 * it is locked last in a transaction, and after it the month: call these as the last thing before it commits.
 */

import { sql } from 'kysely'
import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { type Settings, settingsOf } from '../settings/model.ts'
import { announceThresholds } from './announce.ts'
import { type Attempt, type AttemptEnd, type DayFigures, dayOf, monthOf, type Reserved } from './model.ts'
import { lockedMonth } from './month.ts'
import { refusedByDay, refusedByMonth } from './refusal.ts'

export type { Attempt, AttemptEnd, Reserved } from './model.ts'
export { getMonthBudget, type MonthBudget, raiseLimitOfMonth } from './month.ts'

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
  let settings: Settings | undefined
  if (ended !== undefined && !(sameDay && movement.reserve !== undefined)) settings = await settleDay(tx, ended)
  let reserved: Reserved = { ok: true }
  if (movement.reserve !== undefined) {
    const held = await hold(tx, today, movement.reserve, sameDay ? ended : undefined)
    reserved = held.reserved
    settings = held.settings
  }
  if (ended !== undefined && settings !== undefined) await tellMonth(tx, [ended], settings)
  return reserved
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
  const ended = lost
    .sort((a, b) => a.day.getTime() - b.day.getTime())
    .map(({ day, amountMicros }) => ({ day, heldMicros: amountMicros, settledMicros: 0n, lostMicros: amountMicros }))
  let settings: Settings | undefined
  for (const each of ended) settings = await settleDay(tx, each)
  if (settings !== undefined) await tellMonth(tx, ended, settings)
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

/** Closes the books of one attempt on its day; gives back the settings as they hold. */
async function settleDay(tx: Tx, ended: Ended): Promise<Settings> {
  const row = await tx.sql
    .updateTable('budgetDay')
    .set((eb) => ({
      heldMicros: eb('heldMicros', '-', ended.heldMicros),
      settledMicros: eb('settledMicros', '+', ended.settledMicros),
      lostMicros: eb('lostMicros', '+', ended.lostMicros),
    }))
    .where('day', '=', ended.day)
    .returning((eb) => [...FIGURES, eb.selectFrom('workspace').select('workspace.settings').as('settings')])
    .executeTakeFirstOrThrow()
  const settings = settingsOf(row.settings ?? {})
  announceThresholds(tx, { kind: 'DAY', from: ended.day }, row, spentBy(ended), settings.budgetAlerts)
  return settings
}

const FIGURES = ['limitMicros', 'heldMicros', 'settledMicros', 'lostMicros'] as const

const spentBy = ({ settledMicros, lostMicros }: Ended): bigint => settledMicros + lostMicros

/** What ended may have brought its month over a line. After the last lock of a day's row. */
async function tellMonth(tx: Tx, ended: readonly Ended[], settings: Settings): Promise<void> {
  const { monthlyBudget: limitMicros, budgetAlerts } = settings
  if (limitMicros === null) return
  const more = new Map<number, bigint>()
  for (const each of ended) {
    const month = monthOf(each.day).getTime()
    more.set(month, (more.get(month) ?? 0n) + spentBy(each))
  }
  for (const [month, moreMicros] of more) {
    if (moreMicros === 0n) continue
    const from = new Date(month)
    const figures = { ...(await lockedMonth(tx, from)), limitMicros }
    announceThresholds(tx, { kind: 'MONTH', from }, figures, moreMicros, budgetAlerts)
  }
}

interface Held {
  readonly reserved: Reserved
  readonly settings: Settings
}

const NOTHING_ENDED = { heldMicros: 0n, settledMicros: 0n, lostMicros: 0n }

async function hold(
  tx: Tx,
  day: Date,
  wanted: Attempt & { readonly worstCaseMicros: bigint },
  ended: Ended = { day, ...NOTHING_ENDED },
): Promise<Held> {
  // Makes the day's row, or locks it, with the limit as it is set now.
  const { settings: stored, ...figures } = await tx.sql
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
    .returning((eb) => [...FIGURES, eb.selectFrom('workspace').select('workspace.settings').as('settings')])
    .executeTakeFirstOrThrow()
  const settings = settingsOf(stored ?? {})
  announceThresholds(tx, { kind: 'DAY', from: day }, figures, spentBy(ended), settings.budgetAlerts)

  const refused =
    (await refusedByDay(tx, day, figures, wanted.worstCaseMicros)) ??
    (await refusedByMonth(tx, day, settings, wanted.worstCaseMicros))
  if (refused !== undefined) return { reserved: refused, settings }
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
  return { reserved: { ok: true }, settings }
}
