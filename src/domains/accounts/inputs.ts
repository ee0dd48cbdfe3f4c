import { z } from 'zod'
import { publicId } from '../../platform/lib/parse.ts'
import { createWorkspaceInput } from '../workspaces/model.ts'
import { emailAddress, givenPassword, newPassword, personName } from './model.ts'

const token = z.string().max(200)
const { name, slug, timeZone, currency } = createWorkspaceInput.shape

/** A workspace that an account founds. */
export const foundWorkspaceInput = z.object({
  name,
  slug: slug.nullish().transform((given) => given ?? undefined),
  timeZone,
  currency,
})
export type FoundWorkspaceInput = z.output<typeof foundWorkspaceInput>

const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((given) => (given ?? undefined) as z.output<Schema> | undefined)

export const signUpInput = z.object({
  email: emailAddress,
  password: newPassword,
  name: personName,
  inviteToken: optional(token),
  workspace: optional(foundWorkspaceInput),
})
export type SignUpInput = z.output<typeof signUpInput>

/** Whatever is no address has no account: nothing else is said of it. */
export const logInInput = z.object({
  email: z.string().max(1_000),
  password: givenPassword,
  workspace: optional(z.string().max(63)),
  inviteToken: optional(token),
})
export type LogInInput = z.output<typeof logInInput>

export const refreshSessionInput = z.object({ refreshToken: token })
export type RefreshSessionInput = z.output<typeof refreshSessionInput>

export const switchWorkspaceInput = z.object({ workspace: publicId('workspace', 'Workspace').nullish() })
export type SwitchWorkspaceInput = z.output<typeof switchWorkspaceInput>

export const acceptInviteInput = z.object({ inviteToken: token })
export type AcceptInviteInput = z.output<typeof acceptInviteInput>

export const changePasswordInput = z.object({ currentPassword: givenPassword, newPassword })
export type ChangePasswordInput = z.output<typeof changePasswordInput>

export const eraseAccountInput = z.object({ currentPassword: optional(givenPassword) })
export type EraseAccountInput = z.output<typeof eraseAccountInput>

export const requestPasswordResetInput = z.object({ email: z.string().max(1_000) })
export type RequestPasswordResetInput = z.output<typeof requestPasswordResetInput>

export const resetPasswordInput = z.object({ token, password: newPassword })
export type ResetPasswordInput = z.output<typeof resetPasswordInput>

export const requestEmailChangeInput = z.object({ email: emailAddress, currentPassword: givenPassword })
export type RequestEmailChangeInput = z.output<typeof requestEmailChangeInput>

export const confirmEmailChangeInput = z.object({ token })
export type ConfirmEmailChangeInput = z.output<typeof confirmEmailChangeInput>

export const updateAccountInput = z.object({ name: personName.optional() })
export type UpdateAccountInput = z.output<typeof updateAccountInput>

export const revokeSessionInput = z.object({ id: publicId('session', 'Session') })
export type RevokeSessionInput = z.output<typeof revokeSessionInput>

export const disconnectIdentityInput = z.object({ id: publicId('identity', 'Identity') })
export type DisconnectIdentityInput = z.output<typeof disconnectIdentityInput>

export const revokeSessionsInput = z.object({ keepThis: z.boolean() })
export type RevokeSessionsInput = z.output<typeof revokeSessionsInput>

export const logOutInput = z.object({ everywhere: z.boolean() })
export type LogOutInput = z.output<typeof logOutInput>

export const leaveWorkspaceInput = z.object({ workspace: publicId('workspace', 'Workspace') })
export type LeaveWorkspaceInput = z.output<typeof leaveWorkspaceInput>
