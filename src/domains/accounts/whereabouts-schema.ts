import type { ObjectFieldsShape } from '@pothos/core'
import { requireSession } from '../../platform/auth/permissions.ts'
import type { Types } from '../../platform/graphql/builder.ts'
import type { GraphQLContext } from '../../platform/graphql/context.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { notFound } from '../../platform/lib/errors.ts'
import { findInvitePlace } from '../workspaces/invites.ts'
import { acceptInvite } from '../workspaces/joining.ts'
import { leaveWorkspace } from '../workspaces/members.ts'
import { getAccount } from './accounts.ts'
import { acceptInviteInput, foundWorkspaceInput, leaveWorkspaceInput, switchWorkspaceInput } from './inputs.ts'
import { switchSession } from './sessions.ts'
import { found, joining, prepareFounding } from './sign-in.ts'
import {
  AccessToken,
  Account,
  loadAccount,
  loadAccountWithout,
  loadMembership,
  Membership,
  tokenForCaller,
} from './types.ts'

// A session speaks in a workspace or in none: what founds, joins and leaves one puts it there, and `where` tells.

export type Where = { accountId: string; workspaceId: string | null }
export type Builder<Outcome> = Parameters<ObjectFieldsShape<Types, Outcome>>[0]

/** Who a session speaks for, and where. */
export const where = <Outcome extends Where>(t: Builder<Outcome>) => ({
  account: t.field({
    type: Account,
    description: 'Your account.',
    resolve: ({ accountId }: Where, _args: object, ctx: GraphQLContext) => loadAccount(ctx, accountId),
  }),
  workspace: t.field({
    type: Membership,
    nullable: true,
    description: 'The workspace that the session is in; null for none.',
    resolve: ({ accountId, workspaceId }: Where, _args: object, ctx: GraphQLContext) =>
      loadMembership(ctx, accountId, workspaceId),
  }),
})

const moved = <Outcome extends Where>(t: Builder<Outcome>) => ({
  ...where(t),
  accessToken: t.field({
    type: AccessToken,
    description: 'For your session where it is now; the refresh token stays as it is.',
    resolve: ({ workspaceId }: Where, _args: object, ctx: GraphQLContext) => tokenForCaller(ctx, workspaceId),
  }),
})

type InputBuilder = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

/** A workspace that somebody founds. */
export const workspaceFields = (t: InputBuilder) => ({
  name: t.string({ required: true, description: 'What people call it.' }),
  slug: t.string({
    description:
      'Its part of public addresses: small letters, digits and single hyphens. Made of the name unless given.',
  }),
  timeZone: t.string({
    required: true,
    defaultValue: 'UTC',
    description: 'IANA name of the zone in which its people think.',
  }),
  currency: t.field({
    type: 'CurrencyCode',
    required: true,
    defaultValue: 'EUR',
    description: 'What amounts are in when nothing else is said.',
  }),
})

export const INVITE_TOKEN = 'The token of an invite for your e-mail address: you join its workspace.'

mutation('switchWorkspace', {
  description:
    'Puts your session into another workspace of yours, or into none. Tokens from before stay where they are. An ' +
    'Idempotency-Key is not heeded: it is about the session that asks, and a second time changes nothing.',
  permission: 'session',
  account: true,
  unkeyed: true,
  input: (t) => ({ workspace: t.id({ description: 'The workspace; none, if null.' }) }),
  parse: switchWorkspaceInput,
  verb: async (tx, { workspace = null }) => {
    const { accountId, sessionId } = requireSession(tx.viewer)
    await switchSession(tx, { accountId, sessionId, workspaceId: workspace })
    return { accountId, sessionId, workspaceId: workspace }
  },
  payload: (t) => moved(t),
  errors: ['NOT_FOUND'],
})

mutation('createWorkspace', {
  description:
    'Founds a workspace: you are its owner, and your session is in it. Where the server is by invitation, who owns a ' +
    'workspace may found another one.',
  permission: 'session',
  account: true,
  input: workspaceFields,
  parse: foundWorkspaceInput,
  prepare: (ctx, input) => prepareFounding(ctx, requireSession(ctx.viewer).accountId, input),
  verb: async (tx, input, { account, slug }) => {
    const { accountId, sessionId } = requireSession(tx.viewer)
    const workspaceId = await found(tx, joining(account), input, slug)
    await switchSession(tx, { accountId, sessionId, workspaceId })
    return { accountId, sessionId, workspaceId }
  },
  payload: (t) => moved(t),
})

mutation('acceptInvite', {
  description:
    'Joins the workspace of an invite, and puts your session into it. Accepting it again changes nothing, and moves the ' +
    'session that asks: an Idempotency-Key is not heeded.',
  permission: 'session',
  account: true,
  unkeyed: true,
  input: (t) => ({ inviteToken: t.string({ required: true, description: INVITE_TOKEN }) }),
  parse: acceptInviteInput,
  prepare: async (ctx, { inviteToken }) => ({
    place: await findInvitePlace(ctx, inviteToken),
    account: await getAccount(ctx, requireSession(ctx.viewer).accountId),
  }),
  verb: async (tx, _input, { place, account }) => {
    const { accountId, sessionId } = requireSession(tx.viewer)
    if (place === undefined) throw notFound('Invite')
    const { workspaceId } = await acceptInvite(tx, joining(account), place)
    await switchSession(tx, { accountId, sessionId, workspaceId })
    return { accountId, sessionId, workspaceId }
  },
  payload: (t) => moved(t),
  errors: ['NOT_FOUND'],
})

mutation('leaveWorkspace', {
  description:
    'Leaves the workspace that your session is in; your keys in it are revoked, and what you did keeps your name. The last ' +
    'owner stays.',
  permission: 'session',
  input: (t) => ({
    workspace: t.id({ required: true, description: 'The one you are in, so that nobody leaves another by mistake.' }),
  }),
  parse: leaveWorkspaceInput,
  verb: async (tx, { workspace }) => {
    const { accountId } = requireSession(tx.viewer)
    await leaveWorkspace(tx, workspace)
    return { accountId, workspaceId: null, left: workspace }
  },
  payload: (t) => ({
    ...moved(t),
    account: t.field({
      type: Account,
      description: 'Your account.',
      resolve: ({ accountId, left }, _args, ctx) => loadAccountWithout(ctx, accountId, left),
    }),
  }),
  errors: ['NOT_FOUND'],
})
