// Who is asking, by the credential of a request.
//
// A key is looked up by its digest, as `cadre_system`: its workspace is not known before. Its member's role is looked up
// with it and bounds what it may, and so does their account, which may be suspended. What was found is kept for two seconds, so that a busy key costs no round trip, and one
// that was revoked, or whose member may less by now, is refused within that time; unknown keys are kept too, so that
// guessing costs us little. `last_used_at` is written at most once a minute, beside the request; of a session once an hour, and
// with it how much longer a browser's lives.
//
// A key that was rotated has two secrets for a while; the one before is good until its own moment, and never longer than
// the key itself.
//
// A person sends an access token, or their browser a cookie: either leads to a session, which is looked up and kept in the
// same way. A token of the issuer where people sign in besides leads to a session of its own (`issuer-sessions.ts`).

import { LRUCache } from 'lru-cache'
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { unauthenticated } from '../lib/errors.ts'
import type { Logger } from '../observability/logger.ts'
import { type AccessTokens, createAccessTokens, looksLikeJwt, saysItIsOurs } from './access-token.ts'
import { hashKey, looksLikeKey, prefixOf } from './api-key.ts'
import type { Issuer } from './issuer.ts'
import { findIssuerSession } from './issuer-sessions.ts'
import { permissionsOfKey } from './roles.ts'
import { hashSecret, looksLikeSecret } from './secret-token.ts'
import { endOfSession, findSession, type SessionKey, type SessionUse } from './sessions.ts'
import type { Viewer } from './viewer.ts'

/** A viewer and the workspace of its credential; anonymous callers have none, nor has a session before it is in one. */
export interface Identity {
  readonly viewer: Viewer
  readonly workspaceId: string | undefined
}

export interface Authenticator {
  /**
   * The caller behind an `Authorization` header (or the same text in `connection_init`). Nothing given is anonymous;
   * a credential that is not valid, or of a suspended workspace, is UNAUTHENTICATED, never anonymous. `anew` looks even
   * when the answer is known, for whoever keeps somebody in for long: only for a credential that was let in before.
   */
  authenticate(
    authorization: string | undefined,
    options?: {
      readonly anew?: boolean
      /** The slug or id of the workspace that a token of the issuer is to speak in; other credentials have their own. */
      readonly workspace?: string | undefined
    },
  ): Promise<Identity>
  /** The same by the secret of a browser's session. */
  authenticateCookie(secret: string | undefined, options?: { readonly anew?: boolean }): Promise<Identity>
}

export interface AuthenticatorOptions {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  /** How long a look-up is good for; 2 s unless told. */
  readonly keepMs?: number
  readonly maxKept?: number
  /** Reads access tokens; made anew unless given. */
  readonly accessTokens?: AccessTokens
  /** Whose bearer tokens are taken besides; none unless given. */
  readonly issuer?: Issuer | undefined
}

interface Found {
  readonly identity: Identity
  readonly expiresAt: number | undefined
  /** Of a session only. */
  readonly session?: SessionUse
}

const KEEP_MS = 2_000
const MAX_KEPT = 10_000
const USED_EVERY_MS = 60_000
const SESSION_USED_EVERY_MS = 3_600_000
const ANONYMOUS: Identity = { viewer: { kind: 'anonymous' }, workspaceId: undefined }
const INVALID = 'This key is not valid.'
const SIGNED_OUT = 'This session is not valid (any more): sign in again.'

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { db, clock, log, keepMs = KEEP_MS, maxKept = MAX_KEPT } = options
  const accessTokens = options.accessTokens ?? createAccessTokens({ db, clock })
  const perf = { now: () => clock.monotonicMs() }
  const kept = new LRUCache<string, { readonly found: Promise<Found | undefined> }>({
    max: maxKept,
    ttl: keepMs,
    ttlResolution: 0,
    perf,
  })
  const used = new LRUCache<string, true>({ max: maxKept, ttl: USED_EVERY_MS, perf })

  const find = async (plain: string): Promise<Found | undefined> => {
    const hash = hashKey(plain)
    const row = await db.systemSql
      .selectFrom('apiKey')
      .innerJoin('workspace', 'workspace.id', 'apiKey.workspaceId')
      .innerJoin('member', (join) =>
        join.onRef('member.workspaceId', '=', 'apiKey.workspaceId').onRef('member.id', '=', 'apiKey.memberId'),
      )
      .select(['apiKey.workspaceId', 'apiKey.id', 'apiKey.memberId', 'apiKey.name', 'apiKey.permissions'])
      .select(['apiKey.keyHash', 'apiKey.expiresAt', 'apiKey.previousExpiresAt', 'apiKey.revokedAt'])
      .leftJoin('account', 'account.id', 'member.accountId')
      .select(['workspace.status', 'member.role', 'member.removedAt', 'account.status as accountStatus'])
      .where((eb) => eb.or([eb('apiKey.keyHash', '=', hash), eb('apiKey.previousKeyHash', '=', hash)]))
      .executeTakeFirst()
    if (row === undefined || row.revokedAt !== null || row.removedAt !== null || row.status !== 'ACTIVE') {
      return undefined
    }
    // A member who never signed in has no account.
    if (row.accountStatus !== null && row.accountStatus !== 'ACTIVE') return undefined
    const ends = [row.expiresAt, row.keyHash === hash ? null : row.previousExpiresAt].flatMap((end) => end ?? [])
    return {
      identity: {
        viewer: {
          kind: 'apiKey',
          keyId: row.id,
          memberId: row.memberId,
          name: row.name,
          permissions: permissionsOfKey(row.permissions, row.role),
          prefix: prefixOf(plain),
        },
        workspaceId: row.workspaceId,
      },
      expiresAt: ends.length === 0 ? undefined : Math.min(...ends.map((end) => end.getTime())),
    }
  }

  /** `name` is what the answer is kept by: a digest, for what is kept in memory holds no secret. */
  const lookUp = (name: string, anew: boolean, look: () => Promise<Found | undefined>): Promise<Found | undefined> => {
    const known = anew ? undefined : kept.get(name)
    if (known !== undefined) return known.found
    const entry = { found: look() }
    kept.set(name, entry)
    // A look-up that failed is not an answer.
    entry.found.catch(() => {
      if (kept.get(name) === entry) kept.delete(name)
    })
    return entry.found
  }

  const sessionOf = (name: string, by: SessionKey, anew: boolean): Promise<Identity> =>
    standing(lookUp(name, anew, () => findSession(db, by, clock.now())))

  const standing = async (looked: Promise<Found | undefined>): Promise<Identity> => {
    const found = await looked
    if (found === undefined) throw unauthenticated(SIGNED_OUT)
    if (found.expiresAt !== undefined && found.expiresAt <= clock.now().getTime()) {
      throw unauthenticated('This session has expired: sign in again.')
    }
    noteUse(found)
    return found.identity
  }

  const noteUse = ({ identity: { viewer, workspaceId }, session }: Found): void => {
    const now = clock.now()
    const id = viewer.kind === 'apiKey' ? viewer.keyId : session?.id
    if (id === undefined || used.has(id)) return
    if (session !== undefined && now.getTime() - session.lastUsedAt.getTime() < SESSION_USED_EVERY_MS) return
    used.set(id, true)
    const noting =
      session === undefined
        ? db.systemSql
            .updateTable('apiKey')
            .set({ lastUsedAt: now })
            .where('workspaceId', '=', workspaceId ?? '')
            .where('id', '=', id)
        : db.systemSql
            .updateTable('session')
            .set({
              lastUsedAt: now,
              ...(session.kind === 'BROWSER' ? { expiresAt: endOfSession(session.createdAt, now) } : {}),
            })
            .where('id', '=', id)
            // Of several processes that see it used one writes it.
            .where('lastUsedAt', '=', session.lastUsedAt)
    // The request has its answer already, and the next minute brings another try.
    noting.execute().catch((err: unknown) => log.debug({ err }, 'the use of a credential was not noted'))
  }

  return {
    async authenticate(authorization, { anew = false, workspace } = {}) {
      if (authorization === undefined || authorization.trim() === '') return ANONYMOUS
      const plain = /^Bearer +(\S+) *$/i.exec(authorization.trim())?.[1]
      if (plain === undefined) throw unauthenticated()
      const { issuer } = options
      if (issuer !== undefined && looksLikeJwt(plain) && !saysItIsOurs(plain)) {
        const name = `issuer ${hashKey(plain)} ${workspace ?? ''}`
        const look = () => findIssuerSession(db, issuer, { token: plain, workspace, now: clock.now(), letIn: anew })
        return await standing(lookUp(name, anew, look))
      }
      if (looksLikeJwt(plain)) {
        const claims = await accessTokens.read(plain)
        return await sessionOf(`${claims.sessionId} ${claims.workspaceId}`, claims, anew)
      }
      if (!looksLikeKey(plain)) throw unauthenticated(INVALID)
      const found = await lookUp(hashKey(plain), anew, () => find(plain))
      if (found === undefined) throw unauthenticated(INVALID)
      if (found.expiresAt !== undefined && found.expiresAt <= clock.now().getTime()) {
        throw unauthenticated('This key has expired.')
      }
      noteUse(found)
      return found.identity
    },

    async authenticateCookie(secret, { anew = false } = {}) {
      if (secret === undefined || secret === '') return ANONYMOUS
      if (!looksLikeSecret('browser', secret)) throw unauthenticated(SIGNED_OUT)
      const cookieHash = hashSecret(secret)
      return await sessionOf(cookieHash, { cookieHash }, anew)
    },
  }
}
