// Sessions: somebody signed in somewhere.
//
// A program holds a refresh token and changes it for a new one each time it needs an access token. A token that comes back
// after it was used was copied: the session is revoked, whoever has its newest token. But two tabs may ask at once, and an
// answer may be lost on its way: so a successor is derived from the token before it, and for ten seconds, while nobody has
// used it yet, asking again tells the same one. Nothing forks, and a thief who is that quick is found out by the next use.

import { createSecret, derivedSecret, hashSecret, looksLikeSecret } from '../../platform/auth/secret-token.ts'
import { endOfSession } from '../../platform/auth/sessions.ts'
import type { Ctx } from '../../platform/context.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { notFound, unauthenticated } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { REFRESH_LEEWAY_MS, type Revocation, type SessionKind } from './model.ts'

export interface NewSession {
  readonly accountId: string
  readonly kind: SessionKind
  /** The workspace it begins in; the caller knows that the account is a member of it. */
  readonly workspaceId: string | null
  /** The sign-in at an issuer that it comes by. */
  readonly identityId?: string | undefined
  readonly userAgent?: string | undefined
  readonly address?: string | undefined
}

export interface OpenedSession {
  readonly sessionId: string
  /** A browser's cookie, or a program's first refresh token: told this once. */
  readonly secret: string
}

const MAX_USER_AGENT = 300

/** Opens a session. In an account transaction. */
export async function openSession(tx: Tx, input: NewSession): Promise<OpenedSession> {
  const sessionId = newId()
  const { plain, hash } = createSecret(input.kind === 'BROWSER' ? 'browser' : 'refresh')
  await tx.sql
    .insertInto('session')
    .values({
      id: sessionId,
      accountId: input.accountId,
      kind: input.kind,
      workspaceId: input.workspaceId,
      identityId: input.identityId ?? null,
      cookieHash: input.kind === 'BROWSER' ? hash : null,
      userAgent: input.userAgent?.slice(0, MAX_USER_AGENT) ?? null,
      address: input.address ?? null,
      createdAt: tx.now,
      lastUsedAt: tx.now,
      expiresAt: endOfSession(tx.now, tx.now),
    })
    .execute()
  if (input.kind === 'PROGRAM')
    await tx.sql.insertInto('refreshToken').values({ hash, sessionId, createdAt: tx.now }).execute()
  return { sessionId, secret: plain }
}

export type Refreshed =
  | {
      readonly accountId: string
      readonly sessionId: string
      readonly workspaceId: string | null
      readonly refreshToken: string
    }
  /** The token came back after it was used: the session is revoked, which must be committed. */
  | { readonly usedTwice: true; readonly sessionId: string }

/**
 * Changes a refresh token for its successor. UNAUTHENTICATED for one that is not known, and for a session that does not stand
 * (any more). `key` is `AccountMeans.refreshKey`, asked for before. In an account transaction.
 */
export async function refresh(tx: Tx, token: string, key: string): Promise<Refreshed> {
  if (!looksLikeSecret('refresh', token)) throw invalidToken()
  const hash = hashSecret(token)
  const found = await tx.sql
    .selectFrom('refreshToken')
    .innerJoin('session', 'session.id', 'refreshToken.sessionId')
    .innerJoin('account', 'account.id', 'session.accountId')
    .select(['refreshToken.usedAt', 'refreshToken.sessionId', 'account.status'])
    .select(['session.accountId', 'session.workspaceId', 'session.createdAt', 'session.expiresAt', 'session.revokedAt'])
    .where('refreshToken.hash', '=', hash)
    // One after the other: of two at once the second one sees what the first has done.
    .forUpdate(['session', 'refreshToken'])
    .executeTakeFirst()
  if (found === undefined || found.revokedAt !== null || found.expiresAt <= tx.now || found.status !== 'ACTIVE') {
    throw invalidToken()
  }
  const { sessionId, accountId } = found
  const successor = derivedSecret('refresh', key, token)
  if (found.usedAt === null) {
    await tx.sql.updateTable('refreshToken').set({ usedAt: tx.now }).where('hash', '=', hash).execute()
    await tx.sql.insertInto('refreshToken').values({ hash: successor.hash, sessionId, createdAt: tx.now }).execute()
  } else if (!(await mayBeToldAgain(tx, successor.hash, found.usedAt))) {
    await revokeSession(tx, { accountId, sessionId, because: 'TOKEN_USED_TWICE' })
    return { usedTwice: true, sessionId }
  }
  const workspaceId = await stillIn(tx, accountId, found.workspaceId)
  await tx.sql
    .updateTable('session')
    .set({ workspaceId, lastUsedAt: tx.now, expiresAt: endOfSession(found.createdAt, tx.now) })
    .where('id', '=', sessionId)
    .execute()
  return { accountId, sessionId, workspaceId, refreshToken: successor.plain }
}

async function mayBeToldAgain(tx: Tx, successorHash: string, usedAt: Date): Promise<boolean> {
  if (tx.now.getTime() - usedAt.getTime() > REFRESH_LEEWAY_MS) return false
  const successor = await tx.sql
    .selectFrom('refreshToken')
    .select('usedAt')
    .where('hash', '=', successorHash)
    .executeTakeFirst()
  return successor !== undefined && successor.usedAt === null
}

const invalidToken = () => unauthenticated('This refresh token is not valid (any more): sign in again.')

/** The workspace, while the account is a member of it; null afterwards. */
async function stillIn(tx: Tx, accountId: string, workspaceId: string | null): Promise<string | null> {
  if (workspaceId === null) return null
  const member = await tx
    .within({ workspaceId })
    .sql.selectFrom('member')
    .innerJoin('workspace', 'workspace.id', 'member.workspaceId')
    .select('member.id')
    .where('member.accountId', '=', accountId)
    .where('member.removedAt', 'is', null)
    .where('workspace.status', '=', 'ACTIVE')
    .executeTakeFirst()
  return member === undefined ? null : workspaceId
}

/** Puts a session into a workspace of its account, or into none. NOT_FOUND for one that the account is not a member of. */
export async function switchSession(
  tx: Tx,
  { accountId, sessionId, workspaceId }: { accountId: string; sessionId: string; workspaceId: string | null },
): Promise<void> {
  if (workspaceId !== null && (await stillIn(tx, accountId, workspaceId)) === null) {
    throw notFound('Workspace', encodeId('workspace', workspaceId))
  }
  const changed = await tx.sql
    .updateTable('session')
    .set({ workspaceId })
    .where('id', '=', sessionId)
    .where('accountId', '=', accountId)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', tx.now)
    .executeTakeFirst()
  if (changed.numUpdatedRows === 0n) throw unauthenticated('This session is not valid (any more): sign in again.')
}

/** Ends a session of the account; one that has ended stays as it is. NOT_FOUND for another account's. */
export async function revokeSession(
  tx: Tx,
  { accountId, sessionId, because }: { accountId: string; sessionId: string; because: Revocation },
): Promise<void> {
  const session = await tx.sql
    .selectFrom('session')
    .select('revokedAt')
    .where('id', '=', sessionId)
    .where('accountId', '=', accountId)
    .forUpdate()
    .executeTakeFirst()
  if (session === undefined) throw notFound('Session', encodeId('session', sessionId))
  if (session.revokedAt !== null) return
  await tx.sql
    .updateTable('session')
    .set({ revokedAt: tx.now, revokedBecause: because })
    .where('id', '=', sessionId)
    .execute()
}

/** Ends all sessions of the account, but for `except`. */
export async function revokeSessions(
  tx: Tx,
  { accountId, except, because }: { accountId: string; except?: string | undefined; because: Revocation },
): Promise<void> {
  await tx.sql
    .updateTable('session')
    .set({ revokedAt: tx.now, revokedBecause: because })
    .where('accountId', '=', accountId)
    .where('revokedAt', 'is', null)
    .$if(except !== undefined, (query) => query.where('id', '!=', except ?? ''))
    .execute()
}

export interface SessionRow {
  readonly id: string
  readonly kind: string
  readonly workspaceId: string | null
  readonly userAgent: string | null
  readonly address: string | null
  readonly createdAt: Date
  readonly lastUsedAt: Date
  readonly expiresAt: Date
}

/** The sessions of an account that stand, the one that was used last first; 100 at most. */
export const listSessions = (ctx: Pick<Ctx, 'db' | 'clock'>, accountId: string): Promise<SessionRow[]> =>
  ctx.db.systemSql
    .selectFrom('session')
    .select(['id', 'kind', 'workspaceId', 'userAgent', 'address', 'createdAt', 'lastUsedAt', 'expiresAt'])
    .where('accountId', '=', accountId)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', ctx.clock.now())
    .orderBy('lastUsedAt', 'desc')
    .orderBy('id')
    .limit(100)
    .execute()
