import type { Database } from '../../src/platform/db/database.ts'

/** What a process that is killed says: nothing. */
export class Crash extends Error {
  constructor() {
    super('the process was killed')
    this.name = 'Crash'
  }
}

/** When the transaction with this number (from 1) is reached, the process dies: before it commits, or right after. */
export interface CrashPoint {
  readonly transaction: number
  readonly when: 'BEFORE_COMMIT' | 'AFTER_COMMIT'
}

/** The database as a process sees it that dies at a point; counts its transactions. */
export function dyingDatabase(
  db: Database,
  point?: CrashPoint,
): { readonly db: Database; readonly count: () => number } {
  let transactions = 0
  let dead = false
  return {
    count: () => transactions,
    db: {
      ...db,
      read: (...args: Parameters<Database['read']>) => {
        if (dead) throw new Crash()
        return db.read(...args)
      },
      inTransaction: async (ctx, work, options) => {
        if (dead) throw new Crash()
        transactions += 1
        const dies = transactions === point?.transaction
        if (!dies) return db.inTransaction(ctx, work, options)
        dead = true
        if (point?.when === 'AFTER_COMMIT') {
          await db.inTransaction(ctx, work, options)
          throw new Crash()
        }
        return db.inTransaction(
          ctx,
          async (tx) => {
            await work(tx)
            throw new Crash()
          },
          options,
        )
      },
    } as Database,
  }
}
