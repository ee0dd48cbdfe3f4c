import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Tx } from '../../platform/db/transaction.ts'
import { limitExceeded } from '../../platform/lib/errors.ts'

/*
 * Invites are mails to whom the inviter likes, and where anybody may sign up that is anybody's mail: how many are open is
 * bounded for a workspace, and how many mails an address is sent for all workspaces together. Both are exact, however many come
 * at once: the first is counted under the workspace's lock, the second holds the address's count until the transaction ends.
 * The second one refuses nothing: else a stranger's workspace keeps somebody from being invited, and one learns of another.
 */

export const MAX_OPEN_INVITES = 50
export const MAX_MAILS_A_DAY = 3
/** Of one workspace, however often it takes invites back to make room for others. */
export const MAX_WORKSPACE_MAILS_A_DAY = 200
const DAY_MS = 24 * 3_600_000

/** Throws LIMIT_EXCEEDED where an invite beside those of other addresses would be one too many. */
export async function assertRoomForInvite(tx: Tx, emailFolded: string): Promise<void> {
  const open = await tx.sql
    .selectFrom('invite')
    .select('expiresAt')
    .where('acceptedAt', 'is', null)
    .where('revokedAt', 'is', null)
    .where('emailFolded', '!=', emailFolded)
    .where('expiresAt', '>', tx.now)
    .orderBy('expiresAt')
    .limit(MAX_OPEN_INVITES)
    .execute()
  const [first] = open
  if (first === undefined || open.length < MAX_OPEN_INVITES) return
  const message = `${MAX_OPEN_INVITES} invites are open. Take one back, or wait until one is accepted or over.`
  throw limitExceeded('QUOTA', message, first.expiresAt.getTime() - tx.now.getTime())
}

/** Counts an invite to an address. False where it, or where the workspace, has had as many mails as may be sent today. */
export async function mayMailInviteTo(tx: Tx, emailFolded: string): Promise<boolean> {
  const address = createHash('sha256').update(emailFolded).digest('base64url')
  const ofWorkspace = await isWithin(tx, `workspace ${tx.workspaceId}`, MAX_WORKSPACE_MAILS_A_DAY)
  return (await isWithin(tx, address, MAX_MAILS_A_DAY)) && ofWorkspace
}

async function isWithin(tx: Tx, counted: string, most: number): Promise<boolean> {
  const { rows } = await sql<{ waitMs: number | null }>`
    select cadre_mails.count_invite(${counted}, ${most}, ${tx.now.getTime()}, ${DAY_MS}) as "waitMs"
  `.execute(tx.sql)
  return (rows[0]?.waitMs ?? null) === null
}
