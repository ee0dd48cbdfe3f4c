import type { Selectable } from 'kysely'
import { requireSession, type SignedIn } from '../../platform/auth/permissions.ts'
import { json, type Tables } from '../../platform/db/tables.ts'
import { type Tx, unboundSqlOf } from '../../platform/db/transaction.ts'
import { foretellEffect } from '../../platform/foretold.ts'
import { conflict } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import type { AccountRow } from '../accounts/accounts.ts'
import { lockAccountOf } from '../accounts/confirmation.ts'
import { foldEmail } from '../accounts/model.ts'
import { type PreparedRemoval, removeAccount } from '../accounts/removal.ts'
import { emptyMember, isLastOwner } from '../workspaces/members.ts'
import { lockWorkspace } from '../workspaces/service.ts'
import { nobodyElses } from './former-addresses.ts'
import { addCounts, type Counts, countList, type Traces } from './model.ts'
import { requestErasure } from './record.ts'

/*
 * A person who signs in has themselves erased. The account goes here and now, in one transaction with the members that it
 * was, also those that have left long ago: each is an erasure of its workspace, and what named them there follows
 * (`member-work.ts`). When all of them are certified the person is told, at the address that is forgotten then
 * (`account-end.ts`).
 */

/** What is gone already, by table, and where it goes on. JSON: it is told once, for who asked is nobody afterwards. */
export interface ErasedAccount {
  readonly erasureId: string
  readonly requestedAt: string
  readonly counts: ReturnType<typeof countList>
  readonly workspaces: readonly ErasedMembership[]
}

/** An erasure of a workspace that is part of an account's. */
export type ErasedMembership = {
  readonly workspaceId: string
  readonly workspaceName: string
  readonly erasureId: string
  readonly counts: ReturnType<typeof countList>
}

/** As it stays beside the account's erasure, for the certificate. */
export type PartOfAccount = Pick<ErasedMembership, 'workspaceId' | 'erasureId'>

type MemberRow = Pick<
  Selectable<Tables['member']>,
  'id' | 'workspaceId' | 'name' | 'email' | 'emailNormalised' | 'role' | 'removedAt' | 'version'
>

/** For two seconds a session is believed without looking: what is begun in that time is told before it is looked for. */
const LOOKED_FOR_AFTER_MS = 5_000

/**
 * Erases the account of the person who is signed in. CONFLICT, naming them, for workspaces of which they are the last owner,
 * and when the password was changed since it was asked for. In an account transaction.
 */
export async function eraseAccount(tx: Tx, prepared: PreparedRemoval): Promise<ErasedAccount> {
  const person = requireSession(tx.viewer)
  const account = await lockAccountOf(tx, person, prepared)
  const members = await lockMembers(tx, person)
  const workspaces: ErasedMembership[] = []
  const formerEmails = await formerEmailsOf(tx, account, members)
  for (const { inside, workspaceName, member } of members) {
    const { erasureId, counts } = await eraseMember(inside, account, member, formerEmails)
    workspaces.push({ workspaceId: member.workspaceId, workspaceName, erasureId, counts: countList(counts) })
  }
  const counts = await removeAccount(tx, account, formerEmails)
  const erasureId = newId()
  await tx.sql
    .insertInto('accountErasure')
    .values({
      id: erasureId,
      accountId: account.id,
      email: account.email,
      formerEmails: json(formerEmails),
      requestedAt: tx.now,
      counts: json(counts),
      erasures: json(workspaces.map(({ workspaceId, erasureId }): PartOfAccount => ({ workspaceId, erasureId }))),
      nextTryAt: tx.now,
    })
    .execute()
  foretellEffect(tx, { kind: 'MAIL', to: account.email })
  return { erasureId, requestedAt: tx.now.toISOString(), counts: countList(counts), workspaces }
}

/** With what they signed in before, and what stayed with a member when that changed; without what is somebody else's by now. */
function formerEmailsOf(tx: Tx, account: AccountRow, members: readonly Membership[]): Promise<readonly string[]> {
  const emails = new Set(account.formerEmails as readonly string[])
  for (const { member } of members) if (member.emailNormalised !== null) emails.add(member.emailNormalised)
  emails.delete(account.emailFolded)
  return nobodyElses(unboundSqlOf(tx), account.id, [...emails])
}

interface Membership {
  /** The transaction in their workspace, as the member they were; from where they ask is not told to the log any more. */
  readonly inside: Tx
  readonly workspaceName: string
  readonly member: MemberRow
}

/** All members that the account was, in workspaces that are locked. Throws CONFLICT for the last owner. */
async function lockMembers(tx: Tx, { accountId, sessionId }: SignedIn): Promise<readonly Membership[]> {
  const found = await unboundSqlOf(tx)
    .selectFrom('member')
    .innerJoin('workspace', 'workspace.id', 'member.workspaceId')
    .select(['member.workspaceId', 'workspace.status'])
    .distinct()
    .where('member.accountId', '=', accountId)
    .orderBy('member.workspaceId')
    .execute()
  const memberships: Membership[] = []
  const needed: string[] = []
  for (const { workspaceId, status } of found) {
    const place = tx.within({ workspaceId, viewer: { kind: 'system' } })
    const { name: workspaceName } = await lockWorkspace(place)
    const members = await place.sql
      .selectFrom('member')
      .select(['id', 'workspaceId', 'name', 'email', 'emailNormalised', 'role', 'removedAt', 'version'])
      .where('accountId', '=', accountId)
      .orderBy('id')
      .forUpdate()
      .execute()
    for (const member of members) {
      if (status === 'ACTIVE' && (await isLastOwner(place, member))) needed.push(workspaceName)
      const viewer = {
        kind: 'member',
        memberId: member.id,
        accountId,
        sessionId,
        name: '',
        permissions: new Set<never>(),
      } as const
      memberships.push({
        inside: tx.within({ workspaceId, viewer, origin: { requestId: tx.origin.requestId } }),
        workspaceName,
        member,
      })
    }
  }
  if (needed.length > 0) {
    const message = `You are the last owner of ${needed.join(', ')}. Make somebody else an owner first.`
    throw conflict('ILLEGAL_TRANSITION', message)
  }
  return memberships
}

async function eraseMember(
  tx: Tx,
  account: AccountRow,
  member: MemberRow,
  formerEmails: readonly string[],
): Promise<{ readonly erasureId: string; readonly counts: Counts }> {
  const emails = [account.emailFolded, ...formerEmails]
  const asWritten = [account.email, member.email].filter((email) => email !== null)
  const emptied = await emptyMember(tx, member, account.emailFolded)
  // Not by name: what is stored of a request names a member by id, and a name stands in much that is not theirs.
  const theirs = asWritten.filter((email) => emails.includes(foldEmail(email)))
  const traces: Traces = { emails: [...new Set([...emails, ...theirs])], phones: [], names: [] }
  const erasureId = await requestErasure(tx, {
    subject: { kind: 'member', id: member.id },
    traces,
    counts: emptied,
    nextTryAt: new Date(tx.now.getTime() + LOOKED_FOR_AFTER_MS),
  })
  return { erasureId, counts: addCounts(emptied, { member: 1 }) }
}

/** The certificate of an account's erasure: ids and figures, each workspace with the digest of its own. */
export interface CertifiedAccount {
  readonly id: string
  readonly accountId: string
  readonly requestedAt: Date
  readonly finishedAt: Date
  readonly counts: Counts
  readonly workspaces: readonly (PartOfAccount & { readonly counts: Counts; readonly digest: string })[]
}

export const documentOfAccount = (certified: CertifiedAccount): string =>
  JSON.stringify({
    erasure: encodeId('account_erasure', certified.id),
    account: encodeId('account', certified.accountId),
    requestedAt: certified.requestedAt.toISOString(),
    finishedAt: certified.finishedAt.toISOString(),
    counts: countList(certified.counts),
    workspaces: certified.workspaces.map(({ workspaceId, erasureId, counts, digest }) => ({
      workspace: encodeId('workspace', workspaceId),
      erasure: encodeId('erasure', erasureId),
      counts: countList(counts),
      digest,
    })),
  })
