import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sweepErasures } from '../../src/domains/erasures/service.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { closeAll, dyingDatabase, Office } from '../agent/arrange.ts'
import { silentLog } from '../events/log-world.ts'
import { openDatabase } from '../support/context.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { erase, leadOf, meansWithout, somebody, workUntilDone } from './arrange.ts'
import { searchEverywhere } from './search.ts'

let database: TestDatabase
let db: Database
let office: Office
beforeAll(async () => {
  database = await createTestDatabase()
  db = openDatabase(database.url)
  office = await Office.open(db, database.url)
})
afterAll(async () => {
  await office.close()
  await closeAll(database, db)
})

describe('a process that dies in the middle', () => {
  it('at any transaction, before or after its commit, leaves the rest to the next, and nothing is counted twice', async () => {
    const worked = async () => {
      const whom = somebody()
      const lead = await leadOf(office, whom, { wants_call: true })
      await office.work(lead.runId)
      return { ...lead, whom }
    }
    const whole = await worked()
    const { counts } = await workUntilDone(office, meansWithout(office, db), (await erase(office, whole.contactId)).id)
    for (let transaction = 1; ; transaction++) {
      const when = transaction % 2 === 0 ? 'AFTER_COMMIT' : 'BEFORE_COMMIT'
      const { whom, contactId } = await worked()
      const { id } = await erase(office, contactId)
      const dying = dyingDatabase(db, { transaction, when })
      await sweepErasures(meansWithout(office, dying.db, silentLog)).catch(() => {})
      const finished = dying.count() < transaction
      const done = await workUntilDone(office, meansWithout(office, db), id)
      expect([transaction, done.counts]).toEqual([transaction, counts])
      expect(await searchEverywhere(database.url, office.mailFolder, whom.texts)).toEqual(
        Object.fromEntries(whom.texts.map((text) => [text, []])),
      )
      if (finished) break
    }
  })
})
