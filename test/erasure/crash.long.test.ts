import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sweepAccountErasures, sweepErasures } from '../../src/domains/erasures/service.ts'
import { dyingDatabase } from '../agent/dying-database.ts'
import { openOffice } from '../agent/open-office.ts'
import { silentLog } from '../events/log-world.ts'
import { erase, leadOf, meansWithout, somebody, workUntilDone } from './arrange.ts'
import { endMeans, personIn } from './arrange-account.ts'
import { searchEverywhere } from './search.ts'

const { database, db, office } = openOffice()

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

  it('of a member, too, whose person is told when it is done', async () => {
    const asked = async () => {
      const whom = somebody()
      const { erasureId, workspaces } = await (await personIn(office, db, whom)).erase()
      return { whom, erasureId, id: workspaces[0]?.erasureId ?? '' }
    }
    const { counts } = await workUntilDone(office, meansWithout(office, db), (await asked()).id)
    expect(counts).toMatchObject({ api_key: 1, member: 1 })
    for (let transaction = 1; ; transaction++) {
      const when = transaction % 2 === 0 ? 'AFTER_COMMIT' : 'BEFORE_COMMIT'
      const { whom, erasureId, id } = await asked()
      const dying = dyingDatabase(db, { transaction, when })
      await office.rows('update erasure set next_try_at = now() where workspace_id = $1', [])
      await sweepErasures(meansWithout(office, dying.db, silentLog)).catch(() => {})
      const finished = dying.count() < transaction
      const done = await workUntilDone(office, meansWithout(office, db), id)
      expect([transaction, done.counts]).toEqual([transaction, counts])
      await office.rows('update account_erasure set next_try_at = now() where $1::uuid is not null', [])
      await sweepAccountErasures(endMeans(office, db))
      await rm(join(office.mailFolder, `account-erased-${erasureId}.eml`))
      expect(await searchEverywhere(database.url, office.mailFolder, whom.texts)).toEqual(
        Object.fromEntries(whom.texts.map((text) => [text, []])),
      )
      if (finished) break
    }
  })
})
