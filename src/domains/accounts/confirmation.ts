import { accountMeansOf } from '../../platform/auth/account-means.ts'
import type { Ctx } from '../../platform/context.ts'
import { AppError, invalidInput, unauthenticated } from '../../platform/lib/errors.ts'
import { type AccountRow, getAccount } from './accounts.ts'

/** Whoever signed in so lately is who they are: nobody sat down at their desk meanwhile. */
const FRESH_MS = 10 * 60_000

/**
 * Makes sure of who asks for what would outlast their session, as another way to sign in does: they have signed in within ten
 * minutes, or give their password. INVALID_INPUT for a wrong password and for none, FORBIDDEN for an account that has none
 * and has to sign in anew, LIMIT_EXCEEDED after five wrong ones. Not to be called in a transaction.
 */
export async function confirmPerson(
  ctx: Ctx,
  { accountId, sessionId }: { readonly accountId: string; readonly sessionId: string },
  password: string,
): Promise<void> {
  if (await isFresh(ctx, sessionId)) return
  const account = await getAccount(ctx, accountId)
  if (account.passwordHash === null) {
    throw new AppError('FORBIDDEN', 'You signed in more than ten minutes ago. Sign in again, and do it then.')
  }
  await assertOwnPassword(ctx, account, password, 'password')
}

/**
 * Whether somebody has signed in for this session within ten minutes; never for a token of an issuer, for which nobody did.
 * UNAUTHENTICATED for a session that there is not.
 */
export async function isFresh({ db, clock }: Pick<Ctx, 'db' | 'clock'>, sessionId: string): Promise<boolean> {
  const session = await db.systemSql
    .selectFrom('session')
    .select(['createdAt', 'kind', 'identityId'])
    .where('id', '=', sessionId)
    .executeTakeFirst()
  if (session === undefined) throw unauthenticated()
  if (session.kind !== 'BROWSER' && session.identityId !== null) return false
  return clock.now().getTime() - session.createdAt.getTime() < FRESH_MS
}

/**
 * INVALID_INPUT at the field for what is not the account's password; LIMIT_EXCEEDED after five wrong ones, as at a log-in: who
 * sits at somebody's desk guesses no better.
 */
export async function assertOwnPassword(ctx: Ctx, account: AccountRow, password: string, field: string): Promise<void> {
  const { passwords, throttle } = accountMeansOf(ctx)
  await throttle.attempt(account.emailFolded, ctx.origin.address)
  if (!(await passwords.verify(account.passwordHash, password))) {
    const message =
      account.passwordHash === null
        ? 'You have no password here: a mail lets you set one (`requestPasswordReset`).'
        : 'This is not your password.'
    throw invalidInput([{ path: [field], code: 'NOT_ALLOWED', message }])
  }
  await throttle.succeeded(account.emailFolded, ctx.origin.address)
}
