import { afterAll, beforeAll } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { type Node, openNode } from './log-world.ts'

/** A database and a node on it, there for all tests of the file; both are filled before the first. */
export function openStandingNode() {
  const database = {} as TestDatabase
  const node = {} as Node
  beforeAll(async () => {
    Object.assign(database, await createTestDatabase())
    Object.assign(node, await openNode(database.url))
  })
  afterAll(async () => {
    await node.close?.()
    await database.drop?.()
  })
  return { database, node }
}
