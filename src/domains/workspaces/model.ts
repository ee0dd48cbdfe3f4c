import { IANAZone } from 'luxon'
import { z } from 'zod'
import { PERMISSIONS } from '../../platform/auth/viewer.ts'
import { isCurrency } from '../../platform/lib/currency.ts'

/*
 * A workspace: one company's own world. Everything belongs to exactly one, and nothing leads from one to another. Its
 * members are people; a key speaks for one of them, with the permissions written on it.
 */

/** From most to least: each may what the next may. */
export const MEMBER_ROLES = ['OWNER', 'ADMIN', 'MEMBER', 'VIEWER'] as const
export type MemberRole = (typeof MEMBER_ROLES)[number]

/** Part of public addresses: small letters, digits and single hyphens. */
const slugPattern = /^[a-z0-9](-?[a-z0-9])*$/

/** Whether a text can be a workspace's slug at all. */
export const isWorkspaceSlug = (text: string): boolean => text.length <= 63 && slugPattern.test(text)

export const createWorkspaceInput = z.object({
  slug: z.string().max(63).regex(slugPattern, 'Small letters, digits and single hyphens only.'),
  name: z.string().trim().min(2).max(255),
  timeZone: z.string().refine(IANAZone.isValidZone, 'This is no time zone of IANA, as Europe/Berlin is.'),
  currency: z.string().refine(isCurrency, 'This is no currency of ISO 4217, as EUR is.'),
  /** What a day of model calls may cost; null is no limit. */
  dailyBudgetMicros: z.bigint().min(0n).nullable(),
})
export type CreateWorkspaceInput = z.output<typeof createWorkspaceInput>

export const addMemberInput = z.object({
  name: z.string().trim().min(2).max(255),
  email: z.string().max(254),
  role: z.enum(MEMBER_ROLES),
})
export type AddMemberInput = z.output<typeof addMemberInput>

export const createApiKeyInput = z.object({
  /** Row id of the member it speaks for. */
  memberId: z.uuid(),
  name: z.string().trim().min(2).max(255),
  permissions: z.array(z.enum(PERMISSIONS)),
  /** Whether it is for real work or for trying things; people see it in the key itself. */
  environment: z.enum(['live', 'test']),
  expiresAt: z.date().nullable(),
})
export type CreateApiKeyInput = z.output<typeof createApiKeyInput>
