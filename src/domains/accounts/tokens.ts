import type { Tx } from '../../platform/db/transaction.ts'

/** The links that were mailed to an account do nothing any more, whatever they are for. In an account transaction. */
export async function voidTokens(tx: Tx, accountId: string): Promise<void> {
  await tx.sql
    .updateTable('accountToken')
    .set({ usedAt: tx.now })
    .where('accountId', '=', accountId)
    .where('usedAt', 'is', null)
    .execute()
}
