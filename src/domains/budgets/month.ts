import { sql } from 'kysely'
import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { settingsOf } from '../settings/model.ts'
import { type Figures, monthAfter, monthOf } from './model.ts'

/*
 * What a month costs is the sum of its days. Two transactions that hold at once on two days of one month (at midnight, or
 * with clocks that differ) have locked two rows: where a month has a limit they pass one after the other, under a lock of
 * the month's own. It is taken after every day's row, so nobody waits in a ring.
 */

const lockMonth = (tx: Tx) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`budget month ${tx.workspaceId}`}, 0))`.execute(tx.sql)

const sumOf = (query: Pick<Tx['sql'], 'selectFrom'>, month: Date) =>
  query
    .selectFrom('budgetDay')
    .select((eb) => {
      const sum = (column: 'heldMicros' | 'settledMicros' | 'lostMicros') =>
        eb.cast<string>(eb.fn.coalesce(eb.fn.sum(column), sql<number>`0`), 'text').as(column)
      return [sum('heldMicros'), sum('settledMicros'), sum('lostMicros')]
    })
    .where('day', '>=', month)
    .where('day', '<', monthAfter(month))
    .executeTakeFirstOrThrow()

const figuresOf = (row: Awaited<ReturnType<typeof sumOf>>): Figures => ({
  heldMicros: BigInt(row.heldMicros),
  settledMicros: BigInt(row.settledMicros),
  lostMicros: BigInt(row.lostMicros),
})

/** The month of a day as it stands, locked until the transaction ends. Call it after the last lock of a day's row. */
export async function lockedMonth(tx: Tx, day: Date): Promise<Figures> {
  await lockMonth(tx)
  return figuresOf(await sumOf(tx.sql, monthOf(day)))
}

/**
 * The month may cost more than before, as the workspace's row says by now in this transaction. Whoever is being refused at this
 * moment is done before it or reads the limit after it: wake those who wait after this.
 */
export async function raiseLimitOfMonth(tx: Tx): Promise<void> {
  await lockMonth(tx)
}

export interface MonthBudget extends Figures {
  readonly from: Date
  readonly limitMicros: bigint | null
}

/** The budget of this month, by UTC, as it stands. */
export async function getMonthBudget(ctx: Ctx): Promise<MonthBudget> {
  const from = monthOf(ctx.clock.now())
  return ctx.db.read(ctx.workspaceId, async (query) => {
    const { settings } = await query.selectFrom('workspace').select('settings').executeTakeFirstOrThrow()
    return { from, limitMicros: settingsOf(settings).monthlyBudget, ...figuresOf(await sumOf(query, from)) }
  })
}
