// Whose account it is that an issuer of OpenID Connect vouches for.
//
// What counts is who the issuer says somebody is (`sub`), which was connected to an account once. An e-mail address is not
// who somebody is: it can be claimed at an issuer that confirms none, and an account here may have been made with an address
// of somebody else's. So:
//
//   known                       its account
//   the address is unconfirmed  nobody, whatever it is
//   an account has the address  nobody until its owner signs in and connects the two; or, where the setting says so, that
//                               account, and where it had not confirmed the address itself with no password and no
//                               session that anybody had before
//   no account has it           a new account, where people may sign up by themselves or an invite waits for the address

import type { Claims } from '../../platform/auth/issuer.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { AppError, conflict, isAppError } from '../../platform/lib/errors.ts'
import { createAccount } from './accounts.ts'
import { emailAddress, foldEmail, personName } from './model.ts'
import { revokeSessions } from './sessions.ts'
import { voidTokens } from './tokens.ts'

export interface IdentityPolicy {
  /** What people call the issuer. */
  readonly issuerName: string
  readonly linkByEmail: boolean
  /** Whether this person may have an account: people sign up by themselves, or `isInvited`. */
  readonly mayJoin: boolean
}

const refused = (message: string): AppError => new AppError('FORBIDDEN', message)

const SUSPENDED = 'This account is suspended.'

/** The active account that an issuer's person was connected to before; undefined for nobody's. FORBIDDEN where it is suspended. */
export async function findAccountOf(tx: Pick<Tx, 'sql'>, { issuer, subject }: Claims): Promise<string | undefined> {
  const known = await tx.sql
    .selectFrom('accountIdentity')
    .innerJoin('account', 'account.id', 'accountIdentity.accountId')
    .select(['account.id', 'account.status'])
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
  if (known !== undefined && known.status !== 'ACTIVE') throw refused(SUSPENDED)
  return known?.id
}

/**
 * The account of somebody whom the issuer vouches for, connected or made now where that may be. FORBIDDEN, in words for that
 * person, where it may not. In an account transaction.
 */
export async function accountOf(tx: Tx, claims: Claims, policy: IdentityPolicy): Promise<string> {
  const known = await findAccountOf(tx, claims)
  if (known !== undefined) return known
  const { issuerName } = policy
  const email = emailAddress.safeParse(claims.email)
  if (!claims.emailVerified || !email.success) {
    throw refused(
      `${issuerName} does not say that your e-mail address is yours. Confirm it there and come back, or sign in here with your password and connect ${issuerName} on your account’s page.`,
    )
  }
  const emailFolded = foldEmail(email.data)
  const account = await tx.sql
    .selectFrom('account')
    .select(['id', 'status', 'emailVerifiedAt'])
    .where('emailFolded', '=', emailFolded)
    .forUpdate()
    .executeTakeFirst()
  if (account !== undefined) {
    // It may have been made for the same person a moment ago: the lock was waited for.
    const meanwhile = await findAccountOf(tx, claims)
    if (meanwhile !== undefined) return meanwhile
    if (account.status !== 'ACTIVE') throw refused(SUSPENDED)
    if (!policy.linkByEmail) {
      throw refused(
        `There is an account with your e-mail address already. Sign in with its password, and connect ${issuerName} on your account’s page.`,
      )
    }
    if (account.emailVerifiedAt === null) await takeOver(tx, account.id)
    await connect(tx, account.id, claims)
    return account.id
  }
  if (!policy.mayJoin) {
    throw refused('Nobody has an account here who was not invited. Ask an owner of the workspace for an invite.')
  }
  const name = personName.safeParse(claims.name)
  const { id } = await createAccount(tx, {
    email: email.data,
    name: name.success ? name.data : email.data,
    passwordHash: null,
    emailVerified: true,
  })
  await connect(tx, id, claims)
  return id
}

/**
 * Connects an issuer's person to an account that is signed in; again is fine. CONFLICT where that person is connected to
 * another account. In an account transaction.
 */
export async function connectIdentity(tx: Tx, accountId: string, claims: Claims): Promise<void> {
  const known = await findAccountOf(tx, claims)
  if (known === accountId) return
  if (known !== undefined) throw conflict('DUPLICATE', 'This sign-in belongs to another account here.')
  await connect(tx, accountId, claims)
}

async function connect(tx: Tx, accountId: string, { issuer, subject }: Claims): Promise<void> {
  const made = await tx.sql
    .insertInto('accountIdentity')
    .values({ issuer, subject, accountId, createdAt: tx.now })
    .onConflict((taken) => taken.columns(['issuer', 'subject']).doNothing())
    .returning('accountId')
    .executeTakeFirst()
  if (made === undefined) throw conflict('DUPLICATE', 'This sign-in was connected a moment ago.')
}

/** No issuer leads to the account any more. */
export async function disconnectAll(tx: Tx, accountId: string): Promise<void> {
  await tx.sql.deleteFrom('accountIdentity').where('accountId', '=', accountId).execute()
}

/** Whoever had made the account with an address that was not theirs has nothing of it any more. */
async function takeOver(tx: Tx, accountId: string): Promise<void> {
  await revokeSessions(tx, { accountId, because: 'PASSWORD_CHANGED' })
  await disconnectAll(tx, accountId)
  await voidTokens(tx, accountId)
  await tx.sql
    .updateTable('account')
    .set({ passwordHash: null, passwordChangedAt: tx.now, emailVerifiedAt: tx.now, updatedAt: tx.now })
    .where('id', '=', accountId)
    .execute()
}

/** Whether an invite of some workspace waits for the address that the issuer has confirmed. */
export async function isInvited({ db, clock }: Pick<Ctx, 'db' | 'clock'>, claims: Claims): Promise<boolean> {
  const email = emailAddress.safeParse(claims.email)
  if (!claims.emailVerified || !email.success) return false
  const invite = await db.systemSql
    .selectFrom('invite')
    .select('id')
    .where('emailFolded', '=', foldEmail(email.data))
    .where('acceptedAt', 'is', null)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', clock.now())
    .limit(1)
    .executeTakeFirst()
  return invite !== undefined
}

/** Of two that come back at the same moment one finds what the other has made. */
export async function onceMore<Result>(attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await attempt()
  } catch (err) {
    if (isAppError(err) && err.code === 'CONFLICT') return await attempt()
    throw err
  }
}
