import { accountMeansOf } from '../../platform/auth/account-means.ts'
import { requireSession } from '../../platform/auth/permissions.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { Viewer } from '../../platform/graphql/viewer.ts'
import { Role } from '../workspaces/enums.ts'
import { updateAccount } from './accounts.ts'
import { confirmEmailChange, prepareEmailChange, requestEmailChange } from './email-change.ts'
import {
  changePasswordInput,
  confirmEmailChangeInput,
  requestEmailChangeInput,
  requestPasswordResetInput,
  resetPasswordInput,
  revokeSessionInput,
  revokeSessionsInput,
  updateAccountInput,
} from './inputs.ts'
import { changePassword, prepareChange, prepareReset, requestPasswordReset, resetPassword } from './passwords.ts'
import { revokeSession, revokeSessions } from './sessions.ts'
import { Account, accountOfViewer, loadAccount, loadMembership } from './types.ts'

builder.objectFields(Viewer, (t) => ({
  account: t.field({
    type: Account,
    nullable: true,
    description: 'You, for who has signed in; null for a key.',
    resolve: (_viewer, _args, ctx) => accountOfViewer(ctx),
  }),
  role: t.field({
    type: Role,
    nullable: true,
    description: 'What you are in the workspace, for who has signed in and is in one.',
    resolve: async (_viewer, _args, ctx) =>
      ctx.viewer.kind === 'member'
        ? ((await loadMembership(ctx, ctx.viewer.accountId, ctx.workspaceId))?.role ?? null)
        : null,
  }),
}))

// ------------------------------------------------------------------ mutations

const accountPayload = {
  type: Account,
  description: 'Your account as it is now.',
  resolve: ({ accountId }: { accountId: string }, _args: object, ctx: Parameters<typeof loadAccount>[0]) =>
    loadAccount(ctx, accountId),
}
const UNKEYED = 'An Idempotency-Key is not heeded.'
const UNKEYED_PASSWORD = 'An Idempotency-Key is not heeded, for a digest of the password would be kept with it.'

mutation('updateAccount', {
  description: 'Changes your account. What is left out stays as it is. What workspaces call you is their own.',
  permission: 'session',
  account: true,
  input: (t) => ({ name: t.string({ description: 'Your name. Cannot be cleared.' }) }),
  parse: updateAccountInput,
  verb: async (tx, input) => {
    const { accountId } = requireSession(tx.viewer)
    await updateAccount(tx, accountId, input)
    return { accountId }
  },
  payload: (t) => ({ account: t.field(accountPayload) }),
})

mutation('changePassword', {
  description: `Changes your password and ends all your other sessions, within two seconds. ${UNKEYED_PASSWORD}`,
  permission: 'session',
  account: true,
  unkeyed: true,
  input: (t) => ({
    currentPassword: t.string({
      required: true,
      description: 'The one you have. After five wrong ones you must wait.',
    }),
    newPassword: t.string({
      required: true,
      description: '12 to 256 characters of any kind; nothing anybody would guess.',
    }),
  }),
  parse: changePasswordInput,
  prepare: (ctx, input) => prepareChange(ctx, requireSession(ctx.viewer).accountId, input),
  verb: async (tx, _input, prepared) => {
    const viewer = requireSession(tx.viewer)
    await changePassword(tx, viewer, prepared)
    return { accountId: viewer.accountId }
  },
  payload: (t) => ({ account: t.field(accountPayload) }),
  errors: ['LIMIT_EXCEEDED'],
})

mutation('requestPasswordReset', {
  description:
    'Has a link mailed to you with which you choose a new password, within an hour. The answer is the same, and as quick, ' +
    `whether there is such an account or not. ${UNKEYED}`,
  permission: 'public',
  account: true,
  unkeyed: true,
  input: (t) => ({ email: t.string({ required: true, description: 'The address of your account.' }) }),
  parse: requestPasswordResetInput,
  prepare: async (ctx) => {
    await accountMeansOf(ctx).throttle.ask(ctx.origin.address)
    return ctx
  },
  verb: async (tx, input, ctx) => {
    tx.onCommit(() => requestPasswordReset(ctx, input))
    return { accepted: true }
  },
  payload: (t) => ({ accepted: t.exposeBoolean('accepted', { description: 'Always true.' }) }),
  errors: ['LIMIT_EXCEEDED'],
})

mutation('resetPassword', {
  description: `Sets a new password by the link that was mailed, and ends all your sessions. ${UNKEYED_PASSWORD}`,
  permission: 'public',
  account: true,
  unkeyed: true,
  input: (t) => ({
    token: t.string({ required: true, description: 'The token of the link: good once.' }),
    password: t.string({
      required: true,
      description: '12 to 256 characters of any kind; nothing anybody would guess.',
    }),
  }),
  parse: resetPasswordInput,
  prepare: (ctx, input) => prepareReset(ctx, input),
  verb: async (tx, input, prepared) => {
    await resetPassword(tx, input, prepared)
    return { reset: true }
  },
  payload: (t) => ({ reset: t.exposeBoolean('reset', { description: 'Always true: now log in.' }) }),
  errors: ['LIMIT_EXCEEDED'],
})

mutation('requestEmailChange', {
  description:
    'Has a link mailed to the new address with which it becomes that of your account, within an hour; until then nothing ' +
    'changes. An address that has an account is mailed a note instead, and the answer is the same. Who has no password sets ' +
    `one first, by \`requestPasswordReset\`. ${UNKEYED_PASSWORD}`,
  permission: 'session',
  account: true,
  unkeyed: true,
  input: (t) => ({
    email: t.field({ type: 'EmailAddress', required: true, description: 'The new address.' }),
    currentPassword: t.string({
      required: true,
      description: 'The one you have. After five wrong ones you must wait.',
    }),
  }),
  parse: requestEmailChangeInput,
  prepare: (ctx, input) => prepareEmailChange(ctx, requireSession(ctx.viewer).accountId, input),
  verb: async (tx, input, prepared) => {
    requestEmailChange(tx, input, prepared)
    return { accepted: true }
  },
  payload: (t) => ({ accepted: t.exposeBoolean('accepted', { description: 'Always true.' }) }),
  errors: ['LIMIT_EXCEEDED'],
})

mutation('confirmEmailChange', {
  description:
    'Changes the address of your account to the one that the link was mailed to, and ends all your sessions but the one ' +
    'that asks, if any does. The old address is told. A CONFLICT where the new one has an account by now. ' +
    'An Idempotency-Key is not heeded: the link is good once.',
  permission: 'public',
  account: true,
  unkeyed: true,
  input: (t) => ({ token: t.string({ required: true, description: 'The token of the link: good once.' }) }),
  parse: confirmEmailChangeInput,
  prepare: (ctx) => accountMeansOf(ctx).throttle.ask(ctx.origin.address),
  verb: async (tx, { token }) => {
    const { email } = await confirmEmailChange(tx, token)
    return { email }
  },
  payload: (t) => ({ email: t.expose('email', { type: 'EmailAddress', description: 'What you sign in with now.' }) }),
  errors: ['LIMIT_EXCEEDED'],
})

mutation('revokeSession', {
  description: 'Ends one of your sessions: its requests and streams end within two seconds.',
  permission: 'session',
  account: true,
  input: (t) => ({ id: t.id({ required: true, description: 'The session.' }) }),
  parse: revokeSessionInput,
  verb: async (tx, { id }) => {
    const { accountId } = requireSession(tx.viewer)
    await revokeSession(tx, { accountId, sessionId: id, because: 'REVOKED' })
    return { accountId }
  },
  payload: (t) => ({ account: t.field(accountPayload) }),
  errors: ['NOT_FOUND'],
})

mutation('revokeSessions', {
  description:
    'Ends all your sessions, or all but this one: their requests and streams end within two seconds. ' +
    'An Idempotency-Key is not heeded: what there is by then is ended.',
  permission: 'session',
  account: true,
  unkeyed: true,
  input: (t) => ({
    keepThis: t.boolean({ required: true, defaultValue: true, description: 'Whether the one that asks goes on.' }),
  }),
  parse: revokeSessionsInput,
  verb: async (tx, { keepThis }) => {
    const { accountId, sessionId } = requireSession(tx.viewer)
    await revokeSessions(tx, { accountId, except: keepThis ? sessionId : undefined, because: 'REVOKED' })
    return { accountId }
  },
  payload: (t) => ({ account: t.field(accountPayload) }),
})
