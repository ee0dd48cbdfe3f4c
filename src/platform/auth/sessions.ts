// Whom a session speaks for, as the database has it now.
//
// Looked up as `cadre_system`: an account is of no workspace. A member may what their role holds at this moment. A session
// that was revoked or has expired, and one of an account that is suspended, is nobody's.
//
// A session that is used lives on. A program's is used when it is refreshed; a browser's whenever it is seen, which is
// written once an hour (`authenticate.ts`).

import type { Database } from '../db/database.ts'
import type { Identity } from './authenticate.ts'
import { permissionsOfRole } from './roles.ts'

/** By what a session is known: what an access token says, or a browser's cookie. */
export type SessionKey =
  | { readonly accountId: string; readonly sessionId: string; readonly workspaceId: string | null }
  | { readonly cookieHash: string }

export interface FoundSession {
  readonly identity: Identity
  /** In milliseconds. */
  readonly expiresAt: number
  readonly session: SessionUse
}

/** When a session was opened and used, as the database has it. */
export interface SessionUse {
  readonly id: string
  readonly kind: string
  readonly createdAt: Date
  readonly lastUsedAt: Date
}

const DAY_MS = 24 * 3_600_000
/** A session that is not used for so long is over. */
const SESSION_IDLE_MS = 30 * DAY_MS
/** However often it is used: after so long the password is asked for again. */
export const SESSION_MAX_MS = 180 * DAY_MS

/** When a session ends that is used at this moment. */
export const endOfSession = (createdAt: Date, usedAt: Date): Date =>
  new Date(Math.min(createdAt.getTime() + SESSION_MAX_MS, usedAt.getTime() + SESSION_IDLE_MS))

/**
 * The caller behind a session; undefined for one that does not stand. An access token names its workspace: whoever is no
 * member of it any more is nobody with that token. A browser's session is in the workspace it was last switched to, and in
 * none where that is lost.
 */
export async function findSession(db: Database, by: SessionKey, now: Date): Promise<FoundSession | undefined> {
  let query = db.systemSql
    .selectFrom('session')
    .innerJoin('account', 'account.id', 'session.accountId')
    .select(['session.id', 'session.accountId', 'session.workspaceId', 'session.expiresAt'])
    .select(['session.kind', 'session.createdAt', 'session.lastUsedAt'])
    .select('account.name')
    .where('account.status', '=', 'ACTIVE')
    .where('session.revokedAt', 'is', null)
    .where('session.expiresAt', '>', now)
  query =
    'cookieHash' in by
      ? query.where('session.cookieHash', '=', by.cookieHash)
      : query.where('session.id', '=', by.sessionId).where('session.accountId', '=', by.accountId)
  const session = await query.executeTakeFirst()
  if (session === undefined) return undefined
  const { id: sessionId, accountId, name } = session
  const found = { expiresAt: session.expiresAt.getTime(), session }
  const workspaceId = 'cookieHash' in by ? session.workspaceId : by.workspaceId
  const member = workspaceId === null ? undefined : await findMembership(db, accountId, workspaceId)
  if (workspaceId === null || member === undefined) {
    if (workspaceId !== null && !('cookieHash' in by)) return undefined
    return { ...found, identity: { viewer: { kind: 'account', accountId, sessionId, name }, workspaceId: undefined } }
  }
  const permissions = permissionsOfRole(member.role)
  const viewer = { kind: 'member', memberId: member.id, accountId, sessionId, name: member.name, permissions } as const
  return { ...found, identity: { viewer, workspaceId } }
}

const findMembership = (db: Database, accountId: string, workspaceId: string) =>
  db.systemSql
    .selectFrom('member')
    .innerJoin('workspace', 'workspace.id', 'member.workspaceId')
    .select(['member.id', 'member.name', 'member.role'])
    .where('member.workspaceId', '=', workspaceId)
    .where('member.accountId', '=', accountId)
    .where('member.removedAt', 'is', null)
    .where('workspace.status', '=', 'ACTIVE')
    .executeTakeFirst()
