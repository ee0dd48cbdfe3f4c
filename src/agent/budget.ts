import type { Reserved } from '../domains/budgets/model.ts'
import { type Attempt, type AttemptEnd, moveBudget, nextAttempt } from '../domains/budgets/service.ts'
import type { Tx } from '../platform/db/transaction.ts'

/** One attempt's worst case that is held for this run, and the model it was reckoned for. */
export interface Held extends Attempt {
  readonly model: string
}

/** How an attempt ended, for the books. */
export type EndedAttempt = Attempt & AttemptEnd

/**
 * The loop's way to the money, always as the last thing of a transaction. A rehearsal or a tape costs nothing: it has no
 * budget (`null` in the loop), and no call of theirs writes here.
 */
export interface Budget {
  /** Closes the books on one attempt, where there is one, and holds the next one's worst case. */
  reserve(
    tx: Tx,
    wanted: Attempt & { readonly worstCaseMicros: bigint },
    ended?: EndedAttempt | undefined,
  ): Promise<Reserved>
  end(tx: Tx, ended: EndedAttempt): Promise<void>
  /** The number of the next attempt of a turn, counted over all processes that tried it. */
  nextAttempt(tx: Tx, runId: string, turn: number): Promise<number>
}

export const databaseBudget: Budget = {
  reserve: (tx, wanted, ended) => moveBudget(tx, { end: ended, reserve: wanted }),
  end: async (tx, ended) => {
    await moveBudget(tx, { end: ended })
  },
  nextAttempt,
}
