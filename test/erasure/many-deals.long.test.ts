import { expect, it } from 'vitest'
import { openOffice } from '../agent/open-office.ts'
import { runSql } from '../support/sql.ts'
import { erase, leadOf, meansWithout, somebody, workUntilDone } from './arrange.ts'

const { database, db, office } = openOffice()

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
