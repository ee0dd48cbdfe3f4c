import { beforeAll } from 'vitest'
import type { Ctx } from '../../src/platform/context.ts'
import { insertWorkspace, systemContext } from './context.ts'
import { openTestDatabase } from './open-test-database.ts'

/**
 * A workspace on a database of its own, there for all tests of the file; `ctx` is the system's in it. Like the database, it
 * is filled before the first test.
 */
export function openTestWorkspace(appConnections?: number) {
  const { database, db } = openTestDatabase(appConnections)
  const ctx = {} as Ctx
  beforeAll(async () => {
    Object.assign(ctx, systemContext(db, (await insertWorkspace(db)).id))
  })
  return { database, db, ctx }
}
