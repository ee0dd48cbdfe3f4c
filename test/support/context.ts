import type { Ctx } from '../../src/platform/context.ts'
import { createDatabase, type Database } from '../../src/platform/db/database.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'

export const testLog = createLogger({ level: 'error', format: 'json' })

export const openDatabase = (url: string, appConnections = 10): Database =>
  createDatabase({ appUrl: url, systemUrl: url, appConnections, systemConnections: 4, log: testLog })

/** A context of the system in a workspace, for arranging below the API. */
export const systemContext = (db: Database, workspaceId: string): Ctx => ({
  viewer: { kind: 'system' },
  workspaceId,
  db,
  clock: systemClock,
  bell: { ring: () => {} },
  log: testLog,
  origin: { requestId: 'test' },
})

/** A workspace with one member in it; the least that a tenant is. */
export async function insertWorkspace(db: Database, name = 'Acme'): Promise<{ id: string; memberId: string }> {
  const id = newId()
  const memberId = newId()
  await db.inTransaction(systemContext(db, id), async (tx) => {
    const slug = `w-${id.slice(-12)}`
    await tx.sql.insertInto('workspace').values({ id, slug, name, timeZone: 'UTC', currency: 'EUR' }).execute()
    const email = 'ada@example.com'
    await tx.sql
      .insertInto('member')
      .values({ workspaceId: id, id: memberId, name: 'Ada', email, emailNormalised: email, role: 'OWNER' })
      .execute()
  })
  return { id, memberId }
}
