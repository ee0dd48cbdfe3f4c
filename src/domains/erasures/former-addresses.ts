import { type Kysely, sql } from 'kysely'
import type { Tables } from '../../platform/db/tables.ts'
import { isAnyText } from './provenance.ts'

/**
 * Of addresses that an account had once those that are nobody else's by now: no other account signs in with them, no other
 * member who is there has them, and nobody is invited there. For who sees all workspaces.
 */
export async function nobodyElses(
  tables: Kysely<Tables>,
  accountId: string,
  emails: readonly string[],
): Promise<readonly string[]> {
  if (emails.length === 0) return []
  const accounts = tables
    .selectFrom('account')
    .select('emailFolded as email')
    .where('id', '!=', accountId)
    .where(isAnyText('emailFolded', emails))
  const members = tables
    .selectFrom('member')
    .select('emailNormalised as email')
    .where('removedAt', 'is', null)
    .where((eb) => eb.or([eb('accountId', 'is', null), eb('accountId', '!=', accountId)]))
    .where(isAnyText('emailNormalised', emails))
  const invites = tables
    .selectFrom('invite')
    .select('emailFolded as email')
    .where('acceptedAt', 'is', null)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .where(isAnyText('emailFolded', emails))
  const taken = new Set((await accounts.execute()).map(({ email }): string | null => email))
  for (const { email } of [...(await members.execute()), ...(await invites.execute())]) taken.add(email)
  return emails.filter((email) => !taken.has(email))
}
