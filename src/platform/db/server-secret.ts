import { randomBytes } from 'node:crypto'
import type { Database } from './database.ts'

/** The secret of this name, made at the first asking; every process on this database gets the same one. */
export async function serverSecret(db: Database, name: string): Promise<string> {
  await db.systemSql
    .insertInto('serverSecret')
    .values({ name, value: randomBytes(32).toString('base64url') })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const { value } = await db.systemSql
    .selectFrom('serverSecret')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  return value
}
