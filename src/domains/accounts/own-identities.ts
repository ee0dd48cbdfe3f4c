// The sign-ins at issuers that a person has connected to their account, as they see them and take them away.

import { accountMeansOf, type SignInIssuer } from '../../platform/auth/account-means.ts'
import type { SignedIn } from '../../platform/auth/permissions.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { conflict, notFound } from '../../platform/lib/errors.ts'
import { encodeId } from '../../platform/lib/ids.ts'

export interface IdentityRow {
  readonly id: string
  /** What people call the issuer. */
  readonly issuerName: string
  /** Whether it is the issuer where people sign in now. */
  readonly isPresent: boolean
  /** What the issuer called the person; what it knows them by where it did not say. */
  readonly label: string
  readonly connectedAt: Date
  readonly lastUsedAt: Date | null
}

/** Two ways to write one address are the same: issuers with no path are written with a slash at the end and without. */
const isSame = (issuer: SignInIssuer | undefined, url: string): boolean =>
  issuer !== undefined && new URL(issuer.url).href === new URL(url).href

/** The sign-ins that are connected to an account, in the order in which that was done; 100 at most. */
export async function listIdentities(ctx: Pick<Ctx, 'db' | 'accounts'>, accountId: string): Promise<IdentityRow[]> {
  const { issuer: present } = accountMeansOf(ctx)
  const rows = await ctx.db.systemSql
    .selectFrom('accountIdentity')
    .select(['id', 'issuer', 'subject', 'label', 'createdAt', 'lastUsedAt'])
    .where('accountId', '=', accountId)
    .orderBy('createdAt')
    .orderBy('id')
    .limit(100)
    .execute()
  return rows.map(({ id, issuer, subject, label, createdAt, lastUsedAt }) => {
    const isPresent = isSame(present, issuer)
    return {
      id,
      issuerName: isPresent && present !== undefined ? present.name : new URL(issuer).host,
      isPresent,
      label: label ?? subject,
      connectedAt: createdAt,
      lastUsedAt,
    }
  })
}

/**
 * Takes a sign-in away from its account, and ends the sessions that came by it; of an account without a password also other
 * browsers' of which is not known by what they came, for it was some issuer. NOT_FOUND for another account's, CONFLICT where
 * nobody could sign in to the account any more: no password, and nothing else of the issuer where people sign in. In an account
 * transaction.
 */
export async function disconnectIdentity(
  tx: Tx,
  { accountId, sessionId }: Pick<SignedIn, 'accountId' | 'sessionId'>,
  identityId: string,
): Promise<void> {
  // Of two at once the second one sees what the first has left. A session is opened beside this lock, and not in a ring with it.
  const account = await tx.sql
    .selectFrom('account')
    .select('passwordHash')
    .where('id', '=', accountId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  // Waits for who signs in by it at this moment: their session is to be among those that end.
  const held = await tx.sql
    .selectFrom('accountIdentity')
    .select(['id', 'issuer'])
    .where('accountId', '=', accountId)
    .forUpdate()
    .execute()
  const { issuer } = accountMeansOf(tx)
  if (!held.some(({ id }) => id === identityId)) throw notFound('Identity', encodeId('identity', identityId))
  const isOther = held.some((other) => other.id !== identityId && isSame(issuer, other.issuer))
  if (account?.passwordHash == null && !isOther) {
    throw conflict(
      'ILLEGAL_TRANSITION',
      'It is the only way into your account. Set a password first, by a mail to your address, or connect another sign-in.',
    )
  }
  await tx.sql
    .updateTable('session')
    .set({ revokedAt: tx.now, revokedBecause: 'REVOKED' })
    .where('accountId', '=', accountId)
    .where('revokedAt', 'is', null)
    .where((eb) => {
      const cameByIt = eb('identityId', '=', identityId)
      if (account?.passwordHash != null) return cameByIt
      const cameBySome = eb.and([eb('kind', '=', 'BROWSER'), eb('identityId', 'is', null), eb('id', '!=', sessionId)])
      return eb.or([cameByIt, cameBySome])
    })
    .execute()
  await tx.sql.deleteFrom('accountIdentity').where('id', '=', identityId).execute()
}
