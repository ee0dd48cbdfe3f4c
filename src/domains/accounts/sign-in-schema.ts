import { accountMeansOf } from '../../platform/auth/account-means.ts'
import { requireSession } from '../../platform/auth/permissions.ts'
import { builder } from '../../platform/graphql/builder.ts'
import type { GraphQLContext } from '../../platform/graphql/context.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { ShownOnce, secretOf } from '../../platform/graphql/shown-once.ts'
import { invalidInput, unauthenticated } from '../../platform/lib/errors.ts'
import { logInInput, logOutInput, refreshSessionInput, signUpInput } from './inputs.ts'
import { refresh, revokeSession, revokeSessions } from './sessions.ts'
import { logIn, prepareLogIn, prepareSignUp, type SignedIn, signUp } from './sign-in.ts'
import { AccessToken, tokenFor } from './types.ts'
import { type Builder, INVITE_TOKEN, type Where, where, workspaceFields } from './whereabouts-schema.ts'

// What it all comes to: a session, which speaks in a workspace or in none. The access token is made anew with each answer;
// the refresh token is told once, and belongs into the answer of the one request that made it.

type SessionOutcome = Where & { sessionId: string }

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

const told = ({ secret, ...outcome }: SignedIn): ShownOnce<SessionOutcome> => new ShownOnce({ ...outcome }, secret)
const program = (ctx: { readonly userAgent?: string }) => ({ kind: 'PROGRAM', userAgent: ctx.userAgent }) as const

const NewWorkspace = builder.inputType('NewWorkspaceInput', {
  description: 'A workspace that you found, and own.',
  fields: workspaceFields,
})

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
