import { requirePermission } from '../../platform/auth/permissions.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { AppError } from '../../platform/lib/errors.ts'
import { type ContactRow, emptyContact } from '../contacts/service.ts'
import type { EraseContactInput, Traces } from './model.ts'
import { notTaken } from './provenance.ts'
import { requestErasure } from './record.ts'

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
  const erasureId = await requestErasure(tx, {
    subject: { kind: 'contact', id },
    subjectVersion: contact.version + 1,
    reason,
    traces: await tracesOf(tx, contact),
  })
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
