import type { Database } from '../../platform/db/database.ts'

const KEPT_MS = 30 * 24 * 3_600_000
const BATCH = 1_000

/**
 * Forgets sessions that ended more than 30 days ago, with their refresh tokens, and tokens of mail that are over; returns how
 * many. Until then a refresh token that comes back is known for what it is. One that was revoked is kept until it would have
 * expired by itself: the token of an issuer is good until then, and with its row it would be forgotten that it was revoked.
 */
export async function purgeSessions(db: Database, now: Date): Promise<number> {
  const before = new Date(now.getTime() - KEPT_MS)
  const sessions = await db.systemSql
    .deleteFrom('session')
    .where('id', 'in', (query) =>
      query
        .selectFrom('session')
        .select('id')
        .where('expiresAt', '<', now)
        .where((eb) => eb.or([eb('expiresAt', '<', before), eb('revokedAt', '<', before)]))
        .limit(BATCH),
    )
    .executeTakeFirst()
  const tokens = await db.systemSql.deleteFrom('accountToken').where('expiresAt', '<', before).executeTakeFirst()
  return Number(sessions.numDeletedRows) + Number(tokens.numDeletedRows)
}
