import { domainToASCII } from 'node:url'
import { z } from 'zod'
import { decodeId } from '../../platform/lib/ids.ts'
import { publicId } from '../../platform/lib/parse.ts'

/*
 * A contact: a person outside the house who came to us or whom we know. Told apart by the normalised e-mail, without one
 * by the phone number. The same e-mail in another workspace is another contact.
 */

export const CONTACT_LIFECYCLES = ['LEAD', 'QUALIFIED', 'CUSTOMER', 'FORMER'] as const
export type ContactLifecycle = (typeof CONTACT_LIFECYCLES)[number]

/** RFC 5321 allows no longer address. */
const MAX_EMAIL_LENGTH = 254
/** Of what is longer nothing is looked at: composing characters can take the square of their number. */
const MAX_WRITTEN_LENGTH = 1_000
const E164 = /^\+[1-9]\d{6,14}$/

/**
 * The form of an e-mail address that two spellings of one mailbox share: without surrounding space, in lower case, the
 * domain in ASCII. Undefined for what is no address, or holds what cannot be seen. Dots and tags stay: only the mailbox's host knows what they mean.
 */
export function normaliseEmail(text: string): string | undefined {
  if (text.length > MAX_WRITTEN_LENGTH) return undefined
  const trimmed = text.trim().normalize('NFC')
  const at = trimmed.lastIndexOf('@')
  if (at < 1) return undefined
  const domain = domainToASCII(trimmed.slice(at + 1))
  // A small letter may compose with its mark where the capital does not: `J̌`.
  const email = `${trimmed.slice(0, at)}@${domain}`.toLowerCase().normalize('NFC')
  if (email.length > MAX_EMAIL_LENGTH) return undefined
  return /^[^\s\p{C}@"(),:;<>[\\\]]+$/u.test(email.slice(0, email.lastIndexOf('@'))) &&
    /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(domain)
    ? email
    : undefined
}

/** A number as E.164 (`+4930123456`) out of the ways people write one; undefined without a country code or for no number. */
export function normalisePhone(text: string): string | undefined {
  const digits = text
    .trim()
    .replace(/\(0\)/g, '')
    .replace(/[\s().\-/\u2010-\u2015\u00a0]/g, '')
    .replace(/^00/, '+')
  return E164.test(digits) ? digits : undefined
}

const emailAddress = z.string().transform((text, ctx) => {
  if (normaliseEmail(text) !== undefined) return text.trim()
  ctx.addIssue({ code: 'invalid_format', format: 'email', message: 'This is no e-mail address.', input: text })
  return z.NEVER
})

const phoneNumber = z.string().transform((text, ctx) => {
  const phone = normalisePhone(text)
  if (phone !== undefined) return phone
  ctx.addIssue({
    code: 'invalid_format',
    format: 'e164',
    message: 'Write the number with its country code, as in +49 30 123456.',
    input: text,
  })
  return z.NEVER
})

const contactName = z.string().trim().min(2).max(255)
const companyName = z.string().trim().min(1).max(255)
const externalReference = z.string().trim().min(1).max(255)
const lifecycle = z.enum(CONTACT_LIFECYCLES)

/** Who may own a record: an employee or a member, by public id. */
export type OwnerId = { readonly employeeId: string } | { readonly memberId: string }

/** An owner's public id taken apart; any other kind of id is NOT_FOUND. */
export const ownerId = z
  .string()
  .transform(
    (id): OwnerId =>
      id.startsWith('employee_')
        ? { employeeId: decodeId('employee', id, 'Employee') }
        : { memberId: decodeId('member', id, 'Member') },
  )

const contactId = publicId('contact', 'Contact')

export const createContactInput = z.object({
  id: contactId.nullish(),
  name: contactName.nullish(),
  email: emailAddress.nullish(),
  phone: phoneNumber.nullish(),
  companyName: companyName.nullish(),
  lifecycle: lifecycle.nullish(),
  externalReference: externalReference.nullish(),
  owner: ownerId.nullish(),
})
export type CreateContactInput = z.output<typeof createContactInput>

/** Left out means unchanged, null means cleared. */
export const updateContactInput = z.object({
  id: contactId,
  ifVersion: z.int().nullish(),
  name: contactName.nullish(),
  email: emailAddress.nullish(),
  phone: phoneNumber.nullish(),
  companyName: companyName.nullish(),
  lifecycle: lifecycle.optional(),
  externalReference: externalReference.nullish(),
  owner: ownerId.nullish(),
})
export type UpdateContactInput = z.output<typeof updateContactInput>

/** What is known of a person from a submission or a conversation. */
export interface ContactFacts {
  readonly name?: string | undefined
  readonly phone?: string | undefined
  readonly companyName?: string | undefined
}

export interface FillableContact {
  readonly name: string | null
  readonly phone: string | null
  readonly companyName: string | null
}

export const FILLABLE_FIELDS = ['name', 'phone', 'companyName'] as const
export type FillableField = (typeof FILLABLE_FIELDS)[number]

/** What of these facts is news: fields that are empty so far. What somebody has said before is never overwritten. */
export function fillEmpty(contact: FillableContact, facts: ContactFacts): Partial<Record<FillableField, string>> {
  const filled: Partial<Record<FillableField, string>> = {}
  for (const field of FILLABLE_FIELDS) {
    const fact = facts[field]?.trim()
    if (contact[field] === null && fact !== undefined && fact !== '') filled[field] = fact
  }
  return filled
}

/** What people call a contact whose name may not be known. */
export const contactLabel = (contact: {
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly erasedAt: Date | null
}): string => {
  if (contact.erasedAt !== null) return 'Erased contact'
  return contact.name ?? contact.email ?? contact.phone ?? 'Unknown contact'
}
