import { requirePermission } from '../../platform/auth/permissions.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { conflict, notFound } from '../../platform/lib/errors.ts'
import { fold } from '../../platform/lib/fold.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { contactEvents } from './events.ts'
import { type ContactRow, complete, type MatchedContact } from './match.ts'
import {
  type ContactFacts,
  type CreateContactInput,
  normaliseEmail,
  type OwnerId,
  type UpdateContactInput,
} from './model.ts'

export { type ContactRow, type MatchContactInput, type MatchedContact, matchOrCreateContact } from './match.ts'

/**
 * Adds a contact. Needs CONTACTS_WRITE. CONFLICT (DUPLICATE, with the contact that is there) for an e-mail, external
 * reference or id that is taken; NOT_FOUND for the owner.
 */
export async function createContact(tx: Tx, input: CreateContactInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'CONTACTS_WRITE')
  const id = input.id ?? newId()
  const name = input.name ?? null
  const emailNormalised = normalised(input.email)
  await assertFree(tx, id, emailNormalised, input.externalReference)
  await assertOwner(tx, input.owner)
  await tx.sql
    .insertInto('contact')
    .values({
      workspaceId: tx.workspaceId,
      id,
      name,
      nameFolded: name === null ? null : fold(name),
      email: input.email ?? null,
      emailNormalised: emailNormalised ?? null,
      phone: input.phone ?? null,
      companyName: input.companyName ?? null,
      lifecycle: input.lifecycle ?? 'LEAD',
      externalReference: input.externalReference ?? null,
      ...ownerColumns(input.owner),
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  appendEvents(tx, [{ type: contactEvents.created.type, subject: { kind: 'contact', id }, subjectVersion: 1 }])
  return { id }
}

/**
 * Changes what is given; null clears. Needs CONTACTS_WRITE. CONFLICT for a stale `ifVersion` and for an e-mail or external
 * reference that another contact has; NOT_FOUND for the contact and the owner.
 */
export async function updateContact(tx: Tx, input: UpdateContactInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'CONTACTS_WRITE')
  return await changeContact(tx, input)
}

/**
 * Notes that a contact is worth working on. For the verb that judges what the contact sent: whoever may judge may do what
 * follows from it. NOT_FOUND.
 */
export const qualifyContact = (tx: Tx, id: string): Promise<{ readonly id: string }> =>
  changeContact(tx, { id, lifecycle: 'QUALIFIED' })

async function changeContact(tx: Tx, input: UpdateContactInput): Promise<{ readonly id: string }> {
  const { id, ifVersion, owner, ...fields } = input
  const contact = await lockContact(tx, id)
  if (ifVersion != null && ifVersion !== contact.version) {
    throw conflict('STALE_VERSION', `This contact has changed: it is at version ${contact.version}.`, {
      kind: 'contact',
      id,
    })
  }
  const emailNormalised = normalised(fields.email)
  await assertFree(tx, id, emailNormalised, fields.externalReference)
  await assertOwner(tx, owner)
  const changes = [
    ...changesBetween({ ...contact }, fields),
    ...(owner === undefined ? [] : changesBetween({ owner: ownerText(contact) }, { owner: ownerTextOf(owner) })),
  ]
  if (changes.length === 0) return { id }
  const version = contact.version + 1
  await tx.sql
    .updateTable('contact')
    .set({
      ...(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<ContactRow>),
      ...(fields.name === undefined ? {} : { nameFolded: fields.name === null ? null : fold(fields.name) }),
      ...(emailNormalised === undefined ? {} : { emailNormalised }),
      ...(owner === undefined ? {} : ownerColumns(owner)),
      version,
      updatedAt: tx.now,
    })
    .where('id', '=', id)
    .execute()
  appendEvents(tx, [
    { type: contactEvents.updated.type, subject: { kind: 'contact', id }, subjectVersion: version, changes },
  ])
  return { id }
}

/** Fills what is empty of a contact and leaves the rest. Needs CONTACTS_WRITE. NOT_FOUND for the contact. */
export async function completeContact(tx: Tx, id: string, facts: ContactFacts): Promise<MatchedContact> {
  requirePermission(tx.viewer, 'CONTACTS_WRITE')
  return await complete(tx, await lockContact(tx, id), facts)
}

/**
 * The contact's row, locked until the transaction ends. NOT_FOUND when it is not of this workspace; CONFLICT (CLOSED) for one
 * that was erased: nothing is known of them again.
 */
export async function lockContact(tx: Tx, id: string): Promise<ContactRow> {
  const contact = await lockRow(tx, id)
  if (contact.erasedAt !== null) {
    throw conflict('CLOSED', 'This contact was erased. Whoever comes again is a new one.', { kind: 'contact', id })
  }
  return contact
}

/**
 * Empties a contact for good. Returns it as it was, or null for one that was emptied before. For who erases; it tells no
 * event. NOT_FOUND.
 */
export async function emptyContact(tx: Tx, id: string): Promise<ContactRow | null> {
  const contact = await lockRow(tx, id)
  if (contact.erasedAt !== null) return null
  await tx.sql
    .updateTable('contact')
    .set({
      name: null,
      nameFolded: null,
      email: null,
      emailNormalised: null,
      phone: null,
      companyName: null,
      externalReference: null,
      erasedAt: tx.now,
      version: contact.version + 1,
      updatedAt: tx.now,
    })
    .where('id', '=', id)
    .execute()
  return contact
}

async function lockRow(tx: Tx, id: string): Promise<ContactRow> {
  const contact = await tx.sql
    .selectFrom('contact')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (contact === undefined) throw notFound('Contact', encodeId('contact', id))
  return contact
}

/** The owner's two columns: one of them set, or none. */
export const ownerColumns = (owner: OwnerId | null | undefined) => ({
  ownerEmployeeId: owner && 'employeeId' in owner ? owner.employeeId : null,
  ownerMemberId: owner && 'memberId' in owner ? owner.memberId : null,
})

/** NOT_FOUND for an owner that is not of this workspace. No statement without an owner. */
export async function assertOwner(tx: Tx, owner: OwnerId | null | undefined): Promise<void> {
  if (owner === null || owner === undefined) return
  const found =
    'employeeId' in owner
      ? await tx.sql.selectFrom('employee').select('id').where('id', '=', owner.employeeId).executeTakeFirst()
      : await tx.sql
          .selectFrom('member')
          .select('id')
          .where('id', '=', owner.memberId)
          .where('removedAt', 'is', null)
          .executeTakeFirst()
  if (found !== undefined) return
  throw 'employeeId' in owner
    ? notFound('Employee', encodeId('employee', owner.employeeId))
    : notFound('Member', encodeId('member', owner.memberId))
}

/** An owner as events tell it: the public id. */
export const ownerTextOf = (owner: OwnerId | null): string | null =>
  owner === null
    ? null
    : 'employeeId' in owner
      ? encodeId('employee', owner.employeeId)
      : encodeId('member', owner.memberId)

export const ownerText = (row: {
  readonly ownerEmployeeId: string | null
  readonly ownerMemberId: string | null
}): string | null => {
  if (row.ownerEmployeeId !== null) return encodeId('employee', row.ownerEmployeeId)
  return row.ownerMemberId === null ? null : encodeId('member', row.ownerMemberId)
}

/** Undefined stays undefined (unchanged), null stays null (cleared). The parser has let valid addresses through only. */
const normalised = (email: string | null | undefined): string | null | undefined =>
  email === null || email === undefined ? email : (normaliseEmail(email) ?? null)

async function assertFree(
  tx: Tx,
  id: string,
  emailNormalised: string | null | undefined,
  externalReference: string | null | undefined,
): Promise<void> {
  if (!emailNormalised && !externalReference) return
  const taken = await tx.sql
    .selectFrom('contact')
    .select(['id', 'emailNormalised'])
    .where('id', '!=', id)
    .where((eb) =>
      eb.or([
        ...(emailNormalised ? [eb('emailNormalised', '=', emailNormalised)] : []),
        ...(externalReference ? [eb('externalReference', '=', externalReference)] : []),
      ]),
    )
    .limit(1)
    .executeTakeFirst()
  if (taken === undefined) return
  const what = taken.emailNormalised === emailNormalised ? 'e-mail address' : 'external reference'
  throw conflict('DUPLICATE', `Another contact has this ${what}.`, { kind: 'contact', id: taken.id })
}
