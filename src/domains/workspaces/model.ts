import { IANAZone } from 'luxon'
import { z } from 'zod'
import { MEMBER_ROLES } from '../../platform/auth/roles.ts'
import { isCurrency } from '../../platform/lib/currency.ts'
import { fold } from '../../platform/lib/fold.ts'
import { parseMicros } from '../../platform/lib/money.ts'
import { isVisibleLine } from '../../platform/lib/one-line.ts'
import { NOT_ONE_LINE, publicId } from '../../platform/lib/parse.ts'
import { normaliseEmail } from '../contacts/model.ts'

/*
 * A workspace: one company's own world. Everything belongs to exactly one, and nothing leads from one to another. Its
 * members are people, each with a role that says what they may (`platform/auth/roles.ts`). It always has an owner. A member
 * who is removed keeps their name on what they did; their keys work no more.
 */

export { MEMBER_ROLES, type MemberRole } from '../../platform/auth/roles.ts'

/** Part of public addresses: small letters, digits and single hyphens. */
const slugPattern = /^[a-z0-9](-?[a-z0-9])*$/

/** Whether a text can be a workspace's slug at all. */
export const isWorkspaceSlug = (text: string): boolean => text.length <= 63 && slugPattern.test(text)

const name = z.string().trim().min(2).max(255).refine(isVisibleLine, NOT_ONE_LINE)
const timeZone = z.string().refine(IANAZone.isValidZone, 'This is no time zone of IANA, as Europe/Berlin is.')
const currency = z.string().refine(isCurrency, 'This is no currency of ISO 4217, as EUR is.')
const ifVersion = z.int().nullish()

export const createWorkspaceInput = z.object({
  slug: z.string().max(63).regex(slugPattern, 'Small letters, digits and single hyphens only.'),
  name,
  timeZone,
  currency,
  /** What a day of model calls may cost; null is no limit. */
  dailyBudgetMicros: z.bigint().min(0n).nullable(),
})
export type CreateWorkspaceInput = z.output<typeof createWorkspaceInput>

/** US dollars as text, as micros. */
const dollars = z.string().transform((text, ctx): bigint => {
  const micros = parseMicros(text)
  if (micros !== undefined && micros >= 0n) return micros
  const [code, message] =
    micros === undefined
      ? (['INVALID_FORMAT', 'Write an amount as a decimal number with at most six places.'] as const)
      : (['TOO_SMALL', 'An amount is not negative.'] as const)
  ctx.addIssue({ code: 'custom', params: { code }, message })
  return z.NEVER
})

/** Left out means unchanged, null means cleared. */
export const updateWorkspaceInput = z
  .object({
    ifVersion,
    name: name.optional(),
    timeZone: timeZone.optional(),
    currency: currency.optional(),
    dailyBudget: dollars.nullish(),
  })
  .transform(({ dailyBudget, ...rest }) => ({ ...rest, dailyBudgetMicros: dailyBudget }))
export type UpdateWorkspaceInput = z.output<typeof updateWorkspaceInput>

export const addMemberInput = z.object({
  name,
  email: z.string().max(254),
  role: z.enum(MEMBER_ROLES),
  /** Row id of who signs in as them. */
  accountId: z.uuid().optional(),
})
export type AddMemberInput = z.output<typeof addMemberInput>

const memberId = publicId('member', 'Member')

/** Left out means unchanged. */
export const updateMemberInput = z.object({
  id: memberId,
  ifVersion,
  name: name.optional(),
  role: z.enum(MEMBER_ROLES).optional(),
})
export type UpdateMemberInput = z.output<typeof updateMemberInput>

export const removeMemberInput = z.object({ id: memberId, ifVersion })
export type RemoveMemberInput = z.output<typeof removeMemberInput>

const DAY_MS = 24 * 3_600_000
/** How long an invite can be accepted. */
export const INVITE_MS = 7 * DAY_MS

const emailAddress = z.string().transform((text, ctx) => {
  if (normaliseEmail(text) !== undefined) return text.trim()
  ctx.addIssue({ code: 'invalid_format', format: 'email', message: 'This is no e-mail address.', input: text })
  return z.NEVER
})

export const inviteMemberInput = z.object({ email: emailAddress, role: z.enum(MEMBER_ROLES) })
export type InviteMemberInput = z.output<typeof inviteMemberInput>

export const revokeInviteInput = z.object({ id: publicId('invite', 'Invite') })
export type RevokeInviteInput = z.output<typeof revokeInviteInput>

/** What can be done with an invite. */
export const INVITE_STATUSES = ['OPEN', 'EXPIRED', 'ACCEPTED', 'REVOKED'] as const
export type InviteStatus = (typeof INVITE_STATUSES)[number]

export function statusOfInvite(
  invite: { readonly acceptedAt: Date | null; readonly revokedAt: Date | null; readonly expiresAt: Date },
  now: Date,
): InviteStatus {
  if (invite.acceptedAt !== null) return 'ACCEPTED'
  if (invite.revokedAt !== null) return 'REVOKED'
  return invite.expiresAt <= now ? 'EXPIRED' : 'OPEN'
}

/** A slug made of a name: `Müller & Söhne` → `muller-sohne`. */
export function slugOf(name: string): string {
  const slug = fold(name)
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50)
    .replace(/-+$/, '')
  return slug === '' ? 'workspace' : slug
}
