import type { Selectable } from 'kysely'
import { accountMeansOf } from '../../platform/auth/account-means.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { type AppError, conflict, invalidInput, unauthenticated } from '../../platform/lib/errors.ts'
import { newId } from '../../platform/lib/ids.ts'
import { foldEmail, refusalOfPassword } from './model.ts'

export type AccountRow = Selectable<Tables['account']>

export interface NewAccount {
  /** As written; `emailAddress` has taken it. */
  readonly email: string
  readonly name: string
  /** What `Passwords.hash` made; null for who signs in elsewhere. */
  readonly passwordHash: string | null
  /** Whether it is known that mail to the address reaches them. */
  readonly emailVerified: boolean
}

/** Makes an account. CONFLICT for an e-mail address that has one. In an account transaction. */
export async function createAccount(tx: Tx, input: NewAccount): Promise<{ readonly id: string }> {
  const id = newId()
  const made = await tx.sql
    .insertInto('account')
    .values({
      id,
      email: input.email,
      emailFolded: foldEmail(input.email),
      emailVerifiedAt: input.emailVerified ? tx.now : null,
      name: input.name,
      passwordHash: input.passwordHash,
      passwordChangedAt: input.passwordHash === null ? null : tx.now,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .onConflict((taken) => taken.column('emailFolded').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (made === undefined) throw conflict('DUPLICATE', 'There is an account with this e-mail address already: log in.')
  return { id }
}

/** The account of an e-mail address, however it is written; also one that is suspended. */
export const findAccountByEmail = (ctx: Pick<Ctx, 'db'>, email: string): Promise<AccountRow | undefined> =>
  ctx.db.systemSql.selectFrom('account').selectAll().where('emailFolded', '=', foldEmail(email)).executeTakeFirst()

/** The account, also one that is suspended. UNAUTHENTICATED for one that is not there any more. */
export async function getAccount(ctx: Pick<Ctx, 'db'>, accountId: string): Promise<AccountRow> {
  const account = await ctx.db.systemSql
    .selectFrom('account')
    .selectAll()
    .where('id', '=', accountId)
    .executeTakeFirst()
  if (account === undefined) throw unauthenticated()
  return account
}

/** One answer for whatever is wrong: who has an account here is nobody else's business. */
export const wrongCredentials = (): AppError => unauthenticated('The e-mail address or the password is wrong.')

/**
 * The account that a person names by their e-mail address and password. UNAUTHENTICATED, in the same words and after the
 * same work, for an address without an account, a wrong password, and an account that is suspended or has no password.
 * LIMIT_EXCEEDED after five of them in fifteen minutes, UNAVAILABLE when too many sign in at this moment. Not to be called
 * in a transaction: it takes its time.
 */
export async function checkPassword(
  ctx: Ctx,
  { email, password }: { readonly email: string; readonly password: string },
): Promise<AccountRow> {
  const { passwords, throttle } = accountMeansOf(ctx)
  const folded = foldEmail(email)
  await throttle.attempt(folded, ctx.origin.address)
  const account = await findAccountByEmail(ctx, folded)
  const right = await passwords.verify(account?.passwordHash, password)
  if (!right || account === undefined || account.status !== 'ACTIVE') throw wrongCredentials()
  await throttle.succeeded(folded, ctx.origin.address)
  return account
}

/**
 * Whether an account is ACTIVE and still has the password, or the address, that it was read with. Its row is held until the
 * transaction ends: for who only needs it to stay so (`forShare`), or for one at a time (`forNoKeyUpdate`). In an account
 * transaction.
 */
export async function holdAccount(
  tx: Tx,
  account: AccountRow,
  unchanged: 'passwordHash' | 'emailFolded',
  lock: 'forShare' | 'forNoKeyUpdate',
): Promise<boolean> {
  const still = await tx.sql
    .selectFrom('account')
    .select('id')
    .where('id', '=', account.id)
    .where('status', '=', 'ACTIVE')
    .where(unchanged, '=', account[unchanged])
    [lock]()
    .executeTakeFirst()
  return still !== undefined
}

/** Throws INVALID_INPUT for a password that is too easy to guess for this person. */
export function assertPasswordFor(
  person: { readonly email: string; readonly name: string },
  password: string,
  field: string,
): void {
  const message = refusalOfPassword(password, person)
  if (message !== undefined) throw invalidInput([{ path: [field], code: 'NOT_ALLOWED', message }])
}

/** Changes what is given of an account. In an account transaction. */
export async function updateAccount(
  tx: Tx,
  accountId: string,
  { name }: { readonly name?: string | undefined },
): Promise<void> {
  if (name === undefined) return
  await tx.sql.updateTable('account').set({ name, updatedAt: tx.now }).where('id', '=', accountId).execute()
}
