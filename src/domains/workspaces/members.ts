import { sql } from 'kysely'
import { type Caller, lockCaller, requireHeld } from '../../platform/auth/caller.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { conflict, notFound } from '../../platform/lib/errors.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { ERASED } from '../erasures/model.ts'
import { emptyKeysOfMember, revokeKeysOfMember } from '../keys/service.ts'
import { memberEvents } from './events.ts'
import { emptyInvitesFor, revokeInvitesOf } from './invites.ts'
import type { RemoveMemberInput, UpdateMemberInput } from './model.ts'
import { lockWorkspace } from './service.ts'

/*
 * Who is in the workspace, and as what. Each verb takes the workspace's row first: of two that would take the last two
 * owners away at once, the second one sees what the first has left.
 */

/**
 * Changes what is given of a member. Needs MEMBERS_WRITE, and OWNERS_WRITE to make an owner or to change one. Their keys
 * may what the new role holds within two seconds. CONFLICT for a stale `ifVersion`, for the last owner's role, and for a
 * member who was removed.
 */
export async function updateMember(tx: Tx, input: UpdateMemberInput): Promise<{ readonly id: string }> {
  await lockWorkspace(tx)
  const caller = await lockCaller(tx, 'MEMBERS_WRITE')
  const member = await lockMember(tx, caller, input)
  const { id, name, role } = input
  if (member.removedAt !== null) {
    throw conflict('CLOSED', 'This member was removed and does not change any more.', nodeOf(member))
  }
  if (role === 'OWNER') requireHeld(caller, 'OWNERS_WRITE')
  const changes = changesBetween({ ...member }, { name, role })
  if (changes.length === 0) return { id }
  if (role !== undefined && role !== 'OWNER') await assertNotLastOwner(tx, member)
  const version = member.version + 1
  await tx.sql
    .updateTable('member')
    .set({
      ...(name === undefined ? {} : { name }),
      ...(role === undefined ? {} : { role }),
      version,
      updatedAt: tx.now,
    })
    .where('id', '=', id)
    .execute()
  appendEvents(tx, [{ type: memberEvents.updated.type, subject: nodeOf(member), subjectVersion: version, changes }])
  if (role !== undefined && role !== member.role && role !== 'OWNER') await revokeInvitesOf(tx, id)
  return { id }
}

/**
 * Removes a member and revokes their keys; what they did keeps their name. Needs MEMBERS_WRITE, and OWNERS_WRITE for an
 * owner. CONFLICT for a stale `ifVersion` and for the last owner. Removing them again changes nothing.
 */
export async function removeMember(tx: Tx, input: RemoveMemberInput): Promise<{ readonly id: string }> {
  await lockWorkspace(tx)
  const caller = await lockCaller(tx, 'MEMBERS_WRITE')
  const member = await lockMember(tx, caller, input)
  if (member.removedAt !== null) return { id: member.id }
  await end(tx, member, memberEvents.removed.type)
  return { id: member.id }
}

/**
 * Leaves the workspace, as the member who signed in; their keys are revoked, and what they did keeps their name. CONFLICT
 * for the last owner; NOT_FOUND for another workspace than the one the session is in.
 */
export async function leaveWorkspace(tx: Tx, workspaceId: string): Promise<{ readonly id: string }> {
  if (tx.viewer.kind !== 'member' || workspaceId !== tx.workspaceId) {
    throw notFound('Workspace', encodeId('workspace', workspaceId))
  }
  await lockWorkspace(tx)
  const caller = await lockCaller(tx, 'WORKSPACE_READ')
  // An owner who goes needs nobody's leave, if they are not the last.
  const own = { ...caller, permissions: new Set([...caller.permissions, 'OWNERS_WRITE' as const]) }
  const member = await lockMember(tx, own, { id: tx.viewer.memberId })
  await end(tx, member, memberEvents.left.type)
  return { id: member.id }
}

async function end(tx: Tx, member: LockedMember, type: string): Promise<void> {
  await assertNotLastOwner(tx, member)
  await depart(tx, member, type)
}

async function depart(tx: Tx, member: Pick<LockedMember, 'id' | 'version'>, type: string): Promise<void> {
  const version = member.version + 1
  await tx.sql
    .updateTable('member')
    .set({ removedAt: tx.now, suspendedAt: null, version, updatedAt: tx.now })
    .where('id', '=', member.id)
    .execute()
  const changes = changesBetween({ removedAt: null }, { removedAt: tx.now })
  appendEvents(tx, [{ type, subject: nodeOf(member), subjectVersion: version, changes }])
  await revokeKeysOfMember(tx, member.id)
  await revokeInvitesOf(tx, member.id)
}

interface LockedMember {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly removedAt: Date | null
  readonly version: number
}

/** FOR UPDATE: a key that is being made refers to the row, and comes before this or not at all. */
async function lockMember(
  tx: Tx,
  caller: Caller,
  { id, ifVersion }: { readonly id: string; readonly ifVersion?: number | null | undefined },
): Promise<LockedMember> {
  const member = await tx.sql
    .selectFrom('member')
    .select(['id', 'name', 'role', 'removedAt', 'version'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (member === undefined) throw notFound('Member', encodeId('member', id))
  if (member.role === 'OWNER') requireHeld(caller, 'OWNERS_WRITE')
  if (ifVersion != null && ifVersion !== member.version) {
    throw conflict('STALE_VERSION', `This member has changed: they are at version ${member.version}.`, nodeOf(member))
  }
  return member
}

async function assertNotLastOwner(tx: Tx, member: LockedMember): Promise<void> {
  if (!(await isLastOwner(tx, member))) return
  throw conflict('ILLEGAL_TRANSITION', 'This is the last owner. Make somebody else an owner first.', nodeOf(member))
}

/** Whether the workspace would be without an owner. The caller has the workspace's row locked. */
export async function isLastOwner(tx: Tx, member: Pick<LockedMember, 'id' | 'role' | 'removedAt'>): Promise<boolean> {
  if (member.role !== 'OWNER' || member.removedAt !== null) return false
  const other = await tx.sql
    .selectFrom('member')
    .select('id')
    .where('role', '=', 'OWNER')
    .where('removedAt', 'is', null)
    .where('id', '!=', member.id)
    // One who is suspended can do nothing for the workspace.
    .where((eb) => eb.or([eb('accountId', 'is', null), sql<boolean>`cadre_sessions.lock_account(account_id)`]))
    .limit(1)
    .executeTakeFirst()
  return other === undefined
}

/** What stands where the name of a person was who had themselves erased. */
const ERASED_MEMBER = 'Erased member'

/**
 * Makes a member nobody: they leave, if they have not, their keys are revoked and lose their names, the invites that were for
 * them their address. What they did is still told of the member. Returns the rows by table. For who erases; the caller has the
 * workspace's row locked, and has seen to its owners.
 */
export async function emptyMember(
  tx: Tx,
  member: Pick<LockedMember, 'id' | 'removedAt' | 'version'>,
  email: string,
): Promise<Readonly<Record<string, number>>> {
  const { id: memberId } = member
  if (member.removedAt === null) await depart(tx, member, memberEvents.left.type)
  const keys = await emptyKeysOfMember(tx, memberId, ERASED)
  const invites = await emptyInvitesFor(tx, { memberId, email })
  await tx.sql
    .updateTable('member')
    .set((eb) => ({
      name: ERASED_MEMBER,
      email: null,
      emailNormalised: null,
      accountId: null,
      erasedAt: tx.now,
      version: eb('version', '+', 1),
      updatedAt: tx.now,
    }))
    .where('id', '=', memberId)
    .execute()
  return { api_key: keys, invite: invites }
}

const nodeOf = ({ id }: { readonly id: string }) => ({ kind: 'member', id })
