// An account in the API, its sessions and its workspaces. They are of no workspace and are shown to their own person only:
// none of them has an id that leads anywhere from somebody else.

import type { AccessToken as Token } from '../../platform/auth/access-token.ts'
import { accountMeansOf } from '../../platform/auth/account-means.ts'
import { requireSession } from '../../platform/auth/permissions.ts'
import { builder } from '../../platform/graphql/builder.ts'
import type { GraphQLContext } from '../../platform/graphql/context.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { unauthenticated } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { Role } from '../workspaces/enums.ts'
import { type AccountRow, getAccount } from './accounts.ts'
import type { SessionKind } from './model.ts'
import { listSessions, type SessionRow } from './sessions.ts'
import { listMemberships, type Membership as MembershipRow } from './workspaces.ts'

/** The account that the outcome of a verb names, or the caller's. */
export const loadAccount = (ctx: GraphQLContext, accountId: string): Promise<AccountRow> =>
  ctx.loaders.get(`account ${accountId}`, () => getAccount(ctx, accountId))

const loadMemberships = (ctx: GraphQLContext, accountId: string): Promise<MembershipRow[]> =>
  ctx.loaders.get(`memberships ${accountId}`, () => listMemberships(ctx, accountId))

/**
 * The account when it has left a workspace. In a dry run the leaving is a transaction of the workspace's, which is not where
 * an account's memberships are read.
 */
export async function loadAccountWithout(ctx: GraphQLContext, accountId: string, left: string): Promise<AccountRow> {
  if (ctx.foretold !== undefined) {
    await ctx.loaders.get(`memberships ${accountId}`, async () =>
      (await listMemberships(ctx, accountId)).filter(({ workspaceId }) => workspaceId !== left),
    )
  }
  return await loadAccount(ctx, accountId)
}

/** That the account belongs to the workspace; null when it does not (any more). */
export const loadMembership = async (ctx: GraphQLContext, accountId: string, workspaceId: string | null) =>
  workspaceId === null
    ? null
    : ((await loadMemberships(ctx, accountId)).find((each) => each.workspaceId === workspaceId) ?? null)

export const Membership = builder.objectRef<MembershipRow>('Membership').implement({
  description: 'That you belong to a workspace, and as what.',
  fields: (t) => ({
    workspaceId: t.id({
      description: 'The workspace’s id, for `switchWorkspace`.',
      resolve: ({ workspaceId }) => encodeId('workspace', workspaceId),
    }),
    slug: t.exposeString('slug', { description: 'The workspace’s part of public addresses.' }),
    name: t.exposeString('name', { description: 'What people call the workspace.' }),
    role: t.expose('role', { type: Role, description: 'What you are in it.' }),
  }),
})

const Kind = describeEnum<SessionKind>('SessionKind', 'How a session is held.', {
  BROWSER: 'By a cookie.',
  PROGRAM: 'By a refresh token.',
})

export const Session = builder.objectRef<SessionRow & { readonly accountId: string }>('Session').implement({
  description: 'You signed in somewhere, until it expires or is revoked.',
  fields: (t) => ({
    id: t.id({ description: 'Its id, for `revokeSession`.', resolve: ({ id }) => encodeId('session', id) }),
    kind: t.field({
      type: Kind,
      description: 'How it is held.',
      resolve: ({ kind }) => (kind === 'BROWSER' ? 'BROWSER' : 'PROGRAM'),
    }),
    current: t.boolean({
      description: 'Whether it is the one that asks.',
      resolve: ({ id }, _args, ctx) => 'sessionId' in ctx.viewer && ctx.viewer.sessionId === id,
    }),
    workspace: t.field({
      type: Membership,
      nullable: true,
      description: 'The workspace it was last switched to.',
      resolve: ({ accountId, workspaceId }, _args, ctx) => loadMembership(ctx, accountId, workspaceId),
    }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'What the program called itself.' }),
    address: t.exposeString('address', { nullable: true, description: 'From where it was opened.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When you signed in.' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', description: 'When it was last used, to the hour.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description:
        'When it ends, if it is not used until then: 30 days after its last use, 180 after you signed in at most.',
    }),
  }),
})

export const Account = builder.objectRef<AccountRow>('Account').implement({
  description: 'A person who signs in: you. Of no workspace; in each you are a member of its own.',
  fields: (t) => ({
    id: t.id({ description: 'Its id.', resolve: ({ id }) => encodeId('account', id) }),
    email: t.expose('email', { type: 'EmailAddress', description: 'What you sign in with.' }),
    emailVerified: t.boolean({
      description:
        'Whether mail to the address reaches you: known by a link in one, such as an invite or a reset, or by the word of your issuer.',
      resolve: ({ emailVerifiedAt }) => emailVerifiedAt !== null,
    }),
    name: t.exposeString('name', { description: 'Your name; a member has one of their own.' }),
    hasPassword: t.boolean({
      description: 'Whether you can sign in with a password.',
      resolve: ({ passwordHash }) => passwordHash !== null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When you signed up.' }),
    sessions: t.field({
      type: [Session],
      description: 'Where you are signed in, the last used first; 100 at most.',
      complexity: { field: 1, multiplier: 10 },
      resolve: async ({ id }, _args, ctx) =>
        (await listSessions(ctx, id)).map((session) => ({ ...session, accountId: id })),
    }),
    workspaces: t.field({
      type: [Membership],
      description: 'The workspaces you belong to, in the order in which you joined; 200 at most.',
      complexity: { field: 1, multiplier: 10 },
      resolve: ({ id }, _args, ctx) => loadMemberships(ctx, id),
    }),
  }),
})

export const AccessToken = builder.objectRef<Token>('AccessToken').implement({
  description: 'What a program sends as `Authorization: Bearer …` for fifteen minutes. In a dry run it opens nothing.',
  fields: (t) => ({
    token: t.exposeString('token', { description: 'The token.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When to have refreshed the session.' }),
  }),
})

/**
 * A token for the session that a verb has opened or refreshed. In a dry run it is for a session that there is not: what is
 * only tried lets nobody in.
 */
export const tokenFor = (
  ctx: GraphQLContext,
  session: { readonly accountId: string; readonly sessionId: string; readonly workspaceId: string | null },
): Promise<Token> =>
  accountMeansOf(ctx).accessTokens.issue(ctx.foretold === undefined ? session : { ...session, sessionId: newId() })

/** A token for the caller's own session, in this workspace. */
export function tokenForCaller(ctx: GraphQLContext, workspaceId: string | null): Promise<Token> {
  const { accountId, sessionId } = requireSession(ctx.viewer)
  return tokenFor(ctx, { accountId, sessionId, workspaceId })
}

/** The caller's account; null for keys and employees, who have none. */
export async function accountOfViewer(ctx: GraphQLContext): Promise<AccountRow | null> {
  if (ctx.viewer.kind === 'anonymous') throw unauthenticated()
  return 'accountId' in ctx.viewer ? await loadAccount(ctx, ctx.viewer.accountId) : null
}
