import type { Database } from '../../src/platform/db/database.ts'
import { lastEventOf } from '../../src/platform/events/append.ts'

/** Everything as it is, but each transaction is rolled back with its result; `told` hears of its last event. */
export const forgetting = (db: Database, told: (event: bigint | null) => void): Database => ({
  ...db,
  inTransaction: async (ctx, work, options) => {
    const { result, last } = await db.inTransaction(
      ctx,
      async (tx) => {
        const result = await work(tx)
        tx.rollbackAtEnd()
        return { result, last: () => lastEventOf(tx) }
      },
      options,
    )
    told(await last())
    return result
  },
  inAccountTransaction: (ctx, work, options) =>
    db.inAccountTransaction(
      ctx,
      async (tx) => {
        const result = await work(tx)
        tx.rollbackAtEnd()
        return result
      },
      options,
    ),
})
