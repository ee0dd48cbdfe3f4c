import type { Tx } from '../../platform/db/transaction.ts'
import { conflict, notFound } from '../../platform/lib/errors.ts'
import { decodeId, encodeId } from '../../platform/lib/ids.ts'
import { externalTool, type Tool } from '../../platform/tools/tool.ts'
import { settingsOf } from '../settings/model.ts'
import type { Mailer } from './mailer.ts'
import { type Mail, mailSchema, type SendEmailInput, sendEmailInput } from './model.ts'
import { sendByOwnServer } from './server-mail.ts'

export interface MailToolsOptions {
  readonly mailer: Mailer
  /** What others record of a mail that went out, in the transaction that confirms it; `tx.viewer` is the employee. */
  readonly onSent: (tx: Tx) => Promise<void>
}

/**
 * What an employee may do with mail: write to a contact, at the address we have of it and nowhere else. It leaves through the
 * workspace's own mail server, where there is one, else through `mailer`.
 */
export function createMailTools({ mailer, onSent }: MailToolsOptions): readonly Tool[] {
  const sendEmail = externalTool<SendEmailInput>({
    name: 'send_email',
    description:
      'Writes an e-mail to a contact, at the address we have of it. Plain text. Only when the person asked to hear from us or the instructions say so.',
    input: sendEmailInput,
    risk: 'EXTERNAL_SEND',
    reversible: false,
    title: async (tx, input) => `Send an e-mail to ${(await recipientOf(tx, input.contact)).address}`,
    prepare: async (tx, input) => {
      const mail: Mail = {
        ...(await senderOf(tx)),
        to: await recipientOf(tx, input.contact),
        subject: input.subject,
        body: input.body,
      }
      return {
        target: mail.to.address,
        content: { ...mail },
        changes: [
          { field: 'to', from: null, to: mail.to.address },
          { field: 'subject', from: null, to: mail.subject },
          { field: 'body', from: null, to: mail.body },
        ],
      }
    },
    send: async (outgoing, key, _signal, ctx) => {
      const mail = mailSchema.parse(outgoing.content)
      const sent = (await sendByOwnServer(ctx, mail, key)) ?? (await mailer.send(mail, key))
      return { output: { status: 'SENT', to: mail.to.address, ...sent } }
    },
    confirmed: onSent,
  })
  return [sendEmail]
}

async function recipientOf(
  tx: Tx,
  publicId: string,
): Promise<{ readonly name: string | null; readonly address: string }> {
  const id = decodeId('contact', publicId, 'Contact')
  const contact = await tx.sql.selectFrom('contact').select(['name', 'email']).where('id', '=', id).executeTakeFirst()
  if (contact === undefined) throw notFound('Contact', publicId)
  if (contact.email === null) {
    throw conflict('ILLEGAL_TRANSITION', 'This contact has no e-mail address.', { kind: 'contact', id })
  }
  return { name: contact.name, address: contact.email }
}

/** The employee in whose name it is prepared, and how its workspace has set that mail goes out. */
async function senderOf(tx: Tx): Promise<Pick<Mail, 'from' | 'replyTo'>> {
  if (tx.viewer.kind !== 'employee') throw new Error('mail is prepared in the name of an employee')
  const { employeeId } = tx.viewer
  const employee = await tx.sql
    .selectFrom('employee')
    .innerJoin('workspace', 'workspace.id', 'employee.workspaceId')
    .leftJoin('mailServer', 'mailServer.workspaceId', 'employee.workspaceId')
    .select(['employee.name', 'employee.email', 'workspace.settings', 'mailServer.fromAddress'])
    .where('employee.id', '=', employeeId)
    .executeTakeFirst()
  if (employee === undefined) throw notFound('Employee', encodeId('employee', employeeId))
  const { mailAddress, replyTo } = settingsOf(employee.settings)
  return {
    from: { name: employee.name, address: employee.email ?? mailAddress ?? employee.fromAddress },
    ...(replyTo === null ? {} : { replyTo }),
  }
}
