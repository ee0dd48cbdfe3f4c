// Who is asking, for verbs that change who may what.
//
// What a request was let in by may be two seconds old, and that is soon enough for work. It is too late where the change
// outlives the caller: a key that was revoked a moment ago must not make itself a successor. So these verbs read the
// caller's key and member anew, in their own transaction, and hold both rows until it ends: revoking, rotating and removing
// come before or after it, never in between.

import { sql } from 'kysely'
import type { Tx } from '../db/transaction.ts'
import { forbidden, unauthenticated } from '../lib/errors.ts'
import { outsideWorkspace } from './permissions.ts'
import { permissionsOfKey, permissionsOfRole } from './roles.ts'
import { PERMISSIONS, type Permission, type Viewer } from './viewer.ts'

/** The caller as the database has it now. */
export interface Caller {
  /** The key that was sent; null for the server itself, and for a member who signed in. */
  readonly keyId: string | null
  /** For whom it speaks; null for the server itself. */
  readonly memberId: string | null
  readonly permissions: ReadonlySet<Permission>
  /** When the key stops working; null for never. */
  readonly expiresAt: Date | null
}

const SYSTEM: Caller = { keyId: null, memberId: null, permissions: new Set(PERMISSIONS), expiresAt: null }

/**
 * The caller, read anew and locked until the transaction ends. Throws UNAUTHENTICATED for a key or session that no longer
 * stands, and for the secret that a rotation replaced: it works on, but not for this. FORBIDDEN without the permission, and for
 * employees: no mandate reaches so far.
 */
export async function lockCaller(tx: Tx, permission: Permission): Promise<Caller> {
  const { viewer } = tx
  if (viewer.kind === 'system') return SYSTEM
  if (viewer.kind === 'anonymous') throw unauthenticated()
  if (viewer.kind === 'account') throw outsideWorkspace(permission)
  if (viewer.kind === 'employee') throw forbidden(permission)
  // The member before the key, as whoever removes a member does: neither waits for the other in a ring. What ends an account's
  // sessions holds the account first, and may meet a session's caller in one: then one of the two is tried anew.
  const member = await tx.sql
    .selectFrom('member')
    .select(['role', 'removedAt', 'accountId'])
    .where('id', '=', viewer.memberId)
    .forShare()
    .executeTakeFirst()
  const caller = viewer.kind === 'member' ? await lockMember(tx, viewer, member) : await lockKey(tx, viewer, member)
  requireHeld(caller, permission)
  return caller
}

interface MemberRow {
  readonly role: string
  readonly removedAt: Date | null
  /** Null for a member who never signed in. */
  readonly accountId: string | null
}

/** A member who signed in: their session is held, too. */
async function lockMember(tx: Tx, viewer: Viewer & { kind: 'member' }, member: MemberRow | undefined): Promise<Caller> {
  const { rows } = await sql<{ stands: boolean }>`
    select cadre_sessions.lock_session(${viewer.sessionId}::uuid, ${viewer.accountId}::uuid) as stands
  `.execute(tx.sql)
  if (rows[0]?.stands !== true) throw unauthenticated('This session is not valid (any more): sign in again.')
  if (member === undefined || member.removedAt !== null) throw unauthenticated('You are no member here any more.')
  return { keyId: null, memberId: viewer.memberId, permissions: permissionsOfRole(member.role), expiresAt: null }
}

async function lockKey(tx: Tx, viewer: Viewer & { kind: 'apiKey' }, member: MemberRow | undefined): Promise<Caller> {
  const key = await tx.sql
    .selectFrom('apiKey')
    .select(['id', 'memberId', 'prefix', 'permissions', 'expiresAt', 'revokedAt'])
    .where('id', '=', viewer.keyId)
    .where('memberId', '=', viewer.memberId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (key === undefined || key.revokedAt !== null) throw unauthenticated('This key is not valid.')
  if (member === undefined || member.removedAt !== null) throw unauthenticated('This key is not valid.')
  if (member.accountId !== null && !(await lockAccount(tx, member.accountId))) {
    throw unauthenticated('This key is not valid.')
  }
  if (key.expiresAt !== null && key.expiresAt <= tx.now) throw unauthenticated('This key has expired.')
  if (key.prefix !== viewer.prefix) throw unauthenticated('This key was rotated: for this, send the new one.')
  const now = permissionsOfKey(key.permissions, member.role)
  const permissions = new Set([...now].filter((held) => viewer.permissions.has(held)))
  return { keyId: key.id, memberId: key.memberId, permissions, expiresAt: key.expiresAt }
}

/** Whether the account is active: if so, it is not suspended before the transaction ends. */
async function lockAccount(tx: Tx, accountId: string): Promise<boolean> {
  const { rows } = await sql<{ stands: boolean }>`
    select cadre_sessions.lock_account(${accountId}::uuid) as stands
  `.execute(tx.sql)
  return rows[0]?.stands === true
}

/** Throws FORBIDDEN, with what it needs, unless the caller holds the permission. */
export function requireHeld(caller: Caller, permission: Permission): void {
  if (!caller.permissions.has(permission)) throw forbidden(permission)
}
