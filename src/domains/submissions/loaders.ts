import type { Kysely } from 'kysely'
import type { Tables } from '../../platform/db/tables.ts'
import type { EventScope } from '../../platform/events/log-reader.ts'

/**
 * What submissions are called, by row id: after the company or the person they came from. Those of nobody known, and
 * ids that are not there, are left out.
 */
export async function submissionNames(sql: Kysely<Tables>, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql
    .selectFrom('submission')
    .innerJoin('contact', 'contact.id', 'submission.contactId')
    .select(['submission.id', 'contact.companyName', 'contact.name', 'contact.email', 'contact.phone'])
    .where('submission.id', 'in', ids)
    .execute()
  return new Map(
    rows.flatMap(({ id, companyName, name, email, phone }) => {
      const label = companyName ?? name ?? email ?? phone
      return label === null ? [] : [[id, label] as const]
    }),
  )
}

/**
 * What happened to submissions beside their own events, by row id: their runs, their deals, and that a contact was made
 * of them (not what else happened to a contact, who was there before and may send again).
 */
export async function submissionScopes(
  sql: Kysely<Tables>,
  ids: readonly string[],
): Promise<Map<string, EventScope[]>> {
  const [runs, deals, contacts] = [
    await sql.selectFrom('run').select(['id', 'submissionId']).where('submissionId', 'in', ids).execute(),
    await sql.selectFrom('deal').select(['id', 'submissionId']).where('submissionId', 'in', ids).execute(),
    await sql
      .selectFrom('submission')
      .innerJoin('contact', 'contact.id', 'submission.contactId')
      .whereRef('contact.createdAt', '>=', 'submission.receivedAt')
      .select(['contact.id', 'submission.id as submissionId'])
      .where('submission.id', 'in', ids)
      .execute(),
  ]
  const scopes = new Map<string, EventScope[]>()
  const add = (submissionId: string | null, scope: EventScope) => {
    if (submissionId !== null) scopes.set(submissionId, [...(scopes.get(submissionId) ?? []), scope])
  }
  for (const { id, submissionId } of runs) add(submissionId, { runId: id })
  for (const { id, submissionId } of deals) add(submissionId, { subject: { kind: 'deal', id } })
  for (const { id, submissionId } of contacts) {
    add(submissionId, { subject: { kind: 'contact', id }, type: 'contact.created' })
  }
  return scopes
}
