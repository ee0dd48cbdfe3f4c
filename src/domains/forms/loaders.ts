import type { Kysely } from 'kysely'
import type { Tables } from '../../platform/db/tables.ts'

/** What forms are called, by row id; ids that are not there are left out. */
export async function formNames(sql: Kysely<Tables>, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.selectFrom('form').select(['id', 'name']).where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, row.name]))
}
