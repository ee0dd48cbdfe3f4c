import { afterAll, beforeAll } from 'vitest'
import type { Database } from '../../src/platform/db/database.ts'
import { openDatabase } from './context.ts'
import { createTestDatabase, type TestDatabase } from './test-database.ts'

export interface OpenedDatabase {
  readonly database: TestDatabase
  readonly db: Database
}

/**
 * A database and the ways to it, there for all tests of the file or the `describe` that asks for them. Both are constants
 * that are filled before the first test: the body of the file may name them, not use them.
 */
export function openTestDatabase(appConnections?: number): OpenedDatabase {
  const database = {} as TestDatabase
  const db = {} as Database
  beforeAll(async () => {
    Object.assign(database, await createTestDatabase())
    Object.assign(db, openDatabase(database.url, appConnections))
  })
  afterAll(async () => {
    await db.close?.()
    await database.drop?.()
  })
  return { database, db }
}
