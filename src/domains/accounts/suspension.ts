/*
 * Suspending an account: whoever runs the server shuts a person out, everywhere and until they say otherwise. What holds a
 * request in asks for the account with it (`platform/auth`), so nothing of the person's has to be rewritten, and their keys
 * work again once they are restored. Their sessions are over for good.
 */

import { sql } from 'kysely'
import type { Ctx } from '../../platform/context.ts'
import { type Tx, unboundSqlOf } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { notFound } from '../../platform/lib/errors.ts'
import { memberEvents } from '../workspaces/events.ts'
import { revokeInvitesOf } from '../workspaces/invites.ts'
import type { AccountRow } from './accounts.ts'
import { foldEmail } from './model.ts'
import { revokeSessions } from './sessions.ts'
import { voidTokens } from './tokens.ts'

export interface WorkspaceName {
  readonly slug: string
  readonly name: string
}

export interface Suspended {
  readonly email: string
  /** False where the account was suspended already, and nothing was changed. */
  readonly changed: boolean
  /** The workspaces of the account that have no owner who may do anything. */
  readonly ownerless: readonly WorkspaceName[]
}

/**
 * Suspends the account of an e-mail address: its sessions end, its keys and links do nothing, nobody logs in to it, and whom it
 * has invited cannot come in its place. NOT_FOUND where there is none. In an account transaction, by the system.
 */
export async function suspendAccount(tx: Tx, email: string): Promise<Suspended> {
  const account = await accountToChange(tx, email)
  if (account.status !== 'ACTIVE')
    return { email: account.email, changed: false, ownerless: await ownerless(tx, account) }
  const shutOut = async () => {
    for (const { inside, memberId } of await tellInEachWorkspace(tx, account, 'suspended')) {
      await revokeInvitesOf(inside, memberId)
    }
  }
  // Members before sessions before the account, as `lockCaller` takes them: neither waits for the other in a ring.
  await shutOut()
  await revokeSessions(tx, { accountId: account.id, because: 'SUSPENDED' })
  await voidTokens(tx, account.id)
  await setStatus(tx, account, 'SUSPENDED')
  // Whoever joined at this moment held the session or the account until they were a member.
  await shutOut()
  return { email: account.email, changed: true, ownerless: await ownerless(tx, account) }
}

/** Restores the account: it logs in again, and its keys that were not revoked do again what they did. NOT_FOUND as above. */
export async function restoreAccount(tx: Tx, email: string): Promise<Omit<Suspended, 'ownerless'>> {
  const account = await accountToChange(tx, email)
  if (account.status === 'ACTIVE') return { email: account.email, changed: false }
  await tellInEachWorkspace(tx, account, 'restored')
  // One may have been opened at the moment of suspending: it must not come alive now.
  await revokeSessions(tx, { accountId: account.id, because: 'SUSPENDED' })
  await setStatus(tx, account, 'ACTIVE')
  return { email: account.email, changed: true }
}

type Account = Pick<AccountRow, 'id' | 'email' | 'status'>

/** One change at a time: of two at once the second one sees what the first has done. */
async function accountToChange(tx: Tx, email: string): Promise<Account> {
  await sql`select pg_advisory_xact_lock(hashtextextended('account status', 0))`.execute(tx.sql)
  const account = await tx.sql
    .selectFrom('account')
    .select(['id', 'email', 'status'])
    .where('emailFolded', '=', foldEmail(email))
    .executeTakeFirst()
  if (account === undefined) throw notFound('Account')
  return account
}

const setStatus = (tx: Tx, { id }: Account, status: 'ACTIVE' | 'SUSPENDED') =>
  tx.sql.updateTable('account').set({ status, updatedAt: tx.now }).where('id', '=', id).execute()

interface Membership {
  /** The transaction in their workspace. */
  readonly inside: Tx
  readonly memberId: string
}

/** Workspaces cannot read accounts: what they see of it stands with the member, and in the log. */
async function tellInEachWorkspace(
  tx: Tx,
  { id: accountId }: Account,
  what: 'suspended' | 'restored',
): Promise<readonly Membership[]> {
  const { type } = memberEvents[what]
  const suspendedAt = what === 'suspended' ? tx.now : null
  const members = await unboundSqlOf(tx)
    .updateTable('member')
    .set((eb) => ({ suspendedAt, version: eb('version', '+', 1), updatedAt: tx.now }))
    .where('accountId', '=', accountId)
    .where('removedAt', 'is', null)
    .where('suspendedAt', suspendedAt === null ? 'is not' : 'is', null)
    .returning(['workspaceId', 'id', 'version'])
    .execute()
  return members.map(({ workspaceId, id: memberId, version }) => {
    const inside = tx.within({ workspaceId })
    appendEvents(inside, [{ type, subject: { kind: 'member', id: memberId }, subjectVersion: version }])
    return { inside, memberId }
  })
}

/** Where the account is an owner, and every other owner is suspended as well. */
const ownerless = (tx: Tx, { id: accountId }: Account): Promise<WorkspaceName[]> =>
  unboundSqlOf(tx)
    .selectFrom('member')
    .innerJoin('workspace', 'workspace.id', 'member.workspaceId')
    .select(['workspace.slug', 'workspace.name'])
    .where('member.accountId', '=', accountId)
    .where('member.role', '=', 'OWNER')
    .where('member.removedAt', 'is', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('member as other')
            .leftJoin('account', 'account.id', 'other.accountId')
            .select('other.id')
            .whereRef('other.workspaceId', '=', 'member.workspaceId')
            .where('other.role', '=', 'OWNER')
            .where('other.removedAt', 'is', null)
            .where((eb) => eb.or([eb('other.accountId', 'is', null), eb('account.status', '=', 'ACTIVE')])),
        ),
      ),
    )
    .orderBy('workspace.slug')
    .execute()

export interface ListedAccount {
  readonly email: string
  readonly name: string
  readonly status: string
  readonly createdAt: Date
  /** When a session was last used; null for who has never been signed in, of late. */
  readonly lastUsedAt: Date | null
  readonly workspaces: readonly { readonly slug: string; readonly role: string }[]
}

/** Every account of the server by its address, with the workspaces it belongs to. */
export async function listAccounts({ db }: Pick<Ctx, 'db'>): Promise<ListedAccount[]> {
  const [accounts, members] = await Promise.all([
    db.systemSql
      .selectFrom('account')
      .leftJoin('session', 'session.accountId', 'account.id')
      .select(['account.id', 'account.email', 'account.name', 'account.status', 'account.createdAt'])
      .select(({ fn }) => fn.max('session.lastUsedAt').as('lastUsedAt'))
      .groupBy('account.id')
      .orderBy('account.emailFolded')
      .execute(),
    db.systemSql
      .selectFrom('member')
      .innerJoin('workspace', 'workspace.id', 'member.workspaceId')
      .select(['member.accountId', 'member.role', 'workspace.slug'])
      .where('member.accountId', 'is not', null)
      .where('member.removedAt', 'is', null)
      .orderBy('workspace.slug')
      .execute(),
  ])
  const workspacesOf = new Map<string, { slug: string; role: string }[]>(accounts.map(({ id }) => [id, []]))
  for (const { accountId, slug, role } of members) workspacesOf.get(accountId ?? '')?.push({ slug, role })
  return accounts.map(({ id, ...account }) => ({ ...account, workspaces: workspacesOf.get(id) ?? [] }))
}
