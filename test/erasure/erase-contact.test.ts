import { readdir } from 'node:fs/promises'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { updateContact } from '../../src/domains/contacts/service.ts'
import { eraseContact, sweepErasures } from '../../src/domains/erasures/service.ts'
import { Office } from '../agent/arrange.ts'
import { openOffice } from '../agent/open-office.ts'
import { footprintOf } from '../every-operation/footprint.ts'
import { runSql } from '../support/sql.ts'
import { erase, erasureOf, givePhone, leadOf, meansWithout, somebody, workUntilDone } from './arrange.ts'
import { searchEverywhere } from './search.ts'

const { database, db, office } = openOffice()

// Nobody sequences here but the erasure itself: whatever was told stays in the outbox until then.
const means = () => meansWithout(office, db)

const nowhere = (texts: readonly string[]) => Object.fromEntries(texts.map((text) => [text, []]))
const search = (texts: readonly string[]) => searchEverywhere(database.url, office.mailFolder, texts)

describe('erasing a person', () => {
  it('reaches what is still in the outbox', async () => {
    const whom = somebody()
    const { contactId } = await leadOf(office, whom)
    await givePhone(office, contactId, whom.phone)
    expect((await search([whom.phone]))[whom.phone]).toContain('event_outbox.changes')
    const { id } = await erase(office, contactId)
    const done = await workUntilDone(office, means(), id)
    expect(done.counts.event_log).toBeGreaterThan(0)
    expect(await search(whom.texts)).toEqual(nowhere(whom.texts))
  })

  it('twice, also at once, is one erasure, and the address may come again as somebody new', async () => {
    const whom = somebody()
    const { contactId } = await leadOf(office, whom)
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => erase(office, contactId)))
    expect(new Set(others.map(({ id }) => id))).toEqual(new Set([first?.id]))
    const again = await leadOf(office, whom)
    expect(again.contactId).not.toBe(contactId)
    const done = await workUntilDone(office, means(), first?.id ?? '')
    expect(done.counts).toMatchObject({ contact: 1, submission: 1, run: 1 })
    // Who came anew is another person to us, and stays.
    const [kept] = await office.rows('select name, email from contact where workspace_id = $1 and id = $2', [
      again.contactId,
    ])
    expect(kept).toEqual({ name: whom.name, email: whom.email })
    expect(await erase(office, contactId)).toEqual({ id: done.id })
    expect(await office.count('erasure', 'subject_id = $2', [contactId])).toBe(1)
  })

  it('beside leads of the same address that come in at the same moment loses none of them', async () => {
    const whom = somebody()
    const { contactId } = await leadOf(office, whom)
    const [, ...leads] = await Promise.all([
      erase(office, contactId),
      ...Array.from({ length: 6 }, () => leadOf(office, whom)),
    ])
    const contacts = new Set(leads.map((lead) => lead.contactId))
    contacts.delete(contactId)
    expect(contacts.size).toBeLessThanOrEqual(1)
    expect(leads.every((lead) => lead.contactId !== '')).toBe(true)
  })

  it('leaves nothing that could be filled in again', async () => {
    const { contactId } = await leadOf(office, somebody())
    await erase(office, contactId)
    const change = office.do((tx) => updateContact(tx, { id: contactId, name: 'Ina again' }))
    await expect(change).rejects.toMatchObject({ code: 'CONFLICT', details: { reason: 'CLOSED' } })
  })

  it('is not for employees, nor for who lacks the permission, nor for a contact of others', async () => {
    const { contactId } = await leadOf(office, somebody())
    const as = (viewer: Parameters<Office['do']>[1], id = contactId) =>
      office.do((tx) => eraseContact(tx, { id }), viewer)
    const needs = { code: 'FORBIDDEN', details: { needs: 'PERSONAL_DATA_ERASE' } }
    await expect(as(office.ada)).rejects.toMatchObject(needs)
    const employee = { kind: 'employee', employeeId: office.employeeId, name: 'Iris', runId: contactId } as const
    await expect(as(employee)).rejects.toMatchObject(needs)
    const other = await Office.open(db, database.url)
    const theirs = await leadOf(other, somebody())
    await expect(as(undefined, theirs.contactId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await other.close()
  })
})

describe('while a process works a run of the person', () => {
  it('waits until the run has stopped, whatever it had in memory', async () => {
    const whom = somebody()
    const lead = await leadOf(office, whom, { wants_call: true })
    let working: () => void = () => {}
    const begun = new Promise<void>((resolve) => {
      working = resolve
    })
    let goOn: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const worked = office.work(lead.runId, undefined, {
      // Asked before a mail leaves: by then the run has read all there is, and written most of it down.
      maySend: async () => {
        working()
        await held
        return true
      },
    })
    await begun
    const { id } = await erase(office, lead.contactId)
    await sweepErasures(means())
    expect((await office.run(lead.runId)).status).toBe('RUNNING')
    expect(await erasureOf(office, id)).toMatchObject({ status: 'RUNNING', counts: {} })
    goOn()
    await worked
    const done = await workUntilDone(office, means(), id)
    expect((await office.run(lead.runId)).status).toBe('CANCELLED')
    expect(done.counts).toMatchObject({ run: 1, submission: 1 })
    expect(await search(whom.texts)).toEqual(nowhere(whom.texts))
  })
})

describe('what is somebody else’s', () => {
  it('stays as it is: another contact of the same company, and the same address in another workspace', async () => {
    const whom = somebody()
    const erased = await leadOf(office, whom, { wants_call: true })
    await office.work(erased.runId)
    const colleague = somebody()
    const kept = await leadOf(office, colleague, { wants_call: true })
    await office.work(kept.runId)
    const elsewhere = await Office.open(db, database.url)
    const there = await leadOf(elsewhere, whom, { wants_call: true })
    await elsewhere.work(there.runId)
    const owner = new pg.Pool({ connectionString: database.url, max: 1 })
    const prints = async () => [
      await ofPerson(kept),
      await ofPerson(there),
      await footprintOf(owner, elsewhere.id),
      await readdir(elsewhere.mailFolder),
    ]
    const before = await prints()
    await workUntilDone(office, means(), (await erase(office, erased.contactId)).id)
    expect(await prints()).toEqual(before)
    expect(await readdir(office.mailFolder)).toContain(`${kept.runId}.2.0.eml`)
    await owner.end()
    await elsewhere.close()
  })

  /** All rows of a person, and what the log tells of them, in the outbox or not. */
  async function ofPerson({
    contactId,
    submissionId,
    runId,
  }: {
    contactId: string
    submissionId: string
    runId: string
  }) {
    const rows = async (text: string, values: unknown[]) =>
      (await runSql<{ row: unknown }>(database.url, text, values)).map(({ row }) => row)
    const ofRun = ['run_step', 'effect', 'approval', 'inbox_message']
    return [
      await rows('select to_jsonb(t) as row from contact t where id = $1', [contactId]),
      await rows('select to_jsonb(t) as row from submission t where id = $1', [submissionId]),
      await rows('select to_jsonb(t) as row from deal t where contact_id = $1', [contactId]),
      await rows('select to_jsonb(t) as row from run t where id = $1', [runId]),
      ...(await Promise.all(
        ofRun.map((table) => rows(`select to_jsonb(t) as row from ${table} t where run_id = $1 order by 1`, [runId])),
      )),
      await rows(
        `select jsonb_build_array(id, type, data, changes, origin) as row from (
           select id, type, data, changes, origin, run_id, subject_id from event_outbox union all
           select outbox_id, type, data, changes, origin, run_id, subject_id from event_log) e
          where run_id = $1 or subject_id in ($2, $3) order by id`,
        [runId, contactId, submissionId],
      ),
    ]
  }
})
