import type { Kysely } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { Database } from '../../platform/db/database.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { notFound } from '../../platform/lib/errors.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { settingsOf } from '../settings/model.ts'
import { type FormDefinition, type FormLimits, type FormStatus, limitsOf, type OwnLimits } from './model.ts'

/*
 * Published versions, kept in memory. A version never changes, so an entry is never stale; which number is the newest
 * is read with the form's row, each time. A version that a transaction read is kept only once that transaction has
 * committed: one of its own making may be rolled back, and its number given to another definition.
 */

const MAX_VERSIONS = 1_000

// By database, because tests and tools open several in one process, with the same ids in them.
const caches = new WeakMap<Database, LRUCache<string, FormDefinition>>()

function cacheOf(db: Database): LRUCache<string, FormDefinition> {
  const known = caches.get(db)
  if (known !== undefined) return known
  const cache = new LRUCache<string, FormDefinition>({ max: MAX_VERSIONS })
  caches.set(db, cache)
  return cache
}

/** What is needed to read: a transaction, or statements on a connection bound to the workspace. */
export interface Reader {
  readonly db: Database
  readonly workspaceId: string
  readonly sql: Kysely<Tables>
  /** A transaction's; absent where what is read is committed. */
  readonly onCommit?: Tx['onCommit']
}

/** The definition of one published version; a statement only where this process has not seen it yet. NOT_FOUND. */
export async function getPublished(reader: Reader, formId: string, number: number): Promise<FormDefinition> {
  const cache = cacheOf(reader.db)
  const key = `${reader.workspaceId}:${formId}:${number}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const row = await reader.sql
    .selectFrom('formVersion')
    .select('definition')
    .where('formId', '=', formId)
    .where('number', '=', number)
    .executeTakeFirst()
  if (row === undefined) throw notFound('Form version', `${encodeId('form', formId)} ${number}`)
  const definition = row.definition as unknown as FormDefinition
  if (reader.onCommit === undefined) cache.set(key, definition)
  else reader.onCommit(() => cache.set(key, definition))
  return definition
}

/** A form as its public page needs it. */
export interface PublicForm {
  readonly id: string
  readonly name: string
  readonly status: FormStatus
  readonly limits: FormLimits
  /** The newest version. */
  readonly number: number
  readonly definition: FormDefinition
}

/** The published form with this slug; null for one that is not there or was never published. One statement, or two. */
export async function findPublicForm(reader: Reader, slug: string): Promise<PublicForm | null> {
  const form = await reader.sql
    .selectFrom('form')
    .innerJoin('workspace', 'workspace.id', 'form.workspaceId')
    .select(['form.id', 'form.name', 'form.status', 'form.limits', 'form.publishedVersion', 'workspace.settings'])
    .where('form.slug', '=', slug)
    .executeTakeFirst()
  if (form === undefined || form.publishedVersion === null) return null
  return {
    id: form.id,
    name: form.name,
    status: form.status as FormStatus,
    limits: limitsOf(form.limits as OwnLimits, settingsOf(form.settings).formLimits),
    number: form.publishedVersion,
    definition: await getPublished(reader, form.id, form.publishedVersion),
  }
}
