import type { Kysely } from 'kysely'
import type { Tables } from '../../platform/db/tables.ts'
import { contactLabel } from './model.ts'

/** What contacts are called, by row id; ids that are not there are left out. */
export async function contactNames(sql: Kysely<Tables>, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql
    .selectFrom('contact')
    .select(['id', 'name', 'email', 'phone', 'erasedAt'])
    .where('id', 'in', ids)
    .execute()
  return new Map(rows.map((row) => [row.id, contactLabel(row)]))
}
