import { afterAll, afterEach, beforeAll } from 'vitest'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { type Node, type NodeOptions, openNode } from './log-world.ts'

/** A database for all tests of the file, filled before the first; what a test opens or makes there is gone after it. */
export function openNodes() {
  const database = {} as TestDatabase
  const nodes: Node[] = []
  const open = async (options: NodeOptions = {}): Promise<Node> => {
    const node = await openNode(database.url, options)
    nodes.push(node)
    return node
  }
  beforeAll(async () => {
    Object.assign(database, await createTestDatabase())
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.close()))
    await runSql(database.url, 'drop table if exists versioned')
  })
  afterAll(() => database.drop?.())
  return { database, open }
}
