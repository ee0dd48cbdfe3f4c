import { z } from 'zod'

/** A mail as it leaves the house: plain text, one recipient. */
export interface Mail {
  readonly from: { readonly name: string; readonly address: string | null }
  readonly to: { readonly name: string | null; readonly address: string }
  /** Where answers go, when not to the sender. */
  readonly replyTo?: string | undefined
  readonly subject: string
  readonly body: string
}

export const mailSchema: z.ZodType<Mail> = z.object({
  from: z.object({ name: z.string(), address: z.string().nullable() }),
  to: z.object({ name: z.string().nullable(), address: z.string() }),
  replyTo: z.string().optional(),
  subject: z.string(),
  body: z.string(),
})

/** How a mail went out. FILE: no SMTP server is configured, so it lies in the mail folder for people to look at. */
export type MailRoute = 'SMTP' | 'FILE'

export interface SentMail {
  readonly messageId: string
  readonly via: MailRoute
  /** FILE: the file's name in the mail folder. */
  readonly file?: string
}

const subject = z
  .string()
  .trim()
  .min(1)
  .max(255)
  // A line break in a subject would begin another header.
  .regex(/^[^\r\n]*$/, 'A subject is one line.')

export const sendEmailInput = z.object({
  contact: z.string().describe('The id of the contact to write to, contact_…. It goes to the address we have of it.'),
  subject: subject.describe('One line.'),
  body: z.string().trim().min(1).max(10_000).describe('The mail, in plain text, with greeting and signature.'),
})
export type SendEmailInput = z.output<typeof sendEmailInput>
