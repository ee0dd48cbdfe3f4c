import type { Viewer } from '../../platform/auth/viewer.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { conflict, invalidInput, notFound } from '../../platform/lib/errors.ts'
import { newId } from '../../platform/lib/ids.ts'
import { normaliseEmail } from '../contacts/model.ts'
import { memberEvents } from './events.ts'
import type { CreateWorkspaceInput } from './model.ts'
import { addMember, createWorkspace, lockWorkspace } from './service.ts'

/*
 * How an account comes into a workspace: it founds one, or accepts an invite. Each is part of an account transaction, which
 * is the system's; in the log of the workspace the new member speaks for themselves.
 */

/** The person who joins. */
export interface Joining {
  readonly accountId: string
  readonly name: string
  readonly email: string
}

export interface Joined {
  readonly workspaceId: string
  readonly memberId: string
}

/** Founds a workspace, with the account as its owner. CONFLICT for a slug that is taken. */
export async function foundWorkspace(tx: Tx, who: Joining, input: CreateWorkspaceInput): Promise<Joined> {
  const workspaceId = newId()
  const inside = tx.within({ workspaceId, viewer: { kind: 'system' } })
  await createWorkspace(inside, input)
  const { id } = await addMember(inside, { ...who, role: 'OWNER' })
  tellJoined(inside, who, { id, version: 1, role: 'OWNER' })
  return { workspaceId, memberId: id }
}

/** Makes the account an owner of a workspace that is there: for whoever sets a server up. */
export async function takeOver(tx: Tx, who: Joining, workspaceId: string): Promise<Joined> {
  const inside = tx.within({ workspaceId, viewer: { kind: 'system' } })
  await lockWorkspace(inside)
  return { workspaceId, memberId: await become(inside, who, 'OWNER') }
}

/**
 * Accepts an invite: the account is a member from now on. Accepting it again changes nothing. NOT_FOUND for a token that was
 * replaced; CONFLICT for an invite that is over or into a suspended workspace, and for who is a member already; INVALID_INPUT for an account with another
 * e-mail address than the one that was invited.
 */
export async function acceptInvite(
  tx: Tx,
  who: Joining,
  place: { readonly workspaceId: string; readonly id: string; readonly tokenHash: string },
): Promise<Joined> {
  const { workspaceId, id, tokenHash } = place
  const inside = tx.within({ workspaceId, viewer: { kind: 'system' } })
  const workspace = await lockWorkspace(inside)
  const invite = await inside.sql
    .selectFrom('invite')
    .select(['role', 'emailFolded', 'acceptedAt', 'acceptedByMemberId', 'revokedAt', 'expiresAt', 'version'])
    .where('id', '=', id)
    .where('tokenHash', '=', tokenHash)
    .forUpdate()
    .executeTakeFirst()
  if (invite === undefined) throw notFound('Invite')
  if (invite.emailFolded !== normaliseEmail(who.email)) {
    const message = 'This invite is for another e-mail address than that of your account.'
    throw invalidInput([{ path: ['inviteToken'], code: 'NOT_ALLOWED', message }])
  }
  if (workspace.status !== 'ACTIVE') throw conflict('CLOSED', 'This workspace is suspended: nobody joins it now.')
  if (invite.acceptedAt !== null) return { workspaceId, memberId: await acceptedBefore(inside, who, invite) }
  if (invite.revokedAt !== null || invite.expiresAt <= tx.now) {
    throw conflict('CLOSED', 'This invite is over. Ask for another one.')
  }
  const memberId = await become(inside, who, invite.role, { inviteId: id })
  await inside.sql
    .updateTable('invite')
    .set({ acceptedAt: tx.now, acceptedByMemberId: memberId, version: invite.version + 1, updatedAt: tx.now })
    .where('id', '=', id)
    .execute()
  return { workspaceId, memberId }
}

async function acceptedBefore(
  inside: Tx,
  who: Joining,
  { acceptedByMemberId }: { readonly acceptedByMemberId: string | null },
): Promise<string> {
  const member = await inside.sql
    .selectFrom('member')
    .select('id')
    .where('id', '=', acceptedByMemberId ?? '')
    .where('accountId', '=', who.accountId)
    .where('removedAt', 'is', null)
    .executeTakeFirst()
  if (member === undefined) throw conflict('CLOSED', 'This invite was used. Ask for another one.')
  return member.id
}

/** The account's member: a new one, or the one with its address that never signed in, who stays what they are. */
async function become(inside: Tx, who: Joining, role: string, data: Record<string, unknown> = {}): Promise<string> {
  const found = await inside.sql
    .selectFrom('member')
    .select(['id', 'role', 'accountId', 'version'])
    .where((eb) =>
      eb.or([eb('accountId', '=', who.accountId), eb('emailNormalised', '=', normaliseEmail(who.email) ?? '')]),
    )
    .where('removedAt', 'is', null)
    .forUpdate()
    .execute()
  if (found.some(({ accountId }) => accountId !== null)) {
    throw conflict('DUPLICATE', 'You are a member of this workspace already.')
  }
  const [known] = found
  if (known === undefined) {
    const { id } = await addMember(inside, { ...who, role: role as 'MEMBER' })
    tellJoined(inside, who, { id, version: 1, role }, data)
    return id
  }
  if (known.role === 'OWNER' && role !== 'OWNER') {
    // They became an owner after they were invited, and whoever invited them may not make one.
    throw conflict('CLOSED', 'This invite is over. Ask an owner for another one.')
  }
  const version = known.version + 1
  await inside.sql
    .updateTable('member')
    .set({ accountId: who.accountId, version, updatedAt: inside.now })
    .where('id', '=', known.id)
    .execute()
  tellJoined(inside, who, { id: known.id, version, role: known.role }, data)
  return known.id
}

/** A member who speaks for themselves in the log, and may nothing by it. */
export const speakingAs = ({ accountId, name }: Pick<Joining, 'accountId' | 'name'>, memberId: string): Viewer => ({
  kind: 'member',
  memberId,
  accountId,
  sessionId: '',
  name,
  permissions: new Set(),
})

function tellJoined(
  inside: Tx,
  { accountId, name }: Joining,
  member: { readonly id: string; readonly version: number; readonly role: string },
  data: Record<string, unknown> = {},
): void {
  appendEvents({ ...inside, viewer: speakingAs({ accountId, name }, member.id) }, [
    {
      type: memberEvents.joined.type,
      subject: { kind: 'member', id: member.id },
      subjectVersion: member.version,
      data,
      changes: changesBetween({}, { role: member.role }),
    },
  ])
}
