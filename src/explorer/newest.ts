import type { Database } from '../platform/db/database.ts'
import { encodeId } from '../platform/lib/ids.ts'
import type { Newest } from './examples.ts'

/** The workspace's newest run and the newest approval that waits, for the variables of examples. */
export const findNewest = (db: Database, workspaceId: string): Promise<Newest> =>
  db.read(workspaceId, async (sql) => {
    const run = await sql
      .selectFrom('run')
      .select('id')
      .orderBy('createdAt', 'desc')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    const approval = await sql
      .selectFrom('approval')
      .select('id')
      .where('status', '=', 'PENDING')
      .orderBy('requestedAt', 'desc')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    return {
      ...(run === undefined ? {} : { run: encodeId('run', run.id) }),
      ...(approval === undefined ? {} : { approval: encodeId('approval', approval.id) }),
    }
  })
