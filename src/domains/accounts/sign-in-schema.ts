import type { ObjectFieldsShape } from '@pothos/core'
import { accountMeansOf } from '../../platform/auth/account-means.ts'
import { requireSession } from '../../platform/auth/permissions.ts'
import type { Types } from '../../platform/graphql/builder.ts'
import { builder } from '../../platform/graphql/builder.ts'
import type { GraphQLContext } from '../../platform/graphql/context.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { ShownOnce, secretOf } from '../../platform/graphql/shown-once.ts'
import { invalidInput, notFound, unauthenticated } from '../../platform/lib/errors.ts'
import { findInvitePlace } from '../workspaces/invites.ts'
import { acceptInvite } from '../workspaces/joining.ts'
import { leaveWorkspace } from '../workspaces/members.ts'
import { getAccount } from './accounts.ts'
import {
  acceptInviteInput,
  foundWorkspaceInput,
  leaveWorkspaceInput,
  logInInput,
  logOutInput,
  refreshSessionInput,
  signUpInput,
  switchWorkspaceInput,
} from './inputs.ts'
import { refresh, revokeSession, revokeSessions, switchSession } from './sessions.ts'
import {
  found,
  joining,
  logIn,
  prepareFounding,
  prepareLogIn,
  prepareSignUp,
  type SignedIn,
  signUp,
} from './sign-in.ts'
import {
  AccessToken,
  Account,
  loadAccount,
  loadAccountWithout,
  loadMembership,
  Membership,
  tokenFor,
  tokenForCaller,
} from './types.ts'

// What it all comes to: a session, which speaks in a workspace or in none. The access token is made anew with each answer;
// the refresh token is told once, and belongs into the answer of the one request that made it.

type Where = { accountId: string; workspaceId: string | null }
type SessionOutcome = Where & { sessionId: string }
type Builder<Outcome> = Parameters<ObjectFieldsShape<Types, Outcome>>[0]

const where = <Outcome extends Where>(t: Builder<Outcome>) => ({
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

const signedIn = (t: Builder<SessionOutcome>) => ({
  ...where(t),
  accessToken: t.field({
    type: AccessToken,
    description: 'For the next fifteen minutes.',
    resolve: (outcome: SessionOutcome, _args: object, ctx: GraphQLContext) => tokenFor(ctx, outcome),
  }),
  refreshToken: t.string({
    nullable: true,
    description:
      'For `refreshSession`, once. Keep it where nobody else looks. Told this once: null wherever the answer is not that of ' +
      'the request itself.',
    resolve: (outcome: SessionOutcome) => secretOf(outcome) ?? null,
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

const told = ({ secret, ...outcome }: SignedIn): ShownOnce<SessionOutcome> => new ShownOnce({ ...outcome }, secret)
const program = (ctx: { readonly userAgent?: string }) => ({ kind: 'PROGRAM', userAgent: ctx.userAgent }) as const

type InputBuilder = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

const workspaceFields = (t: InputBuilder) => ({
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
const NewWorkspace = builder.inputType('NewWorkspaceInput', {
  description: 'A workspace that you found, and own.',
  fields: workspaceFields,
})

const INVITE_TOKEN = 'The token of an invite for your e-mail address: you join its workspace.'

mutation('signUp', {
  description:
    'Makes an account and signs you in. With an invite you join its workspace, with `workspace` you found one. An ' +
    'Idempotency-Key is not heeded, for a digest of the password would be kept with it: a second sign-up is a CONFLICT.',
  permission: 'public',
  account: true,
  unkeyed: true,
  input: (t) => ({
    email: t.field({ type: 'EmailAddress', required: true, description: 'What you sign in with.' }),
    password: t.string({
      required: true,
      description: '12 to 256 characters of any kind; nothing anybody would guess.',
    }),
    name: t.string({ required: true, description: 'Your name.' }),
    inviteToken: t.string({
      description: `${INVITE_TOKEN} Needed where the server is by invitation; the first person has theirs from the server’s log.`,
    }),
    workspace: t.field({ type: NewWorkspace, description: 'A workspace to begin with.' }),
  }),
  parse: signUpInput,
  prepare: async (ctx, input) => ({ ...(await prepareSignUp(ctx, input)), opening: program(ctx) }),
  verb: async (tx, input, prepared) => told(await signUp(tx, input, prepared, prepared.opening)),
  payload: (t) => signedIn(t),
  errors: ['NOT_FOUND', 'LIMIT_EXCEEDED'],
})

mutation('logIn', {
  description:
    'Signs you in. Whatever is wrong, the answer is one: UNAUTHENTICATED. After five wrong passwords in fifteen minutes ' +
    'everybody with this e-mail address must wait, also with the right one. An Idempotency-Key is not heeded: each log-in is ' +
    'a session of its own.',
  permission: 'public',
  account: true,
  unkeyed: true,
  input: (t) => ({
    email: t.string({ required: true, description: 'The address of your account.' }),
    password: t.string({ required: true, description: 'Your password.' }),
    workspace: t.string({
      description: 'The slug of the workspace to begin in; the one you were in last, unless given.',
    }),
    inviteToken: t.string({ description: INVITE_TOKEN }),
  }),
  parse: logInInput,
  prepare: async (ctx, input) => ({ ...(await prepareLogIn(ctx, input)), opening: program(ctx) }),
  verb: async (tx, _input, prepared) => told(await logIn(tx, prepared, prepared.opening)),
  payload: (t) => signedIn(t),
  errors: ['NOT_FOUND', 'LIMIT_EXCEEDED'],
})

mutation('refreshSession', {
  description:
    'Changes a refresh token for a new one, and gives you an access token. A token is good once: one that comes back later ' +
    'than ten seconds after it was used, or after its successor was used, was copied, and ends the session. An ' +
    'Idempotency-Key is not heeded: within the ten seconds the same answer is given anyway. It is not tried with `@dryRun`: ' +
    'that would tell, unseen, whether a token was used.',
  permission: 'public',
  account: true,
  unkeyed: true,
  input: (t) => ({ refreshToken: t.string({ required: true, description: 'The newest one you were given.' }) }),
  parse: refreshSessionInput,
  prepare: async (ctx) => {
    // Whoever has copied a token is found out by using it, and by nothing less.
    if (ctx.foretold !== undefined) {
      throw invalidInput([{ path: ['refreshToken'], code: 'NOT_ALLOWED', message: 'A refresh cannot be tried.' }])
    }
    return await accountMeansOf(ctx).refreshKey()
  },
  verb: async (tx, { refreshToken }, key) => {
    const refreshed = await refresh(tx, refreshToken, key)
    if ('usedTwice' in refreshed) return { usedTwice: true, sessionId: refreshed.sessionId }
    const { accountId, sessionId, workspaceId } = refreshed
    return told({ accountId, sessionId, workspaceId, secret: refreshed.refreshToken })
  },
  refusal: (outcome) =>
    'usedTwice' in outcome
      ? unauthenticated('This refresh token was used before: somebody may have copied it, so the session has ended.')
      : undefined,
  payload: (t) => signedIn(t),
})

mutation('logOut', {
  description:
    'Signs you out: requests and streams of the session end within two seconds. An Idempotency-Key is not heeded: each ' +
    'session is signed out by itself, and a second time changes nothing.',
  permission: 'session',
  account: true,
  unkeyed: true,
  input: (t) => ({
    everywhere: t.boolean({
      required: true,
      defaultValue: false,
      description: 'Whether all your sessions end, and not this one alone.',
    }),
  }),
  parse: logOutInput,
  verb: async (tx, { everywhere }) => {
    const { accountId, sessionId } = requireSession(tx.viewer)
    if (everywhere) await revokeSessions(tx, { accountId, because: 'LOGGED_OUT' })
    else await revokeSession(tx, { accountId, sessionId, because: 'LOGGED_OUT' })
    return { loggedOut: true }
  },
  payload: (t) => ({ loggedOut: t.exposeBoolean('loggedOut', { description: 'Always true.' }) }),
})

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
