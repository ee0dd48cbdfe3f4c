import { afterAll, beforeAll } from 'vitest'
import { ServerProcess } from '../support/server-process.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

export interface House {
  readonly database: TestDatabase
  readonly server: ServerProcess
}

/** A database and a Cadre on it, there for all tests of the file or the `describe` that asks for them. */
export function openHouse(env: Readonly<Record<string, string>> = {}): House {
  const house: { database?: TestDatabase; server?: ServerProcess } = {}
  beforeAll(async () => {
    house.database = await createTestDatabase()
    house.server = await ServerProcess.start({ databaseUrl: house.database.url, env })
  })
  afterAll(async () => {
    await house.server?.remove()
    await house.database?.drop()
  })
  return house as House
}
