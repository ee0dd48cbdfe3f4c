import { accountMeansOf } from '../../platform/auth/account-means.ts'
import { createSecret, hashSecret, looksLikeSecret } from '../../platform/auth/secret-token.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { type AppError, conflict, invalidInput } from '../../platform/lib/errors.ts'
import { plainName } from '../mail/plain-name.ts'
import { type AccountRow, assertPasswordFor, findAccountByEmail, getAccount, holdAccount } from './accounts.ts'
import { assertOwnPassword } from './confirmation.ts'
import { disconnectAll } from './identities.ts'
import type { ChangePasswordInput, ResetPasswordInput } from './inputs.ts'
import { foldEmail, RESET_TOKEN_MS } from './model.ts'
import { revokeSessions } from './sessions.ts'
import { voidTokens } from './tokens.ts'

export interface PreparedChange {
  /** The hash that the current password was compared with. */
  readonly before: string | null
  readonly passwordHash: string
}

/**
 * Compares the current password and hashes the new one. INVALID_INPUT for a wrong one, and for a new one that is easy to
 * guess; LIMIT_EXCEEDED after five wrong ones.
 */
export async function prepareChange(ctx: Ctx, accountId: string, input: ChangePasswordInput): Promise<PreparedChange> {
  const { passwords } = accountMeansOf(ctx)
  const account = await getAccount(ctx, accountId)
  assertPasswordFor(account, input.newPassword, 'newPassword')
  await assertOwnPassword(ctx, account, input.currentPassword, 'currentPassword')
  return { before: account.passwordHash, passwordHash: await passwords.hash(input.newPassword) }
}

/**
 * Sets the new password and ends all sessions but this one, and every link that was mailed. CONFLICT when the password was
 * changed in the meantime. In an account transaction.
 */
export async function changePassword(
  tx: Tx,
  { accountId, sessionId }: { readonly accountId: string; readonly sessionId: string },
  { before, passwordHash }: PreparedChange,
): Promise<void> {
  // The account before its sessions: a log-in with the old password waits and fails, or its session is among those that end.
  // Verbs that hold a session first (`lockCaller`) may meet this in a ring, of which the database lets one be tried anew.
  const changed = await tx.sql
    .updateTable('account')
    .set({ passwordHash, passwordChangedAt: tx.now, updatedAt: tx.now })
    .where('id', '=', accountId)
    .where('status', '=', 'ACTIVE')
    .where('passwordHash', 'is not distinct from', before)
    .executeTakeFirst()
  if (changed.numUpdatedRows === 0n) {
    throw conflict('STALE_VERSION', 'Your password was changed meanwhile, somewhere else.')
  }
  await voidTokens(tx, accountId)
  await revokeSessions(tx, { accountId, except: sessionId, because: 'PASSWORD_CHANGED' })
}

/**
 * Has a link sent with which the password can be set anew, if there is such an account. Nothing is looked up before the
 * answer, so neither what it says nor how long it takes tells whether there is one. In a dry run nothing follows.
 */
export function requestPasswordReset(ctx: Ctx, { email }: { readonly email: string }): void {
  const means = accountMeansOf(ctx)
  if (ctx.foretold !== undefined) return
  means.later('a password reset', async () => {
    const account = await findAccountByEmail(ctx, email)
    if (account === undefined || account.status !== 'ACTIVE') return
    if (!(await means.throttle.mayMail(account.emailFolded))) return
    const { plain, hash } = createSecret('reset')
    const stored = await ctx.db.inAccountTransaction(ctx, async (tx) => {
      // Who has moved to another address is not let in by a mail to the one before.
      if (!(await holdAccount(tx, account, 'emailFolded', 'forShare'))) return false
      await tx.sql
        .insertInto('accountToken')
        .values({
          hash,
          accountId: account.id,
          purpose: 'PASSWORD_RESET',
          createdAt: tx.now,
          expiresAt: new Date(tx.now.getTime() + RESET_TOKEN_MS),
        })
        .execute()
      return true
    })
    if (!stored) return
    const link = `${means.publicUrl()}/reset-password?token=${plain}`
    const body = [
      `Hello ${plainName(account.name)},`,
      'here you can choose a new password for Cadre, within an hour:',
      link,
      'If you did not ask for this, do nothing: your password stays as it is.',
    ].join('\n\n')
    const to = { name: account.name, address: account.email }
    means.mail({ key: `reset-${hash.slice(0, 40)}`, to, subject: 'A new password for Cadre', body, link })
  })
}

export interface PreparedReset {
  readonly account: AccountRow
  readonly passwordHash: string
}

/** INVALID_INPUT for a token that is not good (any more), and for a password that is easy to guess. */
export async function prepareReset(ctx: Ctx, { token, password }: ResetPasswordInput): Promise<PreparedReset> {
  const { passwords, throttle } = accountMeansOf(ctx)
  await throttle.ask(ctx.origin.address)
  if (!looksLikeSecret('reset', token)) throw badToken()
  const found = await ctx.db.systemSql
    .selectFrom('accountToken')
    .select('accountId')
    .where('hash', '=', hashSecret(token))
    .where('purpose', '=', 'PASSWORD_RESET')
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', ctx.clock.now())
    .executeTakeFirst()
  if (found === undefined) throw badToken()
  const account = await getAccount(ctx, found.accountId)
  assertPasswordFor(account, password, 'password')
  return { account, passwordHash: await passwords.hash(password) }
}

/**
 * Sets the password of the account that the token was sent to, and ends all its sessions. The token is good once; all others
 * of the account are over with it, also one that would change its address. In an account transaction.
 */
export async function resetPassword(
  tx: Tx,
  { token }: Pick<ResetPasswordInput, 'token'>,
  { account, passwordHash }: PreparedReset,
): Promise<void> {
  const used = await tx.sql
    .updateTable('accountToken')
    .set({ usedAt: tx.now })
    .where('hash', '=', hashSecret(token))
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', tx.now)
    .executeTakeFirst()
  if (used.numUpdatedRows === 0n) throw badToken()
  await voidTokens(tx, account.id)
  // The account before its sessions, as in `changePassword`.
  const sameAddress = await tx.sql
    .selectFrom('account')
    .select('emailVerifiedAt')
    .where('id', '=', account.id)
    .where('emailFolded', '=', account.emailFolded)
    .where('status', '=', 'ACTIVE')
    .forUpdate()
    .executeTakeFirst()
  if (sameAddress === undefined) throw badToken()
  await tx.sql
    .updateTable('account')
    .set({
      passwordHash,
      passwordChangedAt: tx.now,
      // Mail to the address has reached them.
      emailVerifiedAt: sameAddress.emailVerifiedAt ?? tx.now,
      updatedAt: tx.now,
    })
    .where('id', '=', account.id)
    .execute()
  await revokeSessions(tx, { accountId: account.id, because: 'PASSWORD_CHANGED' })
  // Whoever made the account with an address that was not theirs may have connected a sign-in of their own.
  if (sameAddress.emailVerifiedAt === null) await disconnectAll(tx, account.id)
  const { throttle, later } = accountMeansOf(tx)
  // Whoever was slowed down by somebody's guessing is let in with the new one.
  tx.onCommit(() => later('to let somebody in', () => throttle.succeeded(foldEmail(account.email), undefined)))
}

const badToken = (): AppError =>
  invalidInput([{ path: ['token'], code: 'UNKNOWN_REFERENCE', message: 'This link is over. Ask for a new one.' }])
