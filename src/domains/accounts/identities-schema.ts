import { requireSession } from '../../platform/auth/permissions.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { disconnectIdentityInput } from './inputs.ts'
import { disconnectIdentity, type IdentityRow, listIdentities } from './own-identities.ts'
import { Account, loadAccount } from './types.ts'

const AccountIdentity = builder.objectRef<IdentityRow>('AccountIdentity').implement({
  description: 'A sign-in at an issuer of OpenID Connect that is connected to your account.',
  fields: (t) => ({
    id: t.id({ description: 'Its id, for `disconnectIdentity`.', resolve: ({ id }) => encodeId('identity', id) }),
    issuer: t.exposeString('issuerName', { description: 'What the issuer is called.' }),
    label: t.exposeString('label', {
      description: 'What the issuer called you when you came last: an address or a name; else what it knows you by.',
    }),
    connectedAt: t.expose('connectedAt', { type: 'DateTime', description: 'When it was connected.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When you signed in by it last, or first sent a token of the issuer; null for never since then.',
    }),
  }),
})

builder.objectField(Account, 'identities', (t) =>
  t.field({
    type: [AccountIdentity],
    description: 'The sign-ins at issuers by which you come in, in the order in which you connected them; 100 at most.',
    complexity: { field: 1, multiplier: 10 },
    resolve: ({ id }, _args, ctx) => listIdentities(ctx, id),
  }),
)

mutation('disconnectIdentity', {
  description:
    'Takes a sign-in at an issuer away from your account, and ends the sessions that came by it, within two seconds. CONFLICT ' +
    'where you could not sign in any more: without a password, and without another one.',
  permission: 'session',
  account: true,
  input: (t) => ({ id: t.id({ required: true, description: 'The sign-in, of `identities`.' }) }),
  parse: disconnectIdentityInput,
  verb: async (tx, { id }) => {
    const person = requireSession(tx.viewer)
    await disconnectIdentity(tx, person, id)
    return { accountId: person.accountId }
  },
  payload: (t) => ({
    account: t.field({
      type: Account,
      description: 'Your account as it is now.',
      resolve: ({ accountId }, _args, ctx) => loadAccount(ctx, accountId),
    }),
  }),
  errors: ['NOT_FOUND'],
})
