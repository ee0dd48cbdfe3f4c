// Another e-mail address for an account.
//
// Whoever asks knows the password, and whoever follows the link has the mailbox: only both together change what somebody
// signs in with. Nothing is looked up about the new address before the answer, so nobody learns here who has an account. The
// old address is told when it is done. An issuer's people are known by their subject and not by an address: they stay connected.

import { sql } from 'kysely'
import { accountMeansOf } from '../../platform/auth/account-means.ts'
import { createSecret, hashSecret, looksLikeSecret } from '../../platform/auth/secret-token.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { foretellEffect } from '../../platform/foretold.ts'
import { type AppError, conflict, invalidInput } from '../../platform/lib/errors.ts'
import { plainName } from '../mail/plain-name.ts'
import { followAddress } from '../workspaces/addresses.ts'
import { type AccountRow, findAccountByEmail, getAccount, holdAccount } from './accounts.ts'
import { assertOwnPassword } from './confirmation.ts'
import type { RequestEmailChangeInput } from './inputs.ts'
import { EMAIL_TOKEN_MS, foldEmail } from './model.ts'
import { revokeSessions } from './sessions.ts'
import { voidTokens } from './tokens.ts'

export interface PreparedEmailChange {
  readonly ctx: Ctx
  readonly account: AccountRow
}

/** INVALID_INPUT for a wrong password and for the address that the account has; LIMIT_EXCEEDED as for `changePassword`. */
export async function prepareEmailChange(
  ctx: Ctx,
  accountId: string,
  { email, currentPassword }: RequestEmailChangeInput,
): Promise<PreparedEmailChange> {
  const account = await getAccount(ctx, accountId)
  if (foldEmail(email) === account.emailFolded) {
    throw invalidInput([{ path: ['email'], code: 'DUPLICATE', message: 'This is your address already.' }])
  }
  await accountMeansOf(ctx).throttle.ask(ctx.origin.address)
  await assertOwnPassword(ctx, account, currentPassword, 'currentPassword')
  return { ctx, account }
}

/** Has a mail sent to the new address after the commit: a link, or where it has an account a note. In an account transaction. */
export function requestEmailChange(
  tx: Tx,
  { email }: Pick<RequestEmailChangeInput, 'email'>,
  prepared: PreparedEmailChange,
): void {
  foretellEffect(tx, { kind: 'MAIL', to: email })
  const { later } = accountMeansOf(tx)
  tx.onCommit(() => later('a change of an e-mail address', () => mailNewAddress(prepared, email)))
}

async function mailNewAddress({ ctx, account }: PreparedEmailChange, email: string): Promise<void> {
  const means = accountMeansOf(ctx)
  if (!(await means.throttle.mayMail(foldEmail(email)))) return
  const { plain, hash } = createSecret('email')
  const taken = await findAccountByEmail(ctx, email)
  const stored = await replaceToken(ctx, account, taken === undefined ? { hash, email } : undefined)
  if (taken !== undefined) {
    const body = [
      `Hello ${plainName(taken.name)},`,
      'somebody wanted to use this address for another account on Cadre. It has an account already, and nothing was changed.',
      'If it was you, sign in with this address. If not, there is nothing to do.',
    ].join('\n\n')
    const to = { name: taken.name, address: taken.email }
    const link = `${means.publicUrl()}/sign-in`
    means.mail({ key: `email-${hash.slice(0, 40)}`, to, subject: 'Your address on Cadre', body, link })
    return
  }
  if (!stored) return
  const link = `${means.publicUrl()}/confirm-email?token=${plain}`
  const body = [
    `Hello ${plainName(account.name)},`,
    'here you make this the e-mail address of your account on Cadre, within an hour:',
    link,
    'If you did not ask for this, do nothing: nobody signs in with this address then.',
  ].join('\n\n')
  const to = { name: account.name, address: email }
  means.mail({ key: `email-${hash.slice(0, 40)}`, to, subject: 'Confirm your address on Cadre', body, link })
}

/**
 * One change waits for an account, the newest: the link of before is over, also where there is no other one, for that would
 * tell whose address is taken. False where the password that was given is not the account's any more.
 */
const replaceToken = (
  ctx: Ctx,
  account: AccountRow,
  next: { readonly hash: string; readonly email: string } | undefined,
): Promise<boolean> =>
  ctx.db.inAccountTransaction(ctx, async (tx) => {
    if (!(await holdAccount(tx, account, 'passwordHash', 'forNoKeyUpdate'))) return false
    await voidTokens(tx, account.id, 'EMAIL')
    if (next === undefined) return true
    const { hash, email } = next
    await tx.sql
      .insertInto('accountToken')
      .values({
        hash,
        accountId: account.id,
        purpose: 'EMAIL',
        email,
        createdAt: tx.now,
        expiresAt: new Date(tx.now.getTime() + EMAIL_TOKEN_MS),
      })
      .execute()
    return true
  })

/**
 * Gives the account the address that the token was mailed to, and ends its sessions but the one that asks. The token is good
 * once; all others of the account with it. INVALID_INPUT for one that is not good (any more), CONFLICT where the address
 * has an account by now. In an account transaction.
 */
export async function confirmEmailChange(
  tx: Tx,
  token: string,
): Promise<{ readonly accountId: string; readonly email: string }> {
  if (!looksLikeSecret('email', token)) throw badToken()
  // The account before members and sessions, as in `changePassword`: of two changes at once the second one sees the first.
  const found = await tx.sql
    .selectFrom('accountToken')
    .innerJoin('account', 'account.id', 'accountToken.accountId')
    .select(['accountToken.accountId', 'accountToken.email as newEmail', 'account.email', 'account.emailFolded'])
    .select('account.name')
    .where('accountToken.hash', '=', hashSecret(token))
    .where('accountToken.purpose', '=', 'EMAIL')
    .where('accountToken.usedAt', 'is', null)
    .where('accountToken.expiresAt', '>', tx.now)
    .where('account.status', '=', 'ACTIVE')
    .forUpdate(['accountToken', 'account'])
    .executeTakeFirst()
  if (found === undefined || found.newEmail === null) throw badToken()
  const { accountId, newEmail } = found
  const emailFolded = foldEmail(newEmail)
  const taken = await tx.sql
    .selectFrom('account')
    .select('id')
    .where('emailFolded', '=', emailFolded)
    .executeTakeFirst()
  if (taken !== undefined) throw conflict('DUPLICATE', 'There is an account with this e-mail address already.')
  await followAddress(tx, { accountId, from: found.emailFolded, to: { email: newEmail, emailNormalised: emailFolded } })
  // A sign-up with the same address at this moment is the database's to refuse: one of the two, which is a CONFLICT.
  await tx.sql
    .updateTable('account')
    .set({
      email: newEmail,
      emailFolded,
      formerEmails: sql`(former_emails - email_folded - ${emailFolded}::text) || to_jsonb(email_folded)`,
      emailVerifiedAt: tx.now,
      updatedAt: tx.now,
    })
    .where('id', '=', accountId)
    .execute()
  await voidTokens(tx, accountId)
  const { viewer } = tx
  const own = 'sessionId' in viewer && viewer.accountId === accountId ? viewer.sessionId : undefined
  await revokeSessions(tx, { accountId, except: own, because: 'EMAIL_CHANGED' })
  tellOldAddress(tx, { name: found.name, address: found.email }, newEmail, hashSecret(token))
  return { accountId, email: newEmail }
}

function tellOldAddress(
  tx: Tx,
  to: { readonly name: string; readonly address: string },
  newEmail: string,
  hash: string,
): void {
  const { mail, publicUrl } = accountMeansOf(tx)
  const body = [
    `Hello ${plainName(to.name)},`,
    `you sign in to Cadre with ${newEmail} from now on, and no more with this address.`,
    'If this was not you, somebody knows your password: tell whoever runs the server at once.',
  ].join('\n\n')
  foretellEffect(tx, { kind: 'MAIL', to: to.address })
  const link = `${publicUrl()}/sign-in`
  tx.onCommit(() =>
    mail({ key: `moved-${hash.slice(0, 40)}`, to, subject: 'Your address on Cadre was changed', body, link }),
  )
}

const badToken = (): AppError =>
  invalidInput([{ path: ['token'], code: 'UNKNOWN_REFERENCE', message: 'This link is over. Ask for a new one.' }])
