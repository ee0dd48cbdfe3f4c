import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decideApproval } from '../../src/domains/approvals/service.ts'
import { updateDeal } from '../../src/domains/deals/service.ts'
import { createMailer } from '../../src/domains/mail/mailer.ts'
import { verifyChain } from '../../src/platform/events/audit.ts'
import { Office } from '../agent/arrange.ts'
import { openStandingNode } from '../events/open-standing-node.ts'
import { type ErasureRow, erase, givePhone, leadOf, meansOf, workUntilDone } from './arrange.ts'
import { searchEverywhere } from './search.ts'

const ZEB = {
  email: 'Zebedee.Quillfeather@Visitors.example',
  name: 'Zebedee Quillfeather',
  phone: '+436601234567',
  message: 'my heron statue has lost a wing',
}
const TEXTS = [ZEB.email, 'Zebedee', 'Quillfeather', ZEB.phone, '436601234567', ZEB.message]

const { database, node } = openStandingNode()
let office: Office
let contactId: string
let before: Record<string, string[]>
let done: ErasureRow
let runs: string[]

beforeAll(async () => {
  office = await Office.open(node.db, database.url, { autonomy: 'SUPERVISED' })
  await everythingOf()
  await node.events.sequencer.sequencePass()
  before = await searchEverywhere(database.url, office.mailFolder, TEXTS)
  const { id } = await erase(office, contactId, 'Zebedee wrote to us and asked for it')
  done = await workUntilDone(office, meansOf(office, node), id)
})
afterAll(() => office.close())

/** Somebody who has left traces wherever one can: worked to the end, waiting for a person, and not begun. */
async function everythingOf(): Promise<void> {
  // Works for themselves: what is called after the company names the person.
  const worked = await leadOf(office, ZEB, { wants_call: true, company: 'Quillfeather Herons' })
  contactId = worked.contactId
  for (let round = 0; round < 6 && (await office.run(worked.runId)).status !== 'SUCCEEDED'; round++) {
    await office.work(worked.runId)
    for (const { id, status } of await office.approvals(worked.runId)) {
      if (status !== 'PENDING') continue
      await office.do((tx) => decideApproval(tx, { id, decision: 'APPROVE', reason: 'Zebedee is nice' }), office.ada)
    }
  }
  await givePhone(office, contactId, ZEB.phone)
  const waiting = await leadOf(office, ZEB, { wants_call: true })
  await office.work(waiting.runId)
  const queued = await leadOf(office, ZEB)
  runs = [worked.runId, waiting.runId, queued.runId]
  const [deal] = await office.rows<{ id: string }>('select id from deal where workspace_id = $1 and contact_id = $2', [
    contactId,
  ])
  await office.do((tx) =>
    updateDeal(tx, { id: deal?.id ?? '', name: 'Quillfeather, heron', nextStep: 'Call Zebedee back' }),
  )
  await office.rows(
    `insert into submission_rejection (workspace_id, id, form_id, reason, email_normalised, address_hash)
     values ($1, gen_random_uuid(), $2, 'DUPLICATE', lower($3), 'digest')`,
    [office.formId, ZEB.email],
  )
  await office.rows(
    `insert into idempotency_claim (workspace_id, credential, key, operation, input_hash, outcome)
     values ($1, 'key:1', $2, 'createContact', 'x', '{}'), ($1, 'key:1', 'other', 'createContact', 'x', '{}')`,
    [`import ${ZEB.email}`],
  )
  await office.rows(
    `update dbos.workflow_status set error = $2
      where workflow_uuid = any (select $1 || ':' || r || ':1' from unnest($3::text[]) r)`,
    [`could not parse ${ZEB.email}`, runs],
  )
  await visitBySomebodyElse()
}

/** The run of another person's lead in which the employee wrote to this one. */
async function visitBySomebodyElse(): Promise<void> {
  const other = await leadOf(office, { email: 'mo@visitors.example', name: 'Mo Kim', phone: '', message: 'a pond' })
  const step = `insert into run_step (workspace_id, run_id, seq, kind, status, title, turn, call_index, data, started_at)`
  await office.rows(
    `${step} values ($1, $2, 0, 'MODEL_TURN', 'DONE', 'Mo thinks', 0, null, '{"content": [], "text": "a pond"}', now()),
       ($1, $2, 1, 'MODEL_TURN', 'DONE', 'Write to Zebedee', 1, null, $3, now()),
       ($1, $2, 2, 'TOOL_CALL', 'DONE', 'Send an e-mail', 1, 0, $3, now())`,
    [other.runId, JSON.stringify({ content: [ZEB], text: ZEB.message, tool: 'send_email', input: ZEB })],
  )
  await office.rows(
    `insert into effect (workspace_id, id, run_id, seq, turn, call_index, tool, risk, status, target, content_hash, result,
                         confirmed_at)
     values ($1, gen_random_uuid(), $2, 2, 1, 0, 'send_email', 'EXTERNAL_SEND', 'CONFIRMED', $3, 'x', $4, now())`,
    [other.runId, ZEB.email, JSON.stringify({ to: ZEB.email })],
  )
  const mailer = createMailer({ folder: office.mailFolder, defaultFrom: 'cadre@localhost' })
  const mail = { from: { name: 'Iris', address: null }, to: { name: ZEB.name, address: ZEB.email }, subject: 'Hello' }
  await mailer.send({ ...mail, body: ZEB.message }, `${other.runId}.1.0`)
}

describe('after a person was erased', () => {
  it('what they were and wrote is found nowhere: in no column of any table, and in no mail', async () => {
    // First that it was looked for in the right way: it stood in all these places.
    const places = new Set(Object.values(before).flat())
    const expected = [
      'approval.input',
      'contact.email',
      'deal.next_step',
      'dbos.workflow_status.error',
      'effect.target',
    ]
    expected.push('idempotency_claim.key', 'inbox_message.blocks', 'mail', 'run.title', 'run_step.data')
    expected.push('submission.answers', 'submission_rejection.email_normalised', 'event_log.changes')
    expect(expected.filter((place) => !places.has(place))).toEqual([])
    expect(Object.entries(before).filter(([, found]) => found.length === 0)).toEqual([])

    const after = await searchEverywhere(database.url, office.mailFolder, TEXTS)
    expect(after).toEqual(Object.fromEntries(TEXTS.map((text) => [text, []])))
  })

  it('there is a certificate, of ids and figures, whose digest the log has, too', async () => {
    expect(done).toMatchObject({ status: 'SUCCEEDED', attempts: 0, traces: null, reason: null })
    expect(
      createHash('sha256')
        .update(done.document ?? '')
        .digest('hex'),
    ).toBe(done.digest)
    const { counts, ...rest } = JSON.parse(done.document ?? '') as { counts: { table: string; rows: number }[] }
    expect(rest).toMatchObject({ erasure: `erasure_${done.id}`, subject: `contact_${contactId}` })
    const byTable = Object.fromEntries(counts.map(({ table, rows }) => [table, rows]))
    expect(byTable).toEqual(done.counts)
    expect(byTable).toMatchObject({
      contact: 1,
      deal: 2,
      idempotency_claim: 1,
      run: 3,
      submission: 3,
      submission_rejection: 1,
    })
    await node.events.sequencer.sequencePass()
    const [event] = await office.rows<{ data: { digest: string }; actor: { kind: string } }>(
      `select data, actor from event_log where workspace_id = $1 and type = 'contact.erased'`,
    )
    expect(event?.data.digest).toBe(done.digest)
    const erased = await office.count('event_log', 'erased_by is not null')
    expect([erased > 0, erased]).toEqual([true, byTable.event_log])
  })

  it('the log is verified from end to end, and says how much of it was erased', async () => {
    const verified = await verifyChain(node.db, office.id, { limit: 100_000 })
    expect(verified).toMatchObject({ complete: true, fault: null, unchained: 0, erased: done.counts.event_log })
    expect(verified.events).toBe(await office.count('event_log'))
  })

  it('ids, statuses, figures and what the run cost stay, and its runs are over', async () => {
    const rows = await office.rows<{ id: string; status: string; title: string; tokens_input: number }>(
      'select id, status, title, tokens_input from run where workspace_id = $1 and id = any ($2) order by id',
      [runs],
    )
    expect(rows.map(({ status }) => status).sort()).toEqual(['CANCELLED', 'CANCELLED', 'SUCCEEDED'])
    expect(new Set(rows.map(({ title }) => title))).toEqual(new Set(['Erased']))
    const steps = await office.steps(runs[0] ?? '')
    expect(steps.find(({ kind }) => kind === 'MODEL_TURN')?.data).toMatchObject({ rehearsal: true, content: [] })
    expect(steps.find(({ kind }) => kind === 'TOOL_CALL')?.data).toHaveProperty('tool')
    const [deal] = await office.rows<{ amount_micros: string | null; name: string }>(
      'select amount_micros, name from deal where workspace_id = $1 and contact_id = $2',
      [contactId],
    )
    expect(deal).toMatchObject({ amount_micros: '18000000000', name: 'Erased' })
  })

  it('of another’s run only the turn is emptied in which something was done to them', async () => {
    const turns = await office.rows<{ turn: number; text: string }>(
      `select s.turn, s.data ->> 'text' as text from run_step s join run r on r.id = s.run_id and r.erased_at is null
        where s.workspace_id = $1 and s.kind = 'MODEL_TURN' order by s.seq`,
    )
    expect(turns).toEqual([
      { turn: 0, text: 'a pond' },
      { turn: 1, text: '' },
    ])
  })
})
