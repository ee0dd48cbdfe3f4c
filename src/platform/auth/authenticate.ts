// Who is asking, by the credential of a request.
//
// A key is looked up by its digest, as `cadre_system`: its workspace is not known before. What was found is kept for a
// few seconds, so that a busy key costs no round trip and a revoked one is refused within that time; unknown keys are
// kept too, so that guessing costs us little. `last_used_at` is written at most once a minute, beside the request.

import { LRUCache } from 'lru-cache'
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { unauthenticated } from '../lib/errors.ts'
import type { Logger } from '../observability/logger.ts'
import { hashKey, looksLikeKey } from './api-key.ts'
import { PERMISSIONS, type Permission, type Viewer } from './viewer.ts'

/** A viewer and the workspace of its credential; anonymous callers have none. */
export interface Identity {
  readonly viewer: Viewer
  readonly workspaceId: string | undefined
}

export interface Authenticator {
  /**
   * The caller behind an `Authorization` header (or the same text in `connection_init`). Nothing given is anonymous;
   * a credential that is not valid, or of a suspended workspace, is UNAUTHENTICATED, never anonymous.
   */
  authenticate(authorization: string | undefined): Promise<Identity>
}

export interface AuthenticatorOptions {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  /** How long a look-up is good for; 2 s unless told. */
  readonly keepMs?: number
  readonly maxKept?: number
}

interface Found {
  readonly identity: Identity
  readonly expiresAt: number | undefined
}

const KEEP_MS = 2_000
const MAX_KEPT = 10_000
const USED_EVERY_MS = 60_000
const ANONYMOUS: Identity = { viewer: { kind: 'anonymous' }, workspaceId: undefined }
const INVALID = 'This key is not valid.'

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { db, clock, log, keepMs = KEEP_MS, maxKept = MAX_KEPT } = options
  const perf = { now: () => clock.monotonicMs() }
  const kept = new LRUCache<string, { readonly found: Promise<Found | undefined> }>({ max: maxKept, ttl: keepMs, perf })
  const used = new LRUCache<string, true>({ max: maxKept, ttl: USED_EVERY_MS, perf })

  const find = async (hash: string): Promise<Found | undefined> => {
    const row = await db.systemSql
      .selectFrom('apiKey')
      .innerJoin('workspace', 'workspace.id', 'apiKey.workspaceId')
      .select(['apiKey.workspaceId', 'apiKey.id', 'apiKey.memberId', 'apiKey.name', 'apiKey.permissions'])
      .select(['apiKey.expiresAt', 'apiKey.revokedAt', 'workspace.status'])
      .where('apiKey.keyHash', '=', hash)
      .executeTakeFirst()
    if (row === undefined || row.revokedAt !== null || row.status !== 'ACTIVE') return undefined
    const granted = new Set(row.permissions)
    return {
      identity: {
        viewer: {
          kind: 'apiKey',
          keyId: row.id,
          memberId: row.memberId,
          name: row.name,
          permissions: new Set<Permission>(PERMISSIONS.filter((permission) => granted.has(permission))),
        },
        workspaceId: row.workspaceId,
      },
      expiresAt: row.expiresAt?.getTime(),
    }
  }

  const lookUp = (hash: string): Promise<Found | undefined> => {
    const known = kept.get(hash)
    if (known !== undefined) return known.found
    const entry = { found: find(hash) }
    kept.set(hash, entry)
    // A look-up that failed is not an answer.
    entry.found.catch(() => {
      if (kept.get(hash) === entry) kept.delete(hash)
    })
    return entry.found
  }

  const noteUse = ({ viewer, workspaceId }: Identity): void => {
    if (viewer.kind !== 'apiKey' || workspaceId === undefined || used.has(viewer.keyId)) return
    used.set(viewer.keyId, true)
    db.systemSql
      .updateTable('apiKey')
      .set({ lastUsedAt: clock.now() })
      .where('workspaceId', '=', workspaceId)
      .where('id', '=', viewer.keyId)
      .execute()
      // The request has its answer already, and the next minute brings another try.
      .catch((err: unknown) => log.debug({ err }, 'the use of a key was not noted'))
  }

  return {
    async authenticate(authorization) {
      if (authorization === undefined || authorization.trim() === '') return ANONYMOUS
      const plain = /^Bearer +(\S+) *$/i.exec(authorization.trim())?.[1]
      if (plain === undefined) throw unauthenticated()
      if (!looksLikeKey(plain)) throw unauthenticated(INVALID)
      const found = await lookUp(hashKey(plain))
      if (found === undefined) throw unauthenticated(INVALID)
      if (found.expiresAt !== undefined && found.expiresAt <= clock.now().getTime()) {
        throw unauthenticated('This key has expired.')
      }
      noteUse(found.identity)
      return found.identity
    },
  }
}
