import { requireSession } from '../../platform/auth/permissions.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { eraseAccountInput } from '../accounts/inputs.ts'
import { prepareRemoval } from '../accounts/removal.ts'
import { type ErasedAccount, type ErasedMembership, eraseAccount } from './account.ts'
import { ErasureCount } from './schema.ts'

const Part = builder.objectRef<ErasedMembership>('ErasedMembership').implement({
  description:
    'A workspace that you were in, and what was emptied there at once. What named you elsewhere in it follows.',
  fields: (t) => ({
    workspaceId: t.id({ description: 'Its id.', resolve: ({ workspaceId }) => encodeId('workspace', workspaceId) }),
    workspaceName: t.exposeString('workspaceName', { description: 'What people call it.' }),
    erasureId: t.id({
      description: 'The erasure that its admins see, and that its certificate is of.',
      resolve: ({ erasureId }) => encodeId('erasure', erasureId),
    }),
    counts: t.field({ type: [ErasureCount], description: 'Rows by table.', resolve: ({ counts }) => [...counts] }),
  }),
})

const AccountErasure = builder.objectRef<ErasedAccount>('AccountErasure').implement({
  description: 'That your account is gone. The certificate over everything is mailed to you when it is done.',
  fields: (t) => ({
    id: t.id({
      description: 'What the certificate is called by.',
      resolve: ({ erasureId }) => encodeId('account_erasure', erasureId),
    }),
    requestedAt: t.field({
      type: 'DateTime',
      description: 'When.',
      resolve: ({ requestedAt }) => new Date(requestedAt),
    }),
    counts: t.field({
      type: [ErasureCount],
      description: 'What was removed at once, by table: the account, its sessions and all that was of no workspace.',
      resolve: ({ counts }) => [...counts],
    }),
    workspaces: t.field({
      type: [Part],
      description: 'The workspaces that you were in, also those that you had left.',
      resolve: ({ workspaces }) => [...workspaces],
    }),
  }),
})

mutation('eraseAccount', {
  description:
    'Erases your account, for good: your sessions, keys, name and address at once, then what the workspaces’ logs told of ' +
    'you. What you did there stays, of a member without a name. Refused while you are the last owner of a workspace. Your ' +
    'address may sign up again, as somebody new. An Idempotency-Key is not heeded, for a digest of the password would be kept ' +
    'with it.',
  permission: 'session',
  account: true,
  unkeyed: true,
  input: (t) => ({
    currentPassword: t.string({
      description:
        'Yours; after five wrong ones you must wait. Without a password of your own, sign in with a browser in the ten minutes ' +
        'before.',
    }),
  }),
  parse: eraseAccountInput,
  prepare: (ctx, input) => prepareRemoval(ctx, requireSession(ctx.viewer), input),
  verb: async (tx, _input, prepared) => ({ erased: { ...(await eraseAccount(tx, prepared)) } }),
  payload: (t) => ({
    erasure: t.field({
      type: AccountErasure,
      description: 'What was removed, and where it goes on.',
      resolve: ({ erased }) => erased,
    }),
  }),
  errors: ['LIMIT_EXCEEDED'],
})
