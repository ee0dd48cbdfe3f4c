import type { Database } from '../../platform/db/database.ts'
import { translateDatabaseError } from '../../platform/db/errors.ts'
import { isAppError } from '../../platform/lib/errors.ts'

/** How many runs of all workspaces are queued or being worked; null while the database is away. */
export async function countOpenRuns(db: Database): Promise<number | null> {
  try {
    const query = db.systemSql.selectFrom('run').select((eb) => eb.fn.countAll<string>().as('open'))
    const { open } = await query.where('status', 'in', ['QUEUED', 'RUNNING']).executeTakeFirstOrThrow()
    return Number(open)
  } catch (thrown) {
    const err = translateDatabaseError(thrown)
    if (isAppError(err) && err.code === 'UNAVAILABLE') return null
    throw err
  }
}
