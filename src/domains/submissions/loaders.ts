import type { Kysely } from 'kysely'
import type { Tables } from '../../platform/db/tables.ts'

/**
 * What submissions are called, by row id: after the company or the person they came from. Those of nobody known, and
 * ids that are not there, are left out.
 */
export async function submissionNames(sql: Kysely<Tables>, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql
    .selectFrom('submission')
    .innerJoin('contact', 'contact.id', 'submission.contactId')
    .select(['submission.id', 'contact.companyName', 'contact.name', 'contact.email', 'contact.phone'])
    .where('submission.id', 'in', ids)
    .execute()
  return new Map(
    rows.flatMap(({ id, companyName, name, email, phone }) => {
      const label = companyName ?? name ?? email ?? phone
      return label === null ? [] : [[id, label] as const]
    }),
  )
}
