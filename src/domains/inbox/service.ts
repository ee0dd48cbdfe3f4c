import { requirePermission } from '../../platform/auth/permissions.ts'
import { json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { notFound } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { inboxEvents } from './events.ts'
import type { InboxMessageContent, MarkInboxMessageReadInput } from './model.ts'

export interface SendInboxMessageInput extends InboxMessageContent {
  /** Row id of the employee that writes. */
  readonly employeeId: string
  /** The run it writes in; null outside of one. */
  readonly runId: string | null
}

/** Puts a message of an employee into the inbox. Needs INBOX_WRITE. Two statements. */
export async function sendInboxMessage(tx: Tx, input: SendInboxMessageInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'INBOX_WRITE')
  const id = newId()
  await tx.sql
    .insertInto('inboxMessage')
    .values({
      workspaceId: tx.workspaceId,
      id,
      employeeId: input.employeeId,
      runId: input.runId,
      priority: input.priority,
      subject: input.subject,
      blocks: json(input.blocks),
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  appendEvents(tx, [
    {
      type: inboxEvents.messageSent.type,
      subject: { kind: 'inbox_message', id },
      subjectVersion: 1,
      data: { employeeId: input.employeeId, priority: input.priority },
    },
  ])
  return { id }
}

/**
 * Marks a message as read; the first reading counts, later ones change nothing. Needs INBOX_WRITE. NOT_FOUND for the
 * message.
 */
export async function markInboxMessageRead(
  tx: Tx,
  { id }: MarkInboxMessageReadInput,
): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'INBOX_WRITE')
  const message = await tx.sql
    .selectFrom('inboxMessage')
    .select(['id', 'readAt', 'version', 'employeeId'])
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (message === undefined) throw notFound('Inbox message', encodeId('inbox_message', id))
  if (message.readAt !== null) return { id }
  const version = message.version + 1
  await tx.sql
    .updateTable('inboxMessage')
    .set({ readAt: tx.now, version, updatedAt: tx.now })
    .where('id', '=', id)
    .execute()
  appendEvents(tx, [
    {
      type: inboxEvents.messageRead.type,
      subject: { kind: 'inbox_message', id },
      subjectVersion: version,
      data: { employeeId: message.employeeId },
    },
  ])
  return { id }
}
