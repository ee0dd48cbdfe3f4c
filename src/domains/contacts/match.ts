// Matching: whoever comes in is found again or made, once.
//
// The unique index on the normalised e-mail decides between transactions that meet: each tries to insert; those that come
// second wait for the first to end, insert nothing, and then find and lock its row. A person without an e-mail is told by
// the phone number, which is not unique (a household shares one), so there an advisory lock keeps two transactions from
// making the same contact. Without either nobody is matched.

import { type Selectable, sql } from 'kysely'
import { type Given, statement } from '../../platform/db/statement.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { fold } from '../../platform/lib/fold.ts'
import { newId } from '../../platform/lib/ids.ts'
import { contactEvents } from './events.ts'
import { type ContactFacts, type FillableField, fillEmpty, normaliseEmail, normalisePhone } from './model.ts'

export type ContactRow = Selectable<Tables['contact']>

/** What a submission says about its sender. What is no valid address or number counts as not given. */
export interface MatchContactInput extends ContactFacts {
  readonly email?: string | undefined
}

export interface MatchedContact {
  readonly contact: ContactRow
  /** This call made it. */
  readonly created: boolean
  /** Fields of a known contact that were empty and are filled now. */
  readonly filled: readonly FillableField[]
}

/**
 * The contact with this e-mail, else (without one) with this phone number, locked; made when there is none, its empty
 * fields filled when there is; a CUSTOMER's phone and company are left as they are. Null when neither is given. Two statements for a new contact and for a known one with
 * nothing to fill. However many transactions bring one new e-mail at once, they get one contact. Whoever may submit a
 * form may do this: no permission is asked.
 */
export async function matchOrCreateContact(tx: Tx, input: MatchContactInput): Promise<MatchedContact | null> {
  const email = input.email === undefined ? undefined : normaliseEmail(input.email)
  const phone = input.phone === undefined ? undefined : normalisePhone(input.phone)
  const facts = { name: input.name?.trim().slice(0, 255), phone, companyName: input.companyName?.trim().slice(0, 255) }
  if (email === undefined) return phone === undefined ? null : await matchByPhone(tx, phone, facts)
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const made = await insert(tx, { ...facts, email: input.email?.trim() ?? email, emailNormalised: email })
    if (made !== undefined) return { contact: made, created: true, filled: [] }
    const [known] = await tx.run(lockByEmail, { email })
    if (known !== undefined) return await complete(tx, known, credible(known, facts))
    // Whoever stood in the way was erased meanwhile, or has another address now.
  }
  throw new Error('a contact that stood in the way is not there')
}

const MOST_ATTEMPTS = 5

const lockByEmail = statement((template, input: { readonly email: string }) =>
  template.selectFrom('contact').selectAll().where('emailNormalised', '=', input.email).forNoKeyUpdate(),
)

async function matchByPhone(tx: Tx, phone: string, facts: ContactFacts): Promise<MatchedContact> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`contact ${tx.workspaceId} ${phone}`}, 0))`.execute(tx.sql)
  const known = await tx.sql
    .selectFrom('contact')
    .selectAll()
    .where('phone', '=', phone)
    .orderBy('createdAt')
    .orderBy('id')
    .limit(1)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (known !== undefined) return await complete(tx, known, credible(known, facts))
  const made = await insert(tx, facts)
  if (made === undefined) throw new Error('a contact without an e-mail met a unique index')
  return { contact: made, created: true, filled: [] }
}

/**
 * What may be filled in of what a form says. Whoever knows a customer's e-mail can send a form in their name: a number to
 * call and a company to bill are not taken from there.
 */
const credible = (known: ContactRow, facts: ContactFacts): ContactFacts =>
  known.lifecycle === 'CUSTOMER' ? { name: facts.name } : facts

/** Fills what is empty of a contact that the caller has locked. No statement when there is nothing to fill. */
export async function complete(tx: Tx, contact: ContactRow, facts: ContactFacts): Promise<MatchedContact> {
  const filled = fillEmpty(contact, facts)
  const fields = Object.keys(filled) as FillableField[]
  if (fields.length === 0) return { contact, created: false, filled: fields }
  const patch = {
    ...filled,
    ...(filled.name === undefined ? {} : { nameFolded: fold(filled.name) }),
    version: contact.version + 1,
    updatedAt: tx.now,
  }
  await tx.sql.updateTable('contact').set(patch).where('id', '=', contact.id).execute()
  appendEvents(tx, [
    {
      type: contactEvents.updated.type,
      subject: { kind: 'contact', id: contact.id },
      subjectVersion: patch.version,
      changes: changesBetween({ ...contact }, filled),
    },
  ])
  return { contact: { ...contact, ...patch }, created: false, filled: fields }
}

interface NewContact extends ContactFacts {
  readonly email?: string
  readonly emailNormalised?: string
}

/** Undefined when a contact with this e-mail is there already, also one that was committed a moment ago. */
async function insert(tx: Tx, fields: NewContact): Promise<ContactRow | undefined> {
  const name = blankAsNull(fields.name)
  const [row] = await tx.run(insertContact, {
    id: newId(),
    name,
    nameFolded: name === null ? null : fold(name),
    email: fields.email ?? null,
    emailNormalised: fields.emailNormalised ?? null,
    phone: fields.phone ?? null,
    companyName: blankAsNull(fields.companyName),
  })
  if (row === undefined) return undefined
  appendEvents(tx, [{ type: contactEvents.created.type, subject: { kind: 'contact', id: row.id }, subjectVersion: 1 }])
  return row
}

const insertContact = statement(
  (
    template,
    input: Given &
      Pick<ContactRow, 'id' | 'name' | 'nameFolded' | 'email' | 'emailNormalised' | 'phone' | 'companyName'>,
  ) =>
    template
      .insertInto('contact')
      .values({
        workspaceId: input.workspaceId,
        id: input.id,
        name: input.name,
        nameFolded: input.nameFolded,
        email: input.email,
        emailNormalised: input.emailNormalised,
        phone: input.phone,
        companyName: input.companyName,
        createdAt: input.now,
        updatedAt: input.now,
      })
      .onConflict((conflict) => conflict.columns(['workspaceId', 'emailNormalised']).doNothing())
      .returningAll(),
)

const blankAsNull = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text)
