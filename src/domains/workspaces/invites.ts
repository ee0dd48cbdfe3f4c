import { accountMeansOf } from '../../platform/auth/account-means.ts'
import { lockCaller, requireHeld } from '../../platform/auth/caller.ts'
import type { MemberRole } from '../../platform/auth/roles.ts'
import { createSecret, hashSecret, looksLikeSecret } from '../../platform/auth/secret-token.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { foretellEffect } from '../../platform/foretold.ts'
import { conflict, notFound } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { normaliseEmail } from '../contacts/model.ts'
import { plainName } from '../mail/plain-name.ts'
import { inviteEvents } from './events.ts'
import { assertRoomForInvite, mayMailInviteTo } from './invite-limits.ts'
import { INVITE_MS, type InviteMemberInput, type RevokeInviteInput } from './model.ts'
import { lockWorkspace } from './service.ts'

/*
 * Invites: how somebody becomes a member. Each is for one e-mail address, is good for seven days and once; inviting the same
 * address again makes the one before worthless. Its token is in the mail, and in the answer to whoever invited.
 */

/** The token is here and in the mail, and nowhere else: what is stored is its SHA-256. */
export interface InviteWithToken {
  readonly id: string
  readonly token: string
}

/**
 * Invites a person by mail. Needs MEMBERS_WRITE, and OWNERS_WRITE to invite an owner. Who is in the workspace already but
 * never signed in is invited to do so, as what they are. CONFLICT for who is in it and signs in; LIMIT_EXCEEDED for one open
 * invite too many. An address that was sent as many mails as it may be is sent none, and nobody is told.
 */
export async function inviteMember(tx: Tx, input: InviteMemberInput): Promise<InviteWithToken> {
  const workspace = await lockWorkspace(tx)
  const caller = await lockCaller(tx, 'MEMBERS_WRITE')
  const emailFolded = normaliseEmail(input.email) ?? ''
  const member = await tx.sql
    .selectFrom('member')
    .select(['id', 'role', 'accountId'])
    .where('emailNormalised', '=', emailFolded)
    .where('removedAt', 'is', null)
    .executeTakeFirst()
  if (member !== undefined && member.accountId !== null) {
    throw conflict('DUPLICATE', 'This person is a member already.', { kind: 'member', id: member.id })
  }
  const role = member?.role ?? input.role
  if (role === 'OWNER') requireHeld(caller, 'OWNERS_WRITE')
  const before = await tx.sql
    .selectFrom('invite')
    .select(['id', 'role', 'version'])
    .where('emailFolded', '=', emailFolded)
    .where('acceptedAt', 'is', null)
    .where('revokedAt', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  if (before?.role === 'OWNER') requireHeld(caller, 'OWNERS_WRITE')
  await assertRoomForInvite(tx, emailFolded)
  const { plain, hash } = createSecret('invite')
  const written = {
    email: input.email,
    role,
    tokenHash: hash,
    invitedByMemberId: caller.memberId,
    expiresAt: new Date(tx.now.getTime() + INVITE_MS),
    version: (before?.version ?? 0) + 1,
    updatedAt: tx.now,
  }
  const id = before?.id ?? newId()
  if (before === undefined) {
    await tx.sql
      .insertInto('invite')
      .values({ workspaceId: tx.workspaceId, id, emailFolded, createdAt: tx.now, ...written })
      .execute()
  } else {
    await tx.sql.updateTable('invite').set(written).where('id', '=', id).execute()
  }
  appendEvents(tx, [
    {
      type: inviteEvents.created.type,
      subject: { kind: 'invite', id },
      subjectVersion: written.version,
      changes: changesBetween({ role: before?.role }, { role }),
    },
  ])
  // Foretold in any case: what others have sent to the address is not to be found out by trying.
  foretellEffect(tx, { kind: 'MAIL', to: input.email })
  if (await mayMailInviteTo(tx, emailFolded)) {
    tellByMail(tx, { address: input.email, workspace: workspace.name, token: plain, key: hash })
  }
  return { id, token: plain }
}

/** After the commit: a mail that does not go out is sent again by inviting again. */
function tellByMail(
  tx: Tx,
  { address, workspace, token, key }: { address: string; workspace: string; token: string; key: string },
): void {
  const means = accountMeansOf(tx)
  const link = `${means.publicUrl()}/invite/${token}`
  const name = plainName(workspace)
  const body = [
    `You are invited to “${name}” on Cadre.`,
    `Join here, within seven days:`,
    link,
    'If you do not know what this is about, do nothing: nobody joins in your name.',
  ].join('\n\n')
  const mail = {
    key: `invite-${key.slice(0, 40)}`,
    to: { name: null, address },
    subject: `Join “${name}” on Cadre`,
    body,
    link,
  }
  tx.onCommit(() => means.mail(mail))
}

/**
 * Takes an invite back: nobody joins by it. Needs MEMBERS_WRITE, and OWNERS_WRITE for an owner's. CONFLICT for one that was
 * accepted. Taking it back again changes nothing.
 */
export async function revokeInvite(tx: Tx, { id }: RevokeInviteInput): Promise<{ readonly id: string }> {
  await lockWorkspace(tx)
  const caller = await lockCaller(tx, 'MEMBERS_WRITE')
  const invite = await tx.sql
    .selectFrom('invite')
    .select(['role', 'acceptedAt', 'revokedAt', 'version'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (invite === undefined) throw notFound('Invite', encodeId('invite', id))
  if (invite.role === 'OWNER') requireHeld(caller, 'OWNERS_WRITE')
  if (invite.acceptedAt !== null) {
    throw conflict('CLOSED', 'This invite was accepted. Remove the member instead.', { kind: 'invite', id })
  }
  if (invite.revokedAt !== null) return { id }
  await takeBack(tx, { id, version: invite.version })
  return { id }
}

/** Takes back what a member who may invite no more has invited: else they would come back by it themselves. */
export async function revokeInvitesOf(tx: Tx, memberId: string): Promise<void> {
  const open = await tx.sql
    .selectFrom('invite')
    .select(['id', 'version'])
    .where('invitedByMemberId', '=', memberId)
    .where('acceptedAt', 'is', null)
    .where('revokedAt', 'is', null)
    .orderBy('id')
    .forUpdate()
    .execute()
  for (const invite of open) await takeBack(tx, invite)
}

/**
 * Empties the invites of the workspace that a person accepted, and those for the address they have; one that waits is taken
 * back. Not those for an address they had once: somebody else may have it by now. Returns how many there were. For who erases.
 */
export async function emptyInvitesFor(
  tx: Tx,
  { memberId, email }: { readonly memberId: string; readonly email: string },
): Promise<number> {
  const invites = await tx.sql
    .selectFrom('invite')
    .select(['id', 'version', 'acceptedAt', 'revokedAt'])
    .where((eb) => eb.or([eb('acceptedByMemberId', '=', memberId), eb('emailFolded', '=', email)]))
    .where('email', 'is not', null)
    .orderBy('id')
    .forUpdate()
    .execute()
  for (const invite of invites) {
    if (invite.acceptedAt === null && invite.revokedAt === null) await takeBack(tx, invite)
    await tx.sql
      .updateTable('invite')
      .set((eb) => ({ email: null, emailFolded: null, version: eb('version', '+', 1), updatedAt: tx.now }))
      .where('id', '=', invite.id)
      .execute()
  }
  return invites.length
}

async function takeBack(
  tx: Tx,
  { id, version: before }: { readonly id: string; readonly version: number },
): Promise<void> {
  const version = before + 1
  await tx.sql
    .updateTable('invite')
    .set({ revokedAt: tx.now, version, updatedAt: tx.now })
    .where('id', '=', id)
    .execute()
  appendEvents(tx, [
    {
      type: inviteEvents.revoked.type,
      subject: { kind: 'invite', id },
      subjectVersion: version,
      changes: changesBetween({ revokedAt: null }, { revokedAt: tx.now }),
    },
  ])
}

/** An invite as whoever holds its token may see it. */
export interface OpenInvite {
  readonly id: string
  readonly workspaceId: string
  readonly workspaceName: string
  readonly email: string
  readonly role: MemberRole
  readonly expiresAt: Date
  /** Who invited, if that is a person of the workspace. */
  readonly invitedBy: string | null
}

/** The invite of a token that can be accepted; undefined for one that is over, and for what is none. */
export async function findOpenInvite(ctx: Pick<Ctx, 'db' | 'clock'>, token: string): Promise<OpenInvite | undefined> {
  if (!looksLikeSecret('invite', token)) return undefined
  const found = await ctx.db.systemSql
    .selectFrom('invite')
    .innerJoin('workspace', 'workspace.id', 'invite.workspaceId')
    .leftJoin('member', (join) =>
      join.onRef('member.workspaceId', '=', 'invite.workspaceId').onRef('member.id', '=', 'invite.invitedByMemberId'),
    )
    .select(['invite.id', 'invite.workspaceId', 'invite.email', 'invite.role', 'invite.expiresAt'])
    .select(['workspace.name as workspaceName', 'member.name as invitedBy'])
    .where('invite.tokenHash', '=', hashSecret(token))
    .where('invite.acceptedAt', 'is', null)
    .where('invite.revokedAt', 'is', null)
    .where('invite.expiresAt', '>', ctx.clock.now())
    .where('invite.email', 'is not', null)
    .where('workspace.status', '=', 'ACTIVE')
    .$narrowType<{ email: string }>()
    .executeTakeFirst()
  return found === undefined ? undefined : { ...found, role: found.role as MemberRole }
}

/** Where the invite of a token is, whatever has become of it; undefined for what is none. */
export async function findInvitePlace(
  ctx: Pick<Ctx, 'db'>,
  token: string,
): Promise<{ readonly workspaceId: string; readonly id: string; readonly tokenHash: string } | undefined> {
  if (!looksLikeSecret('invite', token)) return undefined
  const tokenHash = hashSecret(token)
  const place = await ctx.db.systemSql
    .selectFrom('invite')
    .select(['workspaceId', 'id'])
    .where('tokenHash', '=', tokenHash)
    .executeTakeFirst()
  return place === undefined ? undefined : { ...place, tokenHash }
}
