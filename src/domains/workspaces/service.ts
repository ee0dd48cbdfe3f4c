import type { Kysely } from 'kysely'
import { LRUCache } from 'lru-cache'
import { createKey, hashKey } from '../../platform/auth/api-key.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { forbidden, invalidInput, notFound } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { normaliseEmail } from '../contacts/model.ts'
import { type AddMemberInput, type CreateApiKeyInput, type CreateWorkspaceInput, isWorkspaceSlug } from './model.ts'

/**
 * Makes the workspace that the transaction is bound to: its id is `tx.workspaceId`. Only the server itself may. CONFLICT
 * for a slug that is taken.
 */
export async function createWorkspace(tx: Tx, input: CreateWorkspaceInput): Promise<{ readonly id: string }> {
  requireSystem(tx)
  await tx.sql
    .insertInto('workspace')
    .values({ id: tx.workspaceId, ...input, createdAt: tx.now, updatedAt: tx.now })
    .execute()
  tx.onCommit(() => caches.get(tx.db.systemSql)?.missing.delete(input.slug))
  return { id: tx.workspaceId }
}

/** Adds a person to the workspace. Only the server itself may. CONFLICT for an e-mail address that is there already. */
export async function addMember(tx: Tx, input: AddMemberInput): Promise<{ readonly id: string }> {
  requireSystem(tx)
  const emailNormalised = normaliseEmail(input.email)
  if (emailNormalised === undefined) {
    throw invalidInput([{ path: ['email'], code: 'INVALID_FORMAT', message: 'This is no e-mail address.' }])
  }
  const id = newId()
  await tx.sql
    .insertInto('member')
    .values({ workspaceId: tx.workspaceId, id, ...input, emailNormalised, createdAt: tx.now, updatedAt: tx.now })
    .execute()
  return { id }
}

/**
 * Makes a key that speaks for a member. Only the server itself may. The key is in the answer and nowhere else: what is
 * stored is its SHA-256. NOT_FOUND for the member.
 */
export async function createApiKey(
  tx: Tx,
  input: CreateApiKeyInput,
): Promise<{ readonly id: string; readonly key: string }> {
  requireSystem(tx)
  const member = await tx.sql.selectFrom('member').select('id').where('id', '=', input.memberId).executeTakeFirst()
  if (member === undefined) throw notFound('Member', encodeId('member', input.memberId))
  const id = newId()
  const made = createKey()
  const key = made.plain.replace(/^cadre_test_/, `cadre_${input.environment}_`)
  await tx.sql
    .insertInto('apiKey')
    .values({
      workspaceId: tx.workspaceId,
      id,
      memberId: input.memberId,
      name: input.name,
      prefix: key.slice(0, made.prefix.length),
      keyHash: hashKey(key),
      permissions: input.permissions,
      expiresAt: input.expiresAt,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  return { id, key }
}

export interface KnownWorkspace {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly timeZone: string
  readonly currency: string
}

const CACHED_MS = 5_000
const MISS_CACHED_MS = 1_000
const MAX_CACHED = 1_000

interface SlugCache {
  readonly found: LRUCache<string, KnownWorkspace>
  /** Apart from the others, so that guessing does not push them out. */
  readonly missing: LRUCache<string, true>
}

// Per database, for as long as the database is there.
const caches = new WeakMap<Kysely<Tables>, SlugCache>()

/**
 * The workspace with this slug, or null, also for one that is suspended; as cadre_system, for requests that name their
 * workspace in an address. What it says may be up to 5 s old, null up to 1 s: the public form's door asks with every
 * request.
 */
export async function findWorkspaceBySlug(systemSql: Kysely<Tables>, slug: string): Promise<KnownWorkspace | null> {
  if (!isWorkspaceSlug(slug)) return null
  let cache = caches.get(systemSql)
  if (cache === undefined) {
    cache = {
      found: new LRUCache({ max: MAX_CACHED, ttl: CACHED_MS }),
      missing: new LRUCache({ max: MAX_CACHED, ttl: MISS_CACHED_MS }),
    }
    caches.set(systemSql, cache)
  }
  const cached = cache.found.get(slug)
  if (cached !== undefined) return cached
  if (cache.missing.has(slug)) return null
  const workspace = await systemSql
    .selectFrom('workspace')
    .select(['id', 'slug', 'name', 'timeZone', 'currency'])
    .where('slug', '=', slug)
    .where('status', '=', 'ACTIVE')
    .executeTakeFirst()
  if (workspace === undefined) {
    cache.missing.set(slug, true)
    return null
  }
  cache.found.set(slug, workspace)
  return workspace
}

function requireSystem(tx: Tx): void {
  if (tx.viewer.kind !== 'system') throw forbidden('SYSTEM')
}
