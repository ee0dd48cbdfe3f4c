import type { Kysely } from 'kysely'
import type { Ctx } from '../context.ts'
import type { Database } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import type { Tx } from '../db/transaction.ts'
import { conflict, unavailable } from '../lib/errors.ts'
import type { Logger } from '../observability/logger.ts'
import { openSecret, rewrap, SealBroken, sealSecret } from './envelope.ts'
import type { Keyring } from './keyring.ts'

/*
 * What workspaces trust us with, one secret for each purpose. Its plain text is in memory only, while it is used: never in a
 * row, an event, a claim, a log line or an error.
 */

export type CredentialPurpose = 'MAIL_SERVER'

/** Seals and stores a secret, instead of the one before. It opens only beside the values of `beside`. */
export async function storeCredential(
  tx: Tx,
  keyring: Keyring,
  {
    purpose,
    secret,
    beside,
  }: { readonly purpose: CredentialPurpose; readonly secret: string; readonly beside: readonly string[] },
): Promise<void> {
  const master = await keyring.current()
  const envelope = sealSecret(master, { workspaceId: tx.workspaceId, purpose }, secret, beside)
  const row = { ...bytesOf(envelope), updatedAt: tx.now }
  await tx.sql
    .insertInto('credential')
    .values({ workspaceId: tx.workspaceId, purpose, createdAt: tx.now, ...row })
    .onConflict((clash) => clash.columns(['workspaceId', 'purpose']).doUpdateSet(row))
    .execute()
}

/** Removes a secret for good. Nothing to remove changes nothing. */
export async function removeCredential(tx: Tx, purpose: CredentialPurpose): Promise<void> {
  await tx.sql.deleteFrom('credential').where('purpose', '=', purpose).execute()
}

/**
 * The secret in the clear; null when there is none. UNAVAILABLE where this process lacks its key: while keys are changed
 * another has sealed it already, and it opens once this one is started with that key. CONFLICT (NOT_CONFIGURED) where what is
 * stored was changed or comes from elsewhere.
 */
export async function openCredential(
  sql: Kysely<Tables>,
  keyring: Keyring,
  {
    workspaceId,
    purpose,
    beside,
  }: { readonly workspaceId: string; readonly purpose: CredentialPurpose; readonly beside: readonly string[] },
): Promise<string | null> {
  const row = await sql
    .selectFrom('credential')
    .select(['keyId', 'wrappedKey', 'sealed'])
    .where('purpose', '=', purpose)
    .executeTakeFirst()
  if (row === undefined) return null
  const master = await keyring.find(row.keyId)
  if (master === undefined) {
    throw unavailable(
      `It was sealed with the key ${row.keyId}, which SECRET_KEY of this server does not hold.`,
      UNKNOWN_KEY_RETRY_MS,
    )
  }
  try {
    return openSecret(master, { workspaceId, purpose }, buffersOf(row), beside)
  } catch (err) {
    if (!(err instanceof SealBroken)) throw err
    throw conflict(
      'NOT_CONFIGURED',
      'What is stored of it was changed, or belongs elsewhere: it does not open. Connect it anew.',
    )
  }
}

const UNKNOWN_KEY_RETRY_MS = 60_000

interface Row {
  readonly keyId: string
  readonly wrappedKey: Uint8Array
  readonly sealed: Uint8Array
}

const buffersOf = ({ keyId, wrappedKey, sealed }: Row) => ({
  keyId,
  wrappedKey: Buffer.from(wrappedKey),
  sealed: Buffer.from(sealed),
})

const bytesOf = ({ keyId, wrappedKey, sealed }: Row) => ({
  keyId,
  wrappedKey: wrappedKey as Uint8Array<ArrayBuffer>,
  sealed: sealed as Uint8Array<ArrayBuffer>,
})

/** Secrets looked at in one statement at most. */
const BATCH = 500

/**
 * Has every workspace's secrets sealed by the key that seals now, so that older ones can be taken away; and says in the log
 * which do not open with any key of this server. For each process's start: any number may do it at once, and one that dies
 * leaves each secret sealed by the one key or the other. Never throws for a secret that does not open.
 */
export async function rewrapCredentials({
  db,
  contextOf,
  keyring,
  log,
}: {
  readonly db: Database
  readonly contextOf: (workspaceId: string) => Ctx
  readonly keyring: Keyring
  readonly log: Logger
}): Promise<{ readonly rewrapped: number; readonly unreadable: number }> {
  const current = await keyring.existing().catch(() => undefined)
  let rewrapped = 0
  let after = { workspaceId: '00000000-0000-0000-0000-000000000000', purpose: '' }
  const unreadable = new Map<string, number>()
  for (;;) {
    const found = await db.systemSql
      .selectFrom('credential')
      .select(['workspaceId', 'purpose', 'keyId'])
      .$if(current !== undefined, (query) => query.where('keyId', '!=', current?.id ?? ''))
      .where((eb) => eb(eb.refTuple('workspaceId', 'purpose'), '>', eb.tuple(after.workspaceId, after.purpose)))
      .orderBy('workspaceId')
      .orderBy('purpose')
      .limit(BATCH)
      .execute()
    for (const { workspaceId, purpose, keyId } of found) {
      after = { workspaceId, purpose }
      const from = await keyring.find(keyId)
      const moved =
        from !== undefined &&
        (current === undefined ||
          (await db.inTransaction(contextOf(workspaceId), async (tx) => {
            const row = await tx.sql
              .selectFrom('credential')
              .select(['keyId', 'wrappedKey', 'sealed'])
              .where('purpose', '=', purpose)
              .forUpdate()
              .executeTakeFirst()
            // It was connected anew, removed, or moved by another process meanwhile.
            if (row === undefined || row.keyId !== keyId) return true
            try {
              const envelope = rewrap(from, current, { workspaceId, purpose }, buffersOf(row))
              await tx.sql.updateTable('credential').set(bytesOf(envelope)).where('purpose', '=', purpose).execute()
            } catch (err) {
              if (err instanceof SealBroken) return false
              throw err
            }
            rewrapped += 1
            return true
          })))
      if (!moved) unreadable.set(keyId, (unreadable.get(keyId) ?? 0) + 1)
    }
    if (found.length < BATCH) break
  }
  if (rewrapped > 0) log.info({ rewrapped, keyId: current?.id }, 'credentials are sealed by the present SECRET_KEY now')
  for (const [keyId, count] of unreadable) {
    log.error(
      { keyId, count },
      'credentials do not open with SECRET_KEY: add the key they were sealed with, or have them connected anew',
    )
  }
  return { rewrapped, unreadable: [...unreadable.values()].reduce((sum, count) => sum + count, 0) }
}
