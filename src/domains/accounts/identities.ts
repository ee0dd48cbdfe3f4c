// Whose account it is that an issuer of OpenID Connect vouches for.
//
// What counts is who the issuer says somebody is (`sub`), which was connected to an account once. An e-mail address is not
// who somebody is: it can be claimed at an issuer that confirms none, an account here may have been made with an address of
// somebody else's, and an address is given to another person when the first one has left. So:
//
//   known                       its account
//   the address is unconfirmed  nobody, whatever it is
//   an account has the address  nobody until its owner signs in as before and connects the two; or, where the setting says
//                               so, that account, if there is no such way: no password, and nobody of this issuer
//   no account has it           a new account, where people may sign up by themselves or an invite waits for the address

import type { Claims } from '../../platform/auth/issuer.ts'
import type { SignedIn } from '../../platform/auth/permissions.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { AppError, conflict, isAppError } from '../../platform/lib/errors.ts'
import { newId } from '../../platform/lib/ids.ts'
import { createAccount } from './accounts.ts'
import { type ConfirmedPerson, lockAccountOf } from './confirmation.ts'
import { emailAddress, foldEmail, personName } from './model.ts'

export interface IdentityPolicy {
  /** What people call the issuer. */
  readonly issuerName: string
  readonly linkByEmail: boolean
  /** Whether this person may have an account: people sign up by themselves, or `isInvited`. */
  readonly mayJoin: boolean
}

/** An issuer's person, connected to an account. */
export interface ConnectedIdentity {
  readonly id: string
  readonly accountId: string
}

const refused = (message: string): AppError => new AppError('FORBIDDEN', message)

const SUSPENDED = 'This account is suspended.'

/** There is an account with the person's address, to which only its owner connects them. */
export class AccountIsThere extends AppError {
  constructor(issuerName: string) {
    super(
      'FORBIDDEN',
      `There is an account with your e-mail address already, and an address alone does not prove that it is yours. Sign in as you did before, or have a new password mailed to you, and connect ${issuerName} on your account’s page. You do this once.`,
    )
  }
}

/** Whom an issuer's person was connected to before; undefined for nobody. FORBIDDEN where that account is suspended. */
export async function findIdentity(
  { sql }: Pick<Tx, 'sql'>,
  { issuer, subject }: Claims,
): Promise<ConnectedIdentity | undefined> {
  const known = await sql
    .selectFrom('accountIdentity')
    .innerJoin('account', 'account.id', 'accountIdentity.accountId')
    .select(['accountIdentity.id', 'accountIdentity.accountId', 'account.status'])
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
  if (known !== undefined && known.status !== 'ACTIVE') throw refused(SUSPENDED)
  return known
}

/**
 * The account of somebody whom the issuer vouches for, connected or made now where that may be. FORBIDDEN, in words for that
 * person, where it may not. In an account transaction.
 */
export async function identityOf(tx: Tx, claims: Claims, policy: IdentityPolicy): Promise<ConnectedIdentity> {
  const known = await findIdentity(tx, claims)
  if (known !== undefined) return known
  const { issuerName } = policy
  const email = emailAddress.safeParse(claims.email)
  if (!claims.emailVerified || !email.success) {
    throw refused(
      `${issuerName} does not say that your e-mail address is yours. Confirm it there and come back, or sign in here with your password and connect ${issuerName} on your account’s page.`,
    )
  }
  const account = await tx.sql
    .selectFrom('account')
    .select(['id', 'status', 'emailVerifiedAt', 'passwordHash'])
    .where('emailFolded', '=', foldEmail(email.data))
    .forUpdate()
    .executeTakeFirst()
  if (account !== undefined) {
    // It may have been made for the same person a moment ago: the lock was waited for.
    const meanwhile = await findIdentity(tx, claims)
    if (meanwhile !== undefined) return meanwhile
    if (account.status !== 'ACTIVE') throw refused(SUSPENDED)
    const isReached = account.passwordHash !== null || (await isConnected(tx, account.id, claims.issuer))
    if (!policy.linkByEmail || isReached || account.emailVerifiedAt === null) throw new AccountIsThere(issuerName)
    return await connect(tx, account.id, claims)
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
  return await connect(tx, id, claims)
}

async function isConnected(tx: Tx, accountId: string, issuer: string): Promise<boolean> {
  const known = await tx.sql
    .selectFrom('accountIdentity')
    .select('id')
    .where('accountId', '=', accountId)
    .where('issuer', '=', issuer)
    .limit(1)
    .executeTakeFirst()
  return known !== undefined
}

/**
 * Connects an issuer's person to the account of who is signed in and was confirmed before they went to the issuer; again is
 * fine. UNAUTHENTICATED where their session or account does not stand any more, CONFLICT where the password was changed
 * meanwhile, and where that person is connected to another account. In an account transaction.
 */
export async function connectIdentity(
  tx: Tx,
  person: Pick<SignedIn, 'accountId' | 'sessionId'>,
  confirmed: ConfirmedPerson,
  claims: Claims,
): Promise<void> {
  const { id: accountId } = await lockAccountOf(tx, person, confirmed)
  const known = await findIdentity(tx, claims)
  if (known?.accountId === accountId) return
  if (known !== undefined) throw conflict('DUPLICATE', 'This sign-in belongs to another account here.')
  await connect(tx, accountId, claims)
}

/** What people know the person by whom an issuer vouches for; undefined where it does not say. */
export const labelOf = ({ email, name }: Claims): string | undefined => email ?? name

async function connect(tx: Tx, accountId: string, claims: Claims): Promise<ConnectedIdentity> {
  const { issuer, subject } = claims
  const id = newId()
  const made = await tx.sql
    .insertInto('accountIdentity')
    .values({ id, issuer, subject, accountId, label: labelOf(claims) ?? null, createdAt: tx.now })
    .onConflict((taken) => taken.columns(['issuer', 'subject']).doNothing())
    .returning('id')
    .executeTakeFirst()
  if (made === undefined) throw conflict('DUPLICATE', 'This sign-in was connected a moment ago.')
  return { id, accountId }
}

/**
 * Notes that somebody signs in by it, and holds it until the transaction ends: a session that is opened meanwhile is among
 * those that end when it is disconnected. FORBIDDEN where it was disconnected a moment ago. In an account transaction.
 */
export async function useIdentity(tx: Tx, { id, accountId }: ConnectedIdentity, claims: Claims): Promise<void> {
  const label = labelOf(claims)
  const used = await tx.sql
    .updateTable('accountIdentity')
    .set({ lastUsedAt: tx.now, ...(label === undefined ? {} : { label }) })
    .where('id', '=', id)
    .where('accountId', '=', accountId)
    .executeTakeFirst()
  if (used.numUpdatedRows === 0n) throw refused('This sign-in was disconnected from its account a moment ago.')
}

/** No issuer leads to the account any more. */
export async function disconnectAll(tx: Tx, accountId: string): Promise<void> {
  await tx.sql.deleteFrom('accountIdentity').where('accountId', '=', accountId).execute()
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
