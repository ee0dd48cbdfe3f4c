import type { SignedIn } from '../../platform/auth/permissions.ts'
import { attemptKeysOf } from '../../platform/auth/sign-in-throttle.ts'
import type { Ctx } from '../../platform/context.ts'
import { type Tx, unboundSqlOf } from '../../platform/db/transaction.ts'
import type { AccountRow } from './accounts.ts'
import { type ConfirmedPerson, confirmPerson } from './confirmation.ts'
import type { EraseAccountInput } from './inputs.ts'

/** What an account is removed with: the password, or having signed in a moment ago where there is none. */
export type PreparedRemoval = ConfirmedPerson

/** `confirmPerson`, for good: a sign-in a moment ago is not enough where there is a password. */
export const prepareRemoval = (
  ctx: Ctx,
  person: Pick<SignedIn, 'accountId' | 'sessionId'>,
  { currentPassword }: EraseAccountInput,
): Promise<PreparedRemoval> => confirmPerson(ctx, person, currentPassword, { field: 'currentPassword' })

/**
 * Removes an account with all that is of no workspace: sessions and their tokens, what was mailed, issuers' persons, stored
 * outcomes, what its addresses were counted by, and these from invites elsewhere that are over. `formerEmails` are those that
 * nobody else has by now. Returns the rows by table. For who erases; in an account transaction that has locked it.
 */
export async function removeAccount(
  tx: Tx,
  { id, emailFolded }: Pick<AccountRow, 'id' | 'emailFolded'>,
  formerEmails: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const emails = [emailFolded, ...formerEmails]
  const deletions = {
    refresh_token: tx.sql
      .deleteFrom('refreshToken')
      .where('sessionId', 'in', (query) => query.selectFrom('session').select('id').where('accountId', '=', id)),
    session: tx.sql.deleteFrom('session').where('accountId', '=', id),
    account_token: tx.sql.deleteFrom('accountToken').where('accountId', '=', id),
    account_identity: tx.sql.deleteFrom('accountIdentity').where('accountId', '=', id),
    idempotency_claim: unboundSqlOf(tx).deleteFrom('idempotencyClaim').where('credential', '=', `account:${id}`),
    account: tx.sql.deleteFrom('account').where('id', '=', id),
    // A digest without salt, of a text that is easily guessed.
    sign_in_attempt: tx.sql.deleteFrom('signInAttempt').where('key', 'in', emails.flatMap(attemptKeysOf)),
  }
  const counts: Record<string, number> = {}
  for (const [table, deletion] of Object.entries(deletions)) {
    counts[table] = Number((await deletion.executeTakeFirst()).numDeletedRows)
  }
  const emptied = await unboundSqlOf(tx)
    .updateTable('invite')
    .set((eb) => ({ email: null, emailFolded: null, version: eb('version', '+', 1), updatedAt: tx.now }))
    .where('emailFolded', 'in', emails)
    // One to an address from before that was accepted is whose it was then.
    .where((eb) => eb.or([eb('emailFolded', '=', emailFolded), eb('acceptedAt', 'is', null)]))
    .where((eb) =>
      eb.or([eb('acceptedAt', 'is not', null), eb('revokedAt', 'is not', null), eb('expiresAt', '<=', tx.now)]),
    )
    .executeTakeFirst()
  return { ...counts, invite: Number(emptied.numUpdatedRows) }
}
