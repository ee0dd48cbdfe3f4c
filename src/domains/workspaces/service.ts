import type { Kysely } from 'kysely'
import { LRUCache } from 'lru-cache'
import { lockCaller } from '../../platform/auth/caller.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { conflict, forbidden, invalidInput } from '../../platform/lib/errors.ts'
import { newId } from '../../platform/lib/ids.ts'
import { moneyText } from '../../platform/lib/money.ts'
import { raiseLimitOfToday } from '../budgets/service.ts'
import { normaliseEmail } from '../contacts/model.ts'
import { wakeRunsWaitingForBudget } from '../runs/service.ts'
import { settingsOf } from '../settings/model.ts'
import { workspaceEvents } from './events.ts'
import { type AddMemberInput, type CreateWorkspaceInput, isWorkspaceSlug, type UpdateWorkspaceInput } from './model.ts'

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
 * Changes what is given; null is no limit to what a day may cost. Needs WORKSPACE_WRITE. CONFLICT for a stale `ifVersion`.
 * Where a day may cost more than before, the runs that wait for it go on.
 */
export async function updateWorkspace(tx: Tx, input: UpdateWorkspaceInput): Promise<{ readonly id: string }> {
  const id = tx.workspaceId
  const workspace = await lockWorkspace(tx)
  await lockCaller(tx, 'WORKSPACE_WRITE')
  const { ifVersion, name, timeZone, currency, dailyBudgetMicros } = input
  if (ifVersion != null && ifVersion !== workspace.version) {
    const message = `This workspace has changed: it is at version ${workspace.version}.`
    throw conflict('STALE_VERSION', message, { kind: 'workspace', id })
  }
  const changes = [
    ...changesBetween(
      { name: workspace.name, timeZone: workspace.timeZone, currency: workspace.currency },
      { name, timeZone, currency },
    ),
    ...(dailyBudgetMicros === undefined
      ? []
      : changesBetween(
          { dailyBudget: dollarsText(workspace.dailyBudgetMicros) },
          { dailyBudget: dollarsText(dailyBudgetMicros) },
        )),
  ]
  if (changes.length === 0) return { id }
  const version = workspace.version + 1
  await tx.sql
    .updateTable('workspace')
    .set({
      ...(name === undefined ? {} : { name }),
      ...(timeZone === undefined ? {} : { timeZone }),
      ...(currency === undefined ? {} : { currency }),
      ...(dailyBudgetMicros === undefined ? {} : { dailyBudgetMicros }),
      version,
      updatedAt: tx.now,
    })
    .where('id', '=', id)
    .execute()
  appendEvents(tx, [
    { type: workspaceEvents.updated.type, subject: { kind: 'workspace', id }, subjectVersion: version, changes },
  ])
  forgetWorkspaceOnCommit(tx, workspace.slug)
  if (dailyBudgetMicros !== undefined && isMore(dailyBudgetMicros, workspace.dailyBudgetMicros)) {
    await raiseLimitOfToday(tx, dailyBudgetMicros)
    await wakeRunsWaitingForBudget(tx)
  }
  return { id }
}

const dollarsText = (micros: bigint | null): string | null =>
  micros === null ? null : moneyText({ micros, currency: 'USD' })

/** Null is no limit. */
export const isMore = (after: bigint | null, before: bigint | null): boolean =>
  before !== null && (after === null || after > before)

/**
 * The workspace's row, locked. Changes of who is in a workspace and what they may are made one after the other under it,
 * so that each sees what the one before has left.
 */
export const lockWorkspace = (tx: Tx) =>
  tx.sql
    .selectFrom('workspace')
    .select(['slug', 'name', 'status', 'timeZone', 'currency', 'dailyBudgetMicros', 'settings'])
    .select(['settingsVersion', 'version'])
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow()

export interface KnownWorkspace {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly timeZone: string
  readonly currency: string
  /** See the setting of this name. */
  readonly allowedOrigins: readonly string[]
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
    .select(['id', 'slug', 'name', 'timeZone', 'currency', 'settings'])
    .where('slug', '=', slug)
    .where('status', '=', 'ACTIVE')
    .executeTakeFirst()
  if (workspace === undefined) {
    cache.missing.set(slug, true)
    return null
  }
  const { settings, ...rest } = workspace
  const known = { ...rest, allowedOrigins: settingsOf(settings).allowedOrigins }
  cache.found.set(slug, known)
  return known
}

/** Has this process read a workspace anew that this transaction changes, once it has committed. */
export const forgetWorkspaceOnCommit = (tx: Tx, slug: string): void =>
  tx.onCommit(() => caches.get(tx.db.systemSql)?.found.delete(slug))

function requireSystem(tx: Tx): void {
  if (tx.viewer.kind !== 'system') throw forbidden('SYSTEM')
}
