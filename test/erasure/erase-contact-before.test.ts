// What of a person is found only because somebody remembers how it was before, or because a call named them.

import { describe, expect, it } from 'vitest'
import { updateContact } from '../../src/domains/contacts/service.ts'
import { updateDeal } from '../../src/domains/deals/service.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { verifyChain } from '../../src/platform/events/audit.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { openOffice } from '../agent/open-office.ts'
import { erase, givePhone, leadOf, meansWithout, somebody, workUntilDone } from './arrange.ts'
import { searchEverywhere } from './search.ts'

const { database, db, office } = openOffice()

const nowhere = (texts: readonly string[]) => Object.fromEntries(texts.map((text) => [text, []]))
const search = (texts: readonly string[]) => searchEverywhere(database.url, office.mailFolder, texts)
const eraseWhole = async (contactId: string) =>
  workUntilDone(office, meansWithout(office, db), (await erase(office, contactId)).id)

/** A call of somebody else's run, as its journal has it. */
async function callOf(runId: string, turn: number, input: object, status = 'DONE'): Promise<void> {
  await office.rows(
    `insert into run_step (workspace_id, run_id, seq, kind, status, title, turn, call_index, data, started_at)
     values ($1, $2, $3, 'TOOL_CALL', $4, 'A call', $5, 0, $6, now())`,
    [runId, 100 + turn, status, turn, JSON.stringify({ tool: 'update_contact', input, decision: 'DENY' })],
  )
}

async function effectOf(runId: string, turn: number, target: string): Promise<void> {
  await office.rows(
    `insert into effect (workspace_id, id, run_id, seq, turn, call_index, tool, risk, status, target, content_hash)
     values ($1, gen_random_uuid(), $2, $3, $4, 0, 'send_email', 'EXTERNAL_SEND', 'FAILED', $5, 'a digest')`,
    [runId, 100 + turn, turn, target],
  )
}

const dealOf = async (contactId: string): Promise<string> => {
  const [deal] = await office.rows<{ id: string }>('select id from deal where workspace_id = $1 and contact_id = $2', [
    contactId,
  ])
  return deal?.id ?? ''
}

describe('what was theirs before', () => {
  it('an address, a number and a name are looked for like those of today', async () => {
    const [before, after] = [somebody(), somebody()]
    const lead = await leadOf(office, before, { wants_call: true })
    await office.work(lead.runId)
    await givePhone(office, lead.contactId, before.phone)
    const today = { email: after.email, name: after.name, phone: after.phone }
    await office.do((tx) => updateContact(tx, { id: lead.contactId, ...today }))
    const other = await leadOf(office, somebody())
    await callOf(other.runId, 7, { subject: before.message })
    await effectOf(other.runId, 7, before.email)
    await office.rows(
      `insert into submission_rejection (workspace_id, id, form_id, reason, email_normalised)
       values ($1, gen_random_uuid(), $2, 'DUPLICATE', lower($3))`,
      [office.formId, before.email],
    )
    await office.rows(
      `insert into idempotency_claim (workspace_id, credential, key, operation, input_hash, outcome)
       values ($1, 'key:1', $2, 'createContact', 'x', '{}')`,
      [`import ${before.phone}`],
    )
    await office.rows(
      `insert into mail_server (workspace_id, host, port, security, connected_at, last_error)
       values ($1, 'mail.example', 25, 'NONE', now(), $2)`,
      [`550 no such user ${before.email.toUpperCase()}`],
    )
    const deal = await dealOf(lead.contactId)
    await office.do((tx) => updateDeal(tx, { id: deal, name: `For ${before.name}` }))
    const done = await eraseWhole(lead.contactId)
    expect(done.counts).toMatchObject({ submission_rejection: 1, idempotency_claim: 1, mail_server: 1 })
    const texts = [...before.texts, ...after.texts]
    expect(await search(texts)).toEqual(nowhere(texts))
    const [kept] = await office.rows('select host from mail_server where workspace_id = $1', [])
    expect(kept).toEqual({ host: 'mail.example' })
  })

  it('an address that is another contact’s by now is theirs, and what went there to this one is found by the call', async () => {
    const [first, second] = [somebody(), somebody()]
    const lead = await leadOf(office, first)
    await office.do((tx) => updateContact(tx, { id: lead.contactId, email: 'moved@visitors.example' }))
    const taken = await leadOf(office, { ...second, email: first.email })
    expect(taken.contactId).not.toBe(lead.contactId)
    const other = await leadOf(office, somebody())
    await callOf(other.runId, 3, { contact: encodeId('contact', lead.contactId), body: first.message })
    await effectOf(other.runId, 3, first.email)
    await eraseWhole(lead.contactId)
    const [kept] = await office.rows('select email from contact where workspace_id = $1 and id = $2', [taken.contactId])
    expect(kept).toEqual({ email: first.email })
    const steps = await office.steps(other.runId)
    expect(steps.find(({ seq }) => seq === 103)?.data).not.toHaveProperty('input.body')
    const [effect] = await office.rows(
      'select target, content_hash from effect where workspace_id = $1 and seq = 103 and run_id = $2',
      [other.runId],
    )
    expect(effect).toEqual({ target: '', content_hash: '' })
  })

  it('a call that was refused is emptied, and the turns beside it stay', async () => {
    const whom = somebody()
    const lead = await leadOf(office, whom)
    const other = await leadOf(office, somebody())
    await callOf(
      other.runId,
      1,
      { contact: encodeId('contact', lead.contactId), fields: { name: whom.name } },
      'REFUSED',
    )
    await callOf(other.runId, 2, { contact: encodeId('contact', other.contactId), fields: { name: 'Beside it' } })
    await eraseWhole(lead.contactId)
    expect(await search(whom.texts)).toEqual(nowhere(whom.texts))
    const data = (await office.steps(other.runId)).filter(({ seq }) => seq > 100).map((step) => step.data)
    expect(data).toMatchObject([
      { tool: 'update_contact', decision: 'DENY', input: {} },
      { input: { fields: { name: 'Beside it' } } },
    ])
  })
})

describe('a deal', () => {
  it('that went to somebody else keeps what is about them, and loses what names the person who was erased', async () => {
    const [whom, next] = [somebody(), somebody()]
    const lead = await leadOf(office, whom, { wants_call: true })
    await office.work(lead.runId)
    const other = await leadOf(office, next)
    const id = await dealOf(lead.contactId)
    const change = (input: object) => office.do((tx) => updateDeal(tx, { id, ...input }))
    await change({ name: `Heron of ${whom.name}`, nextStep: `Ask ${whom.name}` })
    await change({ amount: { micros: 5_000_000n, currency: 'EUR' } })
    await change({ contact: other.contactId })
    await change({ nextStep: 'Call about the pond' })
    await change({ nextStep: 'Write about the pond' })
    await eraseWhole(lead.contactId)
    expect(await search(whom.texts)).toEqual(nowhere(whom.texts))
    const [deal] = await office.rows(
      'select name, next_step, contact_id from deal where workspace_id = $1 and id = $2',
      [id],
    )
    expect(deal).toEqual({ name: 'Erased', next_step: 'Write about the pond', contact_id: other.contactId })
    const events = await office.rows<{ fields: string[] | null }>(
      `select (select array_agg(c ->> 'field') from jsonb_array_elements(changes) c) as fields from event_log
        where workspace_id = $1 and subject_id = $2 and type = 'deal.updated' order by position`,
      [id],
    )
    // The first told of the person, and the fourth what stood there before. Amounts stay, and so does what was told of whom it
    // is with now.
    expect(events.map(({ fields }) => fields)).toEqual([null, ['amount'], ['contact'], null, ['nextStep']])
    expect(await verifyChain(db, office.id, { limit: 100_000 })).toMatchObject({ fault: null, complete: true })
  })
})

describe('digests that could be guessed', () => {
  it('go with what they are of', async () => {
    const lead = await leadOf(office, somebody(), { wants_call: true })
    await office.work(lead.runId)
    const hashes = () =>
      office.rows<{ hash: string }>(
        `select content_hash as hash from effect where workspace_id = $1 and run_id = $2
          union all select shown_hash from approval where workspace_id = $1 and run_id = $2`,
        [lead.runId],
      )
    expect((await hashes()).filter(({ hash }) => hash !== '').length).toBeGreaterThan(1)
    await eraseWhole(lead.contactId)
    expect((await hashes()).filter(({ hash }) => hash !== '')).toEqual([])
  })
})

describe('before it is certified', () => {
  /** The database of a process in which something happens behind its last look into the log. */
  function interrupted(happens: () => Promise<unknown>): Database {
    let left = 1
    const query = async (text: string, values: unknown[]) => {
      const result = await db.system.query(text, values)
      if (text.includes('cadre_erase_events') && result.rows[0]?.erased === 0 && left-- > 0) await happens()
      return result
    }
    const system = new Proxy(db.system, { get: (pool, name) => (name === 'query' ? query : Reflect.get(pool, name)) })
    return { ...db, system } as Database
  }

  it.each([
    [
      'a row',
      (email: string) =>
        office.rows(
          `insert into submission_rejection (workspace_id, id, form_id, reason, email_normalised, created_at)
           values ($1, gen_random_uuid(), $2, 'DUPLICATE', lower($3), now() - interval '1 day')`,
          [office.formId, email],
        ),
    ],
    [
      'an event on its way into the log',
      (email: string, contactId: string) =>
        office.rows(
          `insert into event_outbox (workspace_id, type, subject_type, subject_id, actor, changes, occurred_at)
           values ($1, 'contact.updated', 'contact', $2, '{"kind":"SYSTEM"}', $3, now())`,
          [contactId, JSON.stringify([{ field: 'email', from: email, to: null }])],
        ),
    ],
    [
      'a call that names them',
      async (email: string, contactId: string) => {
        const { runId } = await leadOf(office, somebody())
        await callOf(runId, 1, { contact: encodeId('contact', contactId), email })
      },
    ],
  ])('all is looked at a last time: %s that comes in between is found', async (_what, comes) => {
    const whom = somebody()
    const { contactId } = await leadOf(office, whom)
    const { id } = await erase(office, contactId)
    const came: string[] = []
    const means = meansWithout(
      office,
      interrupted(async () => {
        came.push(whom.email)
        await comes(whom.email, contactId)
      }),
    )
    await workUntilDone(office, means, id)
    expect(came).toEqual([whom.email])
    expect(await search(whom.texts)).toEqual(nowhere(whom.texts))
  })
})
