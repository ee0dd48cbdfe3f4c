import type { Tx } from '../../platform/db/transaction.ts'
import type { Settings } from '../settings/model.ts'
import { readSettings } from '../settings/service.ts'
import { announceExhausted } from './announce.ts'
import { type DayFigures, dayAfter, mayHold, monthAfter, monthOf, type Period, type Reserved } from './model.ts'
import { lockedMonth } from './month.ts'

/** Why a day refuses to have so much more held, its row being locked; undefined when it does not. */
export async function refusedByDay(
  tx: Tx,
  day: Date,
  figures: DayFigures,
  amountMicros: bigint,
): Promise<Reserved | undefined> {
  if (mayHold(figures, amountMicros) === true) return undefined
  // The limit was read before this waited for the day's row. It may have been raised meanwhile, and whoever raised it has
  // woken those who wait: nobody comes back for this one.
  const limitMicros = await limitNow(tx)
  if (limitMicros !== figures.limitMicros) {
    await tx.sql.updateTable('budgetDay').set({ limitMicros }).where('day', '=', day).execute()
  }
  return refusal(tx, { kind: 'DAY', from: day }, { ...figures, limitMicros }, amountMicros)
}

/** Why the day’s month refuses; undefined when it does not, or has no limit. As with a day, what the settings say is read anew, under the lock, before anybody is refused. */
export async function refusedByMonth(
  tx: Tx,
  day: Date,
  settings: Settings,
  amountMicros: bigint,
): Promise<Reserved | undefined> {
  if (settings.monthlyBudget === null) return undefined
  const figures = await lockedMonth(tx, day)
  if (mayHold({ ...figures, limitMicros: settings.monthlyBudget }, amountMicros) === true) return undefined
  const { monthlyBudget: limitMicros } = await readSettings(tx)
  return refusal(tx, { kind: 'MONTH', from: monthOf(day) }, { ...figures, limitMicros }, amountMicros)
}

async function refusal(
  tx: Tx,
  period: Period,
  figures: DayFigures,
  amountMicros: bigint,
): Promise<Reserved | undefined> {
  const verdict = mayHold(figures, amountMicros)
  if (verdict === true) return undefined
  if (verdict !== 'EXHAUSTED') return { ok: false, why: verdict, period: period.kind }
  await announceExhausted(tx, period, figures)
  const until = period.kind === 'DAY' ? dayAfter(period.from) : monthAfter(period.from)
  return { ok: false, why: verdict, period: period.kind, until }
}

const limitNow = async (tx: Tx): Promise<bigint | null> =>
  (await tx.sql.selectFrom('workspace').select('dailyBudgetMicros').executeTakeFirstOrThrow()).dailyBudgetMicros
