import { z } from 'zod'
import { KEY_ENVIRONMENTS } from '../../platform/auth/api-key.ts'
import { PERMISSIONS } from '../../platform/auth/viewer.ts'
import { addDuration, parseDuration } from '../../platform/lib/duration.ts'
import { publicId } from '../../platform/lib/parse.ts'

/*
 * A key: with it a program speaks for a member. Its secret is shown once, when it is made; what is stored is a digest.
 *
 * ACTIVE   it works, with what stands on it and its member's role holds.
 * EXPIRED  its time is over. A later `expiresAt` makes it ACTIVE again.
 * REVOKED  it was taken away, or its member was removed. Final.
 *
 * Rotating gives it a new secret. The one before works on for a while, so that programs can be told one after the other;
 * with it no keys, members or settings are changed. A second rotation ends the overlap of the first.
 */

export const KEY_STATUSES = ['ACTIVE', 'EXPIRED', 'REVOKED'] as const
export type KeyStatus = (typeof KEY_STATUSES)[number]

export function statusOfKey(
  key: { readonly revokedAt: Date | null; readonly expiresAt: Date | null },
  now: Date,
): KeyStatus {
  if (key.revokedAt !== null) return 'REVOKED'
  return key.expiresAt !== null && key.expiresAt <= now ? 'EXPIRED' : 'ACTIVE'
}

const HOUR_MS = 3_600_000
export const DEFAULT_OVERLAP_MS = 24 * HOUR_MS
export const MAX_OVERLAP_MS = 7 * 24 * HOUR_MS

const keyId = publicId('api_key', 'API key')
const ifVersion = z.int().nullish()
const name = z.string().trim().min(2).max(255)
const permissions = z
  .array(z.enum(PERMISSIONS))
  .min(1)
  .transform((given) => PERMISSIONS.filter((permission) => given.includes(permission)))

/** What the server itself makes a key of. */
export const issueApiKeyInput = z.object({
  /** Row id of the member it speaks for. */
  memberId: z.uuid(),
  name,
  permissions,
  environment: z.enum(KEY_ENVIRONMENTS),
  expiresAt: z.date().nullable(),
})
export type IssueApiKeyInput = z.output<typeof issueApiKeyInput>

export const createApiKeyInput = z.object({
  name,
  permissions,
  environment: z.enum(KEY_ENVIRONMENTS),
  expiresAt: z.date().nullish(),
})
export type CreateApiKeyInput = z.output<typeof createApiKeyInput>

/** Left out means unchanged, null means cleared. */
export const updateApiKeyInput = z.object({
  id: keyId,
  ifVersion,
  name: name.optional(),
  expiresAt: z.date().nullish(),
})
export type UpdateApiKeyInput = z.output<typeof updateApiKeyInput>

export const revokeApiKeyInput = z.object({ id: keyId })
export type RevokeApiKeyInput = z.output<typeof revokeApiKeyInput>

/** `P1D` in milliseconds. Months are longer than any overlap, so it does not matter which one is meant. */
const overlapMs = z.string().transform((text, ctx): number => {
  const duration = parseDuration(text)
  const ms = duration === undefined ? undefined : addDuration(new Date(0), duration)?.getTime()
  if (ms !== undefined && ms >= 0 && ms <= MAX_OVERLAP_MS) return ms
  const code = ms === undefined ? 'INVALID_FORMAT' : ms < 0 ? 'TOO_SMALL' : 'TOO_LARGE'
  ctx.addIssue({
    code: 'custom',
    params: { code },
    message: 'From PT0S, which is at once, to P7D, which is seven days.',
  })
  return z.NEVER
})

export const rotateApiKeyInput = z
  .object({ id: keyId, overlap: overlapMs.nullish() })
  .transform(({ id, overlap }) => ({ id, overlapMs: overlap ?? DEFAULT_OVERLAP_MS }))
export type RotateApiKeyInput = z.output<typeof rotateApiKeyInput>
