import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Database } from '../../src/platform/db/database.ts'
import { closeAll, Office } from '../agent/arrange.ts'
import { openDatabase } from '../support/context.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { erase, leadOf, meansWithout, somebody, workUntilDone } from './arrange.ts'

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

it('more deals than a statement has room for values are erased as well', async () => {
  const whom = somebody()
  const { contactId } = await leadOf(office, whom)
  await runSql(
    database.url,
    `insert into deal (workspace_id, id, name, name_folded, stage_id, contact_id, next_step)
     select s.workspace_id, gen_random_uuid(), 'Heron', 'heron', s.id, $2, $3 from
       (select * from stage where workspace_id = $1 order by position limit 1) s, generate_series(1, 66000)`,
    [office.id, contactId, `Call ${whom.name}`],
  )
  const done = await workUntilDone(office, meansWithout(office, db), (await erase(office, contactId)).id)
  expect(done.counts.deal).toBe(66_000)
})
