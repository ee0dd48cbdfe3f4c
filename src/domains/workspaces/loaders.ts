import type { Kysely } from 'kysely'
import type { Tables } from '../../platform/db/tables.ts'

/** Whom invites are for, by row id: by their address, unless they had it forgotten. Ids that are not there are left out. */
export async function inviteNames(sql: Kysely<Tables>, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.selectFrom('invite').select(['id', 'email']).where('id', 'in', ids).execute()
  return new Map(rows.map(({ id, email }) => [id, email ?? 'somebody']))
}
