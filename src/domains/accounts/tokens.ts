import type { Tx } from '../../platform/db/transaction.ts'

/** The links that were mailed to an account do nothing any more: all, or those for one purpose. In an account transaction. */
export async function voidTokens(tx: Tx, accountId: string, purpose?: 'PASSWORD_RESET' | 'EMAIL'): Promise<void> {
  await tx.sql
    .updateTable('accountToken')
    .set({ usedAt: tx.now })
    .where('accountId', '=', accountId)
    .where('usedAt', 'is', null)
    .$if(purpose !== undefined, (query) => query.where('purpose', '=', purpose ?? ''))
    .execute()
}
