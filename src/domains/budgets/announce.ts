import { sql } from 'kysely'
import { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { budgetEvents } from './events.ts'
import { type Figures, type Period, periodData } from './model.ts'

const spentOf = ({ settledMicros, lostMicros }: Figures): bigint => settledMicros + lostMicros

/**
 * Tells every line, in percent of the limit, that what was spent has come to with its last `moreMicros`. The caller has the
 * period locked, so each line is told once each time it is crossed.
 */
export function announceThresholds(
  tx: Tx,
  period: Period,
  figures: Figures & { readonly limitMicros: bigint | null },
  moreMicros: bigint,
  lines: readonly number[],
): void {
  const { limitMicros } = figures
  if (limitMicros === null || moreMicros === 0n) return
  const spent = spentOf(figures)
  const before = spent - moreMicros
  const crossed = lines.filter((percent) => {
    const line = limitMicros * BigInt(percent)
    return before * 100n < line && spent * 100n >= line
  })
  appendEvents(
    tx,
    crossed.map((percent) => ({
      type: budgetEvents.thresholdReached.type,
      subject: { kind: 'workspace', id: tx.workspaceId },
      data: { ...periodData(period), percent, limitMicros: String(limitMicros), spentMicros: String(spent) },
    })),
  )
}

/** Once a period, told by the log itself: the period is locked, so nobody else is announcing it at this moment. */
export async function announceExhausted(
  tx: Tx,
  period: Period,
  figures: Figures & { readonly limitMicros: bigint | null },
): Promise<void> {
  const { type } = budgetEvents.exhausted
  const ofPeriod = sql<boolean>`data @> ${json(periodData(period))}::jsonb`
  const announced = await tx.sql
    .selectFrom('eventOutbox')
    .select('type')
    .where('type', '=', type)
    .where(ofPeriod)
    .unionAll((eb) => eb.selectFrom('eventLog').select('type').where('type', '=', type).where(ofPeriod))
    .limit(1)
    .execute()
  if (announced.length > 0) return
  appendEvents(tx, [
    {
      type,
      subject: { kind: 'workspace', id: tx.workspaceId },
      data: {
        ...periodData(period),
        limitMicros: String(figures.limitMicros),
        spentMicros: String(spentOf(figures)),
      },
    },
  ])
}
