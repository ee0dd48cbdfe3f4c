// Signing up and logging in. What takes its time (comparing a password, making its hash) is done before the transaction;
// the account, its place in a workspace and its session are one transaction: there is all of it or nothing.

import { timingSafeEqual } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { accountMeansOf } from '../../platform/auth/account-means.ts'
import { hashSecret, looksLikeSecret } from '../../platform/auth/secret-token.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { type AppError, invalidInput } from '../../platform/lib/errors.ts'
import { findInvitePlace, findOpenInvite } from '../workspaces/invites.ts'
import { acceptInvite, foundWorkspace, type Joining, takeOver } from '../workspaces/joining.ts'
import {
  type AccountRow,
  assertPasswordFor,
  checkPassword,
  createAccount,
  getAccount,
  holdAccount,
  wrongCredentials,
} from './accounts.ts'
import type { FoundWorkspaceInput, LogInInput, SignUpInput } from './inputs.ts'
import { foldEmail, type SessionKind } from './model.ts'
import { openSession } from './sessions.ts'
import { assertMayFound, chooseSlug, firstWorkspace } from './workspaces.ts'

/** Where a session is opened. */
export interface Opening {
  readonly kind: SessionKind
  readonly userAgent?: string | undefined
}

/** A person signed in; the secret is told this once: the first refresh token, or a browser's cookie. */
export interface SignedIn {
  readonly accountId: string
  readonly sessionId: string
  readonly workspaceId: string | null
  readonly secret: string
}

type Place = Awaited<ReturnType<typeof findInvitePlace>>

/** What a new workspace may spend in a day until its owner says otherwise. */
const FIRST_DAILY_BUDGET_MICROS = 5_000_000n

export interface PreparedSignUp {
  readonly passwordHash: string
  readonly place: Place
  /** Whether the bearer sets the server up. */
  readonly first: boolean
  readonly slug: string | undefined
}

/**
 * What a sign-up takes beforehand. INVALID_INPUT for a password that is easy to guess, for a token that is not good (for
 * this address), and without a token where the server is by invitation; LIMIT_EXCEEDED for too many from one address.
 */
export async function prepareSignUp(ctx: Ctx, input: SignUpInput): Promise<PreparedSignUp> {
  const { passwords, signUp, throttle } = accountMeansOf(ctx)
  const { inviteToken: token } = input
  const first = token !== undefined && (await isSetupToken(ctx, token))
  const invite = token === undefined || first ? undefined : await findOpenInvite(ctx, token)
  if (token === undefined && signUp === 'invited') {
    const link = (await isUnclaimed(ctx)) ? 'the link in its log, as the first person' : 'the link you were sent'
    throw badToken('REQUIRED', `This server is by invitation: sign up with ${link}.`)
  }
  if (token !== undefined && !first) {
    if (invite === undefined) throw badToken('UNKNOWN_REFERENCE', 'This invite is over, or there never was one.')
    if (foldEmail(invite.email) !== foldEmail(input.email)) {
      throw badToken('NOT_ALLOWED', 'This invite is for another e-mail address.')
    }
  }
  if (input.workspace !== undefined && invite !== undefined && signUp === 'invited') {
    throw invalidInput([
      { path: ['workspace'], code: 'NOT_ALLOWED', message: 'You join the workspace that invites you.' },
    ])
  }
  assertPasswordFor(input, input.password, 'password')
  await throttle.ask(ctx.origin.address)
  const { workspace } = input
  return {
    slug: workspace === undefined ? undefined : await chooseSlug(ctx, workspace.name, workspace.slug),
    place: token === undefined || first ? undefined : await findInvitePlace(ctx, token),
    first,
    passwordHash: await passwords.hash(input.password),
  }
}

/**
 * Makes an account, puts it into the workspace that invited it or that it founds, and signs it in. CONFLICT for an e-mail
 * address that has an account. In an account transaction.
 */
export async function signUp(
  tx: Tx,
  input: SignUpInput,
  prepared: PreparedSignUp,
  opening: Opening,
): Promise<SignedIn> {
  const { email, name, workspace } = input
  const { passwordHash, place, first, slug } = prepared
  if (first) await assertFirst(tx)
  const { id: accountId } = await createAccount(tx, { email, name, passwordHash, emailVerified: false })
  const who = { accountId, email, name }
  let workspaceId: string | null = null
  if (place !== undefined) workspaceId = (await acceptInvite(tx, who, place)).workspaceId
  if (workspace !== undefined && slug !== undefined) workspaceId = await found(tx, who, workspace, slug)
  else if (first) workspaceId = await takeOverWhatIsThere(tx, who)
  return await open(tx, accountId, workspaceId, opening)
}

export interface PreparedLogIn {
  readonly account: AccountRow
  readonly place: Place
  readonly workspaceId: string | null
}

/** Compares the password; see `checkPassword` for what it throws. INVALID_INPUT for a workspace one does not belong to. */
export async function prepareLogIn(ctx: Ctx, input: LogInInput): Promise<PreparedLogIn> {
  const account = await checkPassword(ctx, input)
  const { inviteToken: token } = input
  const place = token === undefined ? undefined : await findInvitePlace(ctx, token)
  if (token !== undefined && place === undefined) {
    throw badToken('UNKNOWN_REFERENCE', 'This invite is over, or there never was one.')
  }
  return { account, place, workspaceId: await firstWorkspace(ctx, account.id, input.workspace) }
}

/**
 * Signs in whoever `prepareLogIn` has let in, and accepts the invite that came along. UNAUTHENTICATED when the password was
 * changed in the meantime: a change ends the sessions that there are, and this one is not among them yet. In an account
 * transaction.
 */
export async function logIn(
  tx: Tx,
  { account, place, workspaceId }: PreparedLogIn,
  opening: Opening,
): Promise<SignedIn> {
  if (!(await holdAccount(tx, account, 'passwordHash', 'forShare'))) throw wrongCredentials()
  const joined = place === undefined ? undefined : await acceptInvite(tx, joining(account), place)
  return await open(tx, account.id, joined?.workspaceId ?? workspaceId, opening)
}

export interface PreparedFounding {
  readonly account: AccountRow
  readonly slug: string
}

/** CONFLICT for a slug that is taken, and where the account may not found a workspace. */
export async function prepareFounding(
  ctx: Ctx,
  accountId: string,
  input: FoundWorkspaceInput,
): Promise<PreparedFounding> {
  await assertMayFound(ctx, accountId)
  return { account: await getAccount(ctx, accountId), slug: await chooseSlug(ctx, input.name, input.slug) }
}

/** Founds a workspace with the account as its owner, and returns its row id. In an account transaction. */
export async function found(tx: Tx, who: Joining, input: FoundWorkspaceInput, slug: string): Promise<string> {
  const { name, timeZone, currency } = input
  const made = { name, timeZone, currency, slug, dailyBudgetMicros: FIRST_DAILY_BUDGET_MICROS }
  return (await foundWorkspace(tx, who, made)).workspaceId
}

export const joining = ({ id, email, name }: AccountRow): Joining => ({ accountId: id, email, name })

async function open(tx: Tx, accountId: string, workspaceId: string | null, opening: Opening): Promise<SignedIn> {
  const { address } = tx.origin
  const { sessionId, secret } = await openSession(tx, { accountId, workspaceId, address, ...opening })
  return { accountId, sessionId, workspaceId, secret }
}

const badToken = (code: 'REQUIRED' | 'UNKNOWN_REFERENCE' | 'NOT_ALLOWED', message: string): AppError =>
  invalidInput([{ path: ['inviteToken'], code, message }])

// ------------------------------------------------------------------ the first person

/** Whether nobody has an account here yet, nor had one that was erased, so that the setup token is good. */
export async function isUnclaimed({ db }: Pick<Ctx, 'db'>): Promise<boolean> {
  return !(await hasBeenClaimed(db.systemSql))
}

async function hasBeenClaimed(sql: Kysely<Tables>): Promise<boolean> {
  const account = await sql.selectFrom('account').select('id').limit(1).executeTakeFirst()
  const erased = account ?? (await sql.selectFrom('accountErasure').select('id').limit(1).executeTakeFirst())
  return erased !== undefined
}

async function isSetupToken(ctx: Ctx, token: string): Promise<boolean> {
  if (!looksLikeSecret('setup', token)) return false
  const right = Buffer.from(hashSecret(await accountMeansOf(ctx).setupToken()))
  return timingSafeEqual(Buffer.from(hashSecret(token)), right) && (await isUnclaimed(ctx))
}

/** One after the other: of two with the setup token the second one sees that there is an account. */
async function assertFirst(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('first account', 0))`.execute(tx.sql)
  if (await hasBeenClaimed(tx.sql)) throw badToken('UNKNOWN_REFERENCE', 'This server has been set up already.')
}

/** A workspace that was there before anybody signed in is the first person's: it was made by whoever runs the server. */
async function takeOverWhatIsThere(tx: Tx, who: Joining): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    select id from workspace where status = 'ACTIVE' order by created_at, id limit 1
  `.execute(tx.sql)
  const [oldest] = rows
  return oldest === undefined ? null : (await takeOver(tx, who, oldest.id)).workspaceId
}
