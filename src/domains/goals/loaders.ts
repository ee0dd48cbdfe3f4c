import type { Kysely } from 'kysely'
import type { Tables } from '../../platform/db/tables.ts'

/** What goals are called, by row id; ids that are not there are left out. */
export async function goalNames(sql: Kysely<Tables>, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.selectFrom('goal').select(['id', 'title']).where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, row.title]))
}
