import { z } from 'zod'
import { fold } from '../../platform/lib/fold.ts'
import { isVisibleLine } from '../../platform/lib/one-line.ts'
import { NOT_ONE_LINE } from '../../platform/lib/parse.ts'
import { normaliseEmail } from '../contacts/model.ts'
import commonest from './common-passwords.json' with { type: 'json' }

/*
 * An account is a person who signs in, known by an e-mail address. It is of no workspace: in each that it belongs to it is a
 * member of its own. It signs in for a session, which lasts until it expires, is signed out or is revoked.
 *
 * Passwords are 12 to 256 characters of any kind (NIST SP 800-63B: length counts, rules about kinds of characters do not);
 * refused are the commonest ones, and what anybody would try: the person's own name and address.
 */

export const MIN_PASSWORD = 12
export const MAX_PASSWORD = 256

export const SESSION_KINDS = ['BROWSER', 'PROGRAM'] as const
export type SessionKind = (typeof SESSION_KINDS)[number]

/** Why a session was ended. */
export const REVOCATIONS = [
  'LOGGED_OUT',
  'REVOKED',
  'PASSWORD_CHANGED',
  'EMAIL_CHANGED',
  'TOKEN_USED_TWICE',
  'SUSPENDED',
] as const
export type Revocation = (typeof REVOCATIONS)[number]

/** A refresh token that was used a moment ago still tells its successor: to another tab, or where the answer was lost. */
export const REFRESH_LEEWAY_MS = 10_000
export const RESET_TOKEN_MS = 3_600_000
export const EMAIL_TOKEN_MS = 3_600_000

export const emailAddress = z.string().transform((text, ctx) => {
  if (normaliseEmail(text) !== undefined) return text.trim()
  ctx.addIssue({ code: 'invalid_format', format: 'email', message: 'This is no e-mail address.', input: text })
  return z.NEVER
})

/** Two spellings of one mailbox are the same here. Only for what `emailAddress` has taken. */
export const foldEmail = (email: string): string => normaliseEmail(email) ?? email.toLowerCase()

export const personName = z.string().trim().min(1).max(255).refine(isVisibleLine, NOT_ONE_LINE)

/** Counted in characters, not in UTF-16: an emoji is one. */
const lengthOf = (text: string): number => [...text].length

/** A new password. What it must not be beside that is `refusalOfPassword`. */
export const newPassword = z.string().superRefine((text, ctx) => {
  const length = lengthOf(text)
  if (length >= MIN_PASSWORD && length <= MAX_PASSWORD) return
  const short = length < MIN_PASSWORD
  ctx.addIssue({
    code: 'custom',
    params: { code: short ? 'TOO_SHORT' : 'TOO_LONG' },
    message: short ? `At least ${MIN_PASSWORD} characters.` : `At most ${MAX_PASSWORD} characters.`,
  })
})

/** A password that is to be compared: nothing is said of what it is like. */
export const givenPassword = z.string().max(MAX_PASSWORD * 4)

const COMMONEST: ReadonlySet<string> = new Set(commonest)

/** Why a password is too easy to guess for this person, in a sentence; undefined when it is not. */
export function refusalOfPassword(
  password: string,
  of: { readonly email: string; readonly name: string },
): string | undefined {
  const bare = fold(password).replace(/[^\p{L}\p{N}]/gu, '')
  if (COMMONEST.has(bare) || COMMONEST.has(bare.replace(/\d+$/, '')) || new Set(bare).size < 3) {
    return 'This is one of the passwords that are guessed first.'
  }
  const own = [of.email, of.email.slice(0, of.email.lastIndexOf('@')), of.name].map((text) =>
    fold(text).replace(/[^\p{L}\p{N}]/gu, ''),
  )
  if (
    own.some((text) => text.length > 3 && (bare === text || bare.replace(/\d+$/, '') === text || bare === text + text))
  ) {
    return 'This is made of your own name or address.'
  }
  return undefined
}
