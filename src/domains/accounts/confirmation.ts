import { accountMeansOf } from '../../platform/auth/account-means.ts'
import type { SignedIn } from '../../platform/auth/permissions.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { type AppError, conflict, invalidInput, unauthenticated } from '../../platform/lib/errors.ts'
import { type AccountRow, getAccount } from './accounts.ts'

/** Whoever signed in so lately is who they are: nobody sat down at their desk meanwhile. */
const FRESH_MS = 10 * 60_000

/** What a person was confirmed by; `lockAccountOf` asks whether it still holds. */
export interface ConfirmedPerson {
  /** Tells the password of that moment from every other one; null where there was none. */
  readonly passwordChangedAt: Date | null
}

export interface Confirming {
  /** The field of the password, at which a refusal is told. */
  readonly field: string
  /** Whether a sign-in within ten minutes is enough also where there is a password. */
  readonly freshIsEnough?: boolean
}

/**
 * Makes sure that whoever asks is the account's person, and not somebody at their desk: by the password, or where there is
 * none by a sign-in within ten minutes. INVALID_INPUT at the field for a wrong password and for none, and for an account that
 * has none and has to sign in anew; LIMIT_EXCEEDED after five wrong ones. Not to be called in a transaction.
 */
export async function confirmPerson(
  ctx: Ctx,
  { accountId, sessionId }: Pick<SignedIn, 'accountId' | 'sessionId'>,
  password: string | undefined,
  { field, freshIsEnough = false }: Confirming,
): Promise<ConfirmedPerson> {
  const account = await getAccount(ctx, accountId)
  const { passwordHash, passwordChangedAt } = account
  const mayBeFresh = freshIsEnough || passwordHash === null
  if (!mayBeFresh || !(await isFresh(ctx, sessionId))) {
    if (passwordHash === null) throw refused(field, 'NOT_ALLOWED', SIGN_IN_ANEW)
    await assertOwnPassword(ctx, account, password, field)
  }
  return { passwordChangedAt }
}

/**
 * The account's row, locked, of a person who was confirmed before: nobody signs in with it or joins with it meanwhile.
 * UNAUTHENTICATED when it or the session does not stand any more, CONFLICT when the password was changed in the meantime. In an
 * account transaction.
 */
export async function lockAccountOf(
  tx: Tx,
  { accountId, sessionId }: Pick<SignedIn, 'accountId' | 'sessionId'>,
  { passwordChangedAt }: ConfirmedPerson,
): Promise<AccountRow> {
  const account = await tx.sql
    .selectFrom('account')
    .selectAll()
    .where('id', '=', accountId)
    .where('status', '=', 'ACTIVE')
    .forUpdate()
    .executeTakeFirst()
  const session = await tx.sql
    .selectFrom('session')
    .select('id')
    .where('id', '=', sessionId)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', tx.now)
    .executeTakeFirst()
  if (account === undefined || session === undefined) {
    throw unauthenticated('This session is not valid (any more): sign in again.')
  }
  if (account.passwordChangedAt?.getTime() !== passwordChangedAt?.getTime()) {
    throw conflict('STALE_VERSION', 'Your password was changed meanwhile, somewhere else.')
  }
  return account
}

const NO_PASSWORD = 'Your account has no password: a mail lets you set one'

/** What an account without a password is told where signing in anew would be enough. */
export const SIGN_IN_ANEW = `${NO_PASSWORD}, or sign in once more and do this within ten minutes.`

/**
 * Whether somebody has signed in for this session within ten minutes; never for a token of an issuer, for which nobody did.
 * UNAUTHENTICATED for a session that there is not.
 */
export async function isFresh({ db, clock }: Pick<Ctx, 'db' | 'clock'>, sessionId: string): Promise<boolean> {
  const session = await db.systemSql
    .selectFrom('session')
    .select(['createdAt', 'kind'])
    // What an issuer's token leaves is a program's session without tokens of ours.
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom('refreshToken').select('refreshToken.hash').whereRef('refreshToken.sessionId', '=', 'session.id'),
      ).as('isRefreshed'),
    )
    .where('id', '=', sessionId)
    .executeTakeFirst()
  if (session === undefined) throw unauthenticated()
  if (session.kind !== 'BROWSER' && !session.isRefreshed) return false
  return clock.now().getTime() - session.createdAt.getTime() < FRESH_MS
}

/**
 * INVALID_INPUT at the field for what is not the account's password; LIMIT_EXCEEDED after five wrong ones, as at a log-in: who
 * sits at somebody's desk guesses no better.
 */
export async function assertOwnPassword(
  ctx: Ctx,
  account: AccountRow,
  given: string | undefined,
  field: string,
): Promise<void> {
  if (account.passwordHash === null) throw refused(field, 'NOT_ALLOWED', `${NO_PASSWORD}.`)
  if (given === undefined) throw refused(field, 'REQUIRED', 'For this your password is asked for.')
  const { passwords, throttle } = accountMeansOf(ctx)
  await throttle.attempt(account.emailFolded, ctx.origin.address)
  if (!(await passwords.verify(account.passwordHash, given))) {
    throw refused(field, 'NOT_ALLOWED', 'This is not your password.')
  }
  await throttle.succeeded(account.emailFolded, ctx.origin.address)
}

const refused = (field: string, code: 'REQUIRED' | 'NOT_ALLOWED', message: string): AppError =>
  invalidInput([{ path: [field], code, message }])
