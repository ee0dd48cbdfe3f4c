import { requirePermission } from '../../platform/auth/permissions.ts'
import { storedActor } from '../../platform/auth/viewer.ts'
import { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents, lastEventOf } from '../../platform/events/append.ts'
import { AppError } from '../../platform/lib/errors.ts'
import { newId } from '../../platform/lib/ids.ts'
import { contactEvents } from '../contacts/events.ts'
import { type ContactRow, emptyContact } from '../contacts/service.ts'
import type { EraseContactInput, Traces } from './model.ts'
import { notTaken } from './provenance.ts'

export { type AccountErasureMeans, sweepAccountErasures } from './account-end.ts'
export { type ErasureMeans, sweepErasures } from './work.ts'

/**
 * Erases a person: empties the contact here and now, so that nobody finds them and their e-mail address may come again as
 * somebody new, and has the rest follow (`sweepErasures`). Needs PERSONAL_DATA_ERASE; an employee never erases. Erasing
 * them again gives back the first erasure. NOT_FOUND.
 */
export async function eraseContact(tx: Tx, { id, reason }: EraseContactInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'PERSONAL_DATA_ERASE')
  if (tx.viewer.kind === 'employee') {
    throw new AppError('FORBIDDEN', 'An employee does not erase people.', { needs: 'PERSONAL_DATA_ERASE' })
  }
  const contact = await emptyContact(tx, id)
  if (contact === null) return await earlierErasure(tx, id)
  const erasureId = newId()
  const subject = { kind: 'contact', id }
  appendEvents(tx, [
    {
      type: contactEvents.erasureRequested.type,
      subject,
      subjectVersion: contact.version + 1,
      data: { erasureId },
    },
  ])
  const requestOutboxId = await lastEventOf(tx)
  if (requestOutboxId === null) throw new Error('an event was appended')
  await tx.sql
    .insertInto('erasure')
    .values({
      workspaceId: tx.workspaceId,
      id: erasureId,
      subjectType: subject.kind,
      subjectId: id,
      reason: reason ?? null,
      requestedBy: json(storedActor(tx.viewer)),
      requestedAt: tx.now,
      requestOutboxId,
      traces: json(await tracesOf(tx, contact)),
      nextTryAt: tx.now,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  return { id: erasureId }
}

async function earlierErasure(tx: Tx, contactId: string): Promise<{ readonly id: string }> {
  return await tx.sql
    .selectFrom('erasure')
    .select('id')
    .where('subjectType', '=', 'contact')
    .where('subjectId', '=', contactId)
    .executeTakeFirstOrThrow()
}

/** The addresses the person has written with count, unless they are somebody else's by now. */
async function tracesOf(tx: Tx, contact: ContactRow): Promise<Traces> {
  const sent = await tx.sql
    .selectFrom('submission')
    .select('emailNormalised')
    .distinct()
    .where('contactId', '=', contact.id)
    .where('emailNormalised', 'is not', null)
    .execute()
  const written = await notTaken(
    tx.sql,
    sent.flatMap(({ emailNormalised }) => given(emailNormalised)),
  )
  return {
    emails: [...new Set([...given(contact.email), ...given(contact.emailNormalised), ...written])],
    phones: given(contact.phone),
    names: given(contact.name),
  }
}

const given = (text: string | null): string[] => (text === null ? [] : [text])
