// Whom a session speaks for, as the database has it now.
//
// Looked up as `cadre_system`: an account is of no workspace. A member may what their role holds at this moment. A session
// that was revoked or has expired, and one of an account that is suspended, is nobody's.

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
}

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
  const expiresAt = session.expiresAt.getTime()
  const workspaceId = 'cookieHash' in by ? session.workspaceId : by.workspaceId
  const member = workspaceId === null ? undefined : await findMembership(db, accountId, workspaceId)
  if (workspaceId === null || member === undefined) {
    if (workspaceId !== null && !('cookieHash' in by)) return undefined
    return { identity: { viewer: { kind: 'account', accountId, sessionId, name }, workspaceId: undefined }, expiresAt }
  }
  const permissions = permissionsOfRole(member.role)
  const viewer = { kind: 'member', memberId: member.id, accountId, sessionId, name: member.name, permissions } as const
  return { identity: { viewer, workspaceId }, expiresAt }
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
