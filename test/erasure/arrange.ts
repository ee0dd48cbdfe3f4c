import { updateContact } from '../../src/domains/contacts/service.ts'
import { type ErasureMeans, eraseContact, sweepErasures } from '../../src/domains/erasures/service.ts'
import { eventTypes } from '../../src/domains/event-types.ts'
import { createMailer } from '../../src/domains/mail/mailer.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { SEQUENCER_LOCK } from '../../src/platform/events/epoch.ts'
import type { Office } from '../agent/arrange.ts'
import type { Node } from '../events/log-world.ts'
import { systemContext, testLog } from '../support/context.ts'

export interface Whom {
  readonly email: string
  readonly name: string
  readonly phone: string
  readonly message: string
}

let people = 0
/** Another one each time; `texts` are what nobody else has. */
export function somebody(): Whom & { readonly texts: readonly string[] } {
  const word = `Wobble${String.fromCharCode(97 + people)}ton`
  const whom = {
    email: `${word}@visitors.example`,
    name: `Ina ${word}`,
    phone: `+43660777${String(people).padStart(4, '0')}`,
    message: `the ${word} matter`,
  }
  people += 1
  return { ...whom, texts: [word, whom.phone] }
}

/** What an office's sweep works with; `db` is another one where a process dies. */
export function meansOf(office: Office, node: Node, db: Database = node.db): ErasureMeans {
  return {
    db,
    contextOf: (workspaceId) => ({ ...node.ctx(workspaceId), db }),
    log: testLog,
    mailer: createMailer({ folder: office.mailFolder, defaultFrom: 'cadre@localhost' }),
    sequencePass: () => node.events.sequencer.sequencePass(),
    kept: eventTypes.kept,
  }
}

/** As `meansOf`, where no process moves events into the log by itself: the erasure has it done. */
export function meansWithout(office: Office, db: Database, log = testLog): ErasureMeans {
  return {
    db,
    contextOf: (workspaceId) => systemContext(db, workspaceId),
    log,
    mailer: createMailer({ folder: office.mailFolder, defaultFrom: 'cadre@localhost' }),
    sequencePass: async () => {
      await db.system.query('select cadre_sequence($1, 0, false)', [SEQUENCER_LOCK])
    },
    kept: eventTypes.kept,
  }
}

/** A lead of the person; what they write stands in the answers. Gives the contact's id, too. */
export async function leadOf(office: Office, whom: Whom, answers: Record<string, unknown> = {}) {
  const lead = await office.lead({ email: whom.email, name: whom.name, message: whom.message, ...answers })
  const [found] = await office.rows<{ contact_id: string }>(
    'select contact_id from submission where workspace_id = $1 and id = $2',
    [lead.submissionId],
  )
  const contactId = found?.contact_id ?? ''
  return { ...lead, contactId }
}

export const givePhone = (office: Office, contactId: string, phone: string) =>
  office.do((tx) => updateContact(tx, { id: contactId, phone }))

export const erase = (office: Office, contactId: string, reason?: string) =>
  office.do((tx) => eraseContact(tx, { id: contactId, reason }))

export interface ErasureRow {
  readonly id: string
  readonly status: string
  readonly attempts: number
  readonly counts: Record<string, number>
  readonly reason: string | null
  readonly document: string | null
  readonly digest: string | null
  readonly traces: unknown
}

export async function erasureOf(office: Office, id: string): Promise<ErasureRow> {
  const [row] = await office.rows<ErasureRow>('select * from erasure where workspace_id = $1 and id = $2', [id])
  if (row === undefined) throw new Error('there is no such erasure')
  return row
}

/** Sweeps until it is finished, without waiting for the time at which it would be looked at again. */
export async function workUntilDone(office: Office, means: ErasureMeans, id: string): Promise<ErasureRow> {
  for (let pass = 0; pass < 50; pass++) {
    await office.rows('update erasure set next_try_at = now() where workspace_id = $1', [])
    await sweepErasures(means)
    const row = await erasureOf(office, id)
    if (row.status === 'SUCCEEDED') return row
  }
  throw new Error('the erasure does not come to an end')
}
