import type { Selectable } from 'kysely'
import { createKey, type NewKey } from '../../platform/auth/api-key.ts'
import { type Caller, lockCaller, requireHeld } from '../../platform/auth/caller.ts'
import { PERMISSIONS } from '../../platform/auth/viewer.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { conflict, forbidden, invalidInput, notFound } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { keyEvents } from './events.ts'
import {
  type CreateApiKeyInput,
  type IssueApiKeyInput,
  type RevokeApiKeyInput,
  type RotateApiKeyInput,
  statusOfKey,
  type UpdateApiKeyInput,
} from './model.ts'

type KeyRow = Selectable<Tables['apiKey']>

/** The secret is here and nowhere else: what is stored is its SHA-256. */
export interface KeyWithSecret {
  readonly id: string
  readonly secret: string
}

/**
 * Makes a key that speaks for a member. Only the server itself may; it tells nobody. NOT_FOUND for the member, also for one
 * who was removed.
 */
export async function issueApiKey(
  tx: Tx,
  input: IssueApiKeyInput,
): Promise<{ readonly id: string; readonly key: string }> {
  if (tx.viewer.kind !== 'system') throw forbidden('SYSTEM')
  const member = await tx.sql
    .selectFrom('member')
    .select('removedAt')
    .where('id', '=', input.memberId)
    .forShare()
    .executeTakeFirst()
  if (member === undefined || member.removedAt !== null) throw notFound('Member', encodeId('member', input.memberId))
  const { id, secret } = await insertKey(tx, input)
  return { id, key: secret }
}

/**
 * Makes a key that speaks for the caller's member. Needs KEYS_WRITE, and every permission that the key is to have. It ends
 * no later than the caller's own. FORBIDDEN names the permission the caller lacks; INVALID_INPUT a moment that is over, or
 * too late.
 */
export async function createApiKey(tx: Tx, input: CreateApiKeyInput): Promise<KeyWithSecret> {
  const caller = await lockCaller(tx, 'KEYS_WRITE')
  const { memberId } = caller
  // The server itself has no member: it issues.
  if (memberId === null) throw forbidden('KEYS_WRITE')
  for (const permission of input.permissions) requireHeld(caller, permission)
  const expiresAt = input.expiresAt ?? null
  assertEnd(tx, caller, expiresAt)
  const made = await insertKey(tx, { ...input, memberId, expiresAt })
  const { name, environment, permissions } = input
  appendEvents(tx, [
    {
      type: keyEvents.created.type,
      subject: { kind: 'api_key', id: made.id },
      subjectVersion: 1,
      data: { memberId, environment, permissions },
      changes: changesBetween({}, { name, environment, permissions, expiresAt }),
    },
  ])
  return made
}

/**
 * Changes what is given; null clears. Needs KEYS_WRITE, and MEMBERS_WRITE for somebody else's key. It ends no later than the
 * caller's own. CONFLICT for a stale `ifVersion` and for a key that was revoked.
 */
export async function updateApiKey(tx: Tx, input: UpdateApiKeyInput): Promise<{ readonly id: string }> {
  const caller = await lockCaller(tx, 'KEYS_WRITE')
  const key = await lockKey(tx, caller, input)
  assertNotRevoked(key)
  const { id, name, expiresAt } = input
  const changes = changesBetween({ ...key }, { name, expiresAt })
  if (changes.length === 0) return { id }
  if (changes.some(({ field }) => field === 'expiresAt')) assertEnd(tx, caller, expiresAt ?? null)
  const version = key.version + 1
  await tx.sql
    .updateTable('apiKey')
    .set({
      ...(name === undefined ? {} : { name }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      version,
      updatedAt: tx.now,
    })
    .where('id', '=', id)
    .execute()
  appendEvents(tx, [
    { type: keyEvents.updated.type, subject: { kind: 'api_key', id }, subjectVersion: version, changes },
  ])
  return { id }
}

/**
 * Takes a key away, for good; requests and streams with it end within two seconds. Needs KEYS_WRITE, and MEMBERS_WRITE for
 * somebody else's key. Revoking it again changes nothing.
 */
export async function revokeApiKey(tx: Tx, input: RevokeApiKeyInput): Promise<{ readonly id: string }> {
  const caller = await lockCaller(tx, 'KEYS_WRITE')
  const key = await lockKey(tx, caller, input)
  if (key.revokedAt === null) await revoke(tx, key)
  return { id: key.id }
}

/**
 * Gives a key a new secret; the one before works on for the overlap. Needs KEYS_WRITE. Whoever rotates holds the key
 * afterwards, so for another key than one's own it needs every permission that stands on it, for somebody else's
 * MEMBERS_WRITE besides, and OWNERS_WRITE for an owner's. CONFLICT for a key that was revoked or has expired; INVALID_INPUT
 * for one that outlives the caller's own.
 */
export async function rotateApiKey(tx: Tx, input: RotateApiKeyInput): Promise<KeyWithSecret> {
  const caller = await lockCaller(tx, 'KEYS_WRITE')
  const key = await lockKey(tx, caller, input)
  assertNotRevoked(key)
  if (statusOfKey(key, tx.now) === 'EXPIRED') {
    throw conflict('CLOSED', 'This key has expired. Give it a later `expiresAt` first.', nodeOf(key))
  }
  if (key.id !== caller.keyId) await assertMayHold(tx, caller, key)
  const made = createKey(key.environment === 'LIVE' ? 'LIVE' : 'TEST')
  const previousExpiresAt = input.overlapMs === 0 ? null : new Date(tx.now.getTime() + input.overlapMs)
  const version = key.version + 1
  await tx.sql
    .updateTable('apiKey')
    .set({
      keyHash: made.hash,
      prefix: made.prefix,
      previousKeyHash: previousExpiresAt === null ? null : key.keyHash,
      previousExpiresAt,
      version,
      updatedAt: tx.now,
    })
    .where('id', '=', key.id)
    .execute()
  appendEvents(tx, [
    {
      type: keyEvents.rotated.type,
      subject: nodeOf(key),
      subjectVersion: version,
      data: { previousExpiresAt },
      changes: changesBetween({ prefix: key.prefix }, { prefix: made.prefix }),
    },
  ])
  return { id: key.id, secret: made.plain }
}

/** Takes every key of a member away. The caller has the member's row locked, so no further one is made meanwhile. */
export async function revokeKeysOfMember(tx: Tx, memberId: string): Promise<void> {
  const keys = await tx.sql
    .selectFrom('apiKey')
    .selectAll()
    .where('memberId', '=', memberId)
    .where('revokedAt', 'is', null)
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
  for (const key of keys) await revoke(tx, key, 'MEMBER_REMOVED')
}

/** Takes the names from the keys of a member, who chose them. Returns how many there were. For who erases. */
export async function emptyKeysOfMember(tx: Tx, memberId: string, name: string): Promise<number> {
  const { numUpdatedRows } = await tx.sql
    .updateTable('apiKey')
    .set((eb) => ({ name, version: eb('version', '+', 1), updatedAt: tx.now }))
    .where('memberId', '=', memberId)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

async function revoke(tx: Tx, key: KeyRow, reason?: 'MEMBER_REMOVED'): Promise<void> {
  const version = key.version + 1
  await tx.sql
    .updateTable('apiKey')
    .set({ revokedAt: tx.now, version, updatedAt: tx.now })
    .where('id', '=', key.id)
    .execute()
  appendEvents(tx, [
    {
      type: keyEvents.revoked.type,
      subject: nodeOf(key),
      subjectVersion: version,
      data: { memberId: key.memberId, ...(reason === undefined ? {} : { reason }) },
      changes: changesBetween({ revokedAt: key.revokedAt }, { revokedAt: tx.now }),
    },
  ])
}

interface Insert extends Omit<IssueApiKeyInput, 'permissions'> {
  readonly permissions: readonly string[]
}

async function insertKey(tx: Tx, input: Insert): Promise<KeyWithSecret> {
  const id = newId()
  const made: NewKey = createKey(input.environment)
  await tx.sql
    .insertInto('apiKey')
    .values({
      workspaceId: tx.workspaceId,
      id,
      memberId: input.memberId,
      name: input.name,
      prefix: made.prefix,
      keyHash: made.hash,
      permissions: [...input.permissions],
      environment: input.environment,
      expiresAt: input.expiresAt,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  return { id, secret: made.plain }
}

interface Versioned {
  readonly id: string
  readonly ifVersion?: number | null | undefined
}

/** The key's row, locked, if the caller may change it: their own, or anybody's with MEMBERS_WRITE. */
async function lockKey(tx: Tx, caller: Caller, { id, ifVersion }: Versioned): Promise<KeyRow> {
  const key = await tx.sql.selectFrom('apiKey').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
  if (key === undefined) throw notFound('API key', encodeId('api_key', id))
  if (key.memberId !== caller.memberId) requireHeld(caller, 'MEMBERS_WRITE')
  if (ifVersion != null && ifVersion !== key.version) {
    throw conflict('STALE_VERSION', `This key has changed: it is at version ${key.version}.`, nodeOf(key))
  }
  return key
}

/** Whoever learns a key's new secret may do from then on what the key may, for as long as it may. */
async function assertMayHold(tx: Tx, caller: Caller, key: KeyRow): Promise<void> {
  if (key.memberId !== caller.memberId) {
    const member = await tx.sql.selectFrom('member').select('role').where('id', '=', key.memberId).executeTakeFirst()
    if (member === undefined || member.role === 'OWNER') requireHeld(caller, 'OWNERS_WRITE')
  }
  for (const permission of PERMISSIONS) if (key.permissions.includes(permission)) requireHeld(caller, permission)
  if (outlives(key.expiresAt, caller)) {
    const message = 'This key works longer than yours: rotate it with one that works as long.'
    throw invalidInput([{ path: ['id'], code: 'NOT_ALLOWED', message }])
  }
}

function assertEnd(tx: Tx, caller: Caller, expiresAt: Date | null): void {
  if (expiresAt !== null && expiresAt <= tx.now) {
    throw invalidInput([{ path: ['expiresAt'], code: 'TOO_SMALL', message: 'This moment is over already.' }])
  }
  if (outlives(expiresAt, caller)) {
    const message = `Your own key expires at ${caller.expiresAt?.toISOString()}: it gives no other more time.`
    throw invalidInput([{ path: ['expiresAt'], code: 'TOO_LARGE', message }])
  }
}

const outlives = (expiresAt: Date | null, { expiresAt: own }: Caller): boolean =>
  own !== null && (expiresAt === null || expiresAt > own)

function assertNotRevoked(key: KeyRow): void {
  if (key.revokedAt !== null) throw conflict('CLOSED', 'This key was revoked. Make a new one.', nodeOf(key))
}

const nodeOf = ({ id }: { readonly id: string }) => ({ kind: 'api_key', id })
