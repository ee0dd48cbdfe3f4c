import { afterAll, beforeAll, expect, it } from 'vitest'
import { migrate } from '../../src/platform/db/migrate.ts'
import { isAppError } from '../../src/platform/lib/errors.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { runSql } from '../support/sql.ts'
import { Cluster } from './cluster.ts'
import { appendOne, bump, Checker, createRows, openNode, readUntil, silentLog } from './log-world.ts'

const CRASHES = 3
let cluster: Cluster

beforeAll(async () => {
  cluster = await Cluster.create('embedded')
  await cluster.start()
  await cluster.createDatabase('cadre')
  await migrate({ url: cluster.url('cadre'), log: silentLog })
})
afterAll(() => cluster.remove())

it('goes on after PostgreSQL was restarted with -m immediate, and a subscriber misses nothing and sees nothing twice', async () => {
  const url = cluster.url('cadre')
  const nodes = [await openNode(url), await openNode(url)]
  const [one] = nodes
  if (one === undefined) throw new Error('no node')
  const workspaceId = newId()
  const ids = await createRows(url, 8)
  const start = one.events.feed.cursor()
  const readers = await Promise.all(
    nodes.map(async ({ events }) => ({ items: await events.feed.subscribe({ workspaceId }), checker: new Checker() })),
  )
  let writing = true
  let unanswered = 0
  const writers = ids.map(async (id, index) => {
    const node = nodes[index % nodes.length] ?? one
    while (writing) {
      try {
        await node.db.inTransaction(node.ctx(workspaceId), (tx) => bump(tx, id))
      } catch (err) {
        // The database was away. Whether a commit whose answer was lost happened, the rows themselves will say.
        if (!isAppError(err) && (err as Error).name !== 'CommitUnknown') throw err
        unanswered += 1
      }
    }
  })
  const reading = readers.map(({ items, checker }) =>
    (async () => {
      for await (const item of items) {
        checker.see(item)
        if (item.event.type === 'thing.happened') return
      }
    })(),
  )
  for (let crash = 0; crash < CRASHES; crash++) {
    const seen = readers.map(({ checker }) => checker.outboxIds.size)
    await until(() => readers.every(({ checker }, index) => checker.outboxIds.size > (seen[index] ?? 0) + 300))
    await cluster.stop('immediate')
    await cluster.start()
  }
  const seen = readers.map(({ checker }) => checker.outboxIds.size)
  await until(() => readers.every(({ checker }, index) => checker.outboxIds.size > (seen[index] ?? 0) + 300))
  writing = false
  await Promise.all(writers)
  const end = await one.events.feed.positionOf(await appendOne(one, workspaceId))
  await Promise.all(reading)

  for (const { checker } of readers) {
    await checker.compareWithRows(url)
    expect(checker.faults).toEqual([])
  }
  expect(unanswered).toBeGreaterThan(0)
  // And from the log, from before all of it.
  const again = new Checker()
  await readUntil(await one.events.feed.subscribe({ workspaceId, after: start }), end, (item) => again.see(item))
  await again.compareWithRows(url)
  expect(again.faults).toEqual([])
  expect(again.outboxIds).toEqual(readers[0]?.checker.outboxIds)
  // The same database came back: nobody's cursor was taken away.
  expect(await runSql(url, 'select number from event_epoch')).toHaveLength(1)
  await Promise.all(nodes.map((node) => node.close()))
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}
