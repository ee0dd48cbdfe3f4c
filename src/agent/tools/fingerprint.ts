import { createHash } from 'node:crypto'
import { canonical } from '../../domains/approvals/service.ts'
import type { NewEffect } from '../../domains/runs/service.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import type { Outgoing } from '../../platform/tools/tool.ts'

/** How the ledger tells one send from another, and a repetition from both. */

export const hashOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex')

/**
 * The content's hash for the ledger, which holds each (tool, target, hash) of a run once. A repetition that is allowed
 * after all (the first one failed, or a person said so) gets a hash of its own. `unwritten`: effects of this very turn,
 * which enter the ledger together with the one that is asked about.
 */
export async function fingerprint(
  tx: Tx,
  runId: string,
  tool: string,
  outgoing: Outgoing,
  unwritten: readonly NewEffect[] = [],
): Promise<{ readonly contentHash: string; readonly repeated: boolean; readonly doubtful: boolean }> {
  const written = await tx.sql
    .selectFrom('effect')
    .select(['contentHash', 'status'])
    .where('runId', '=', runId)
    .where('tool', '=', tool)
    .where('target', '=', outgoing.target)
    .execute()
  const rows = [...written, ...unwritten.filter((effect) => effect.tool === tool && effect.target === outgoing.target)]
  const earlier = new Map(rows.map((row) => [row.contentHash, row.status]))
  const first = hashOf(outgoing.content)
  let contentHash = first
  let repeated = false
  for (let n = 1; earlier.has(contentHash); n++) {
    repeated ||= earlier.get(contentHash) !== 'FAILED'
    contentHash = hashOf([first, n])
  }
  const doubtful = rows.some((row) => row.status === 'UNKNOWN')
  return { contentHash, repeated, doubtful }
}

/** Whether an effect that was put down is still what would be sent now. */
export function isSameContent(
  stored: { readonly target: string; readonly contentHash: string },
  outgoing: Outgoing,
): boolean {
  if (stored.target !== outgoing.target) return false
  const first = hashOf(outgoing.content)
  if (stored.contentHash === first) return true
  // One that repeats failed attempts carries its number.
  return Array.from({ length: MAX_REPETITIONS }, (_, n) => hashOf([first, n + 1])).includes(stored.contentHash)
}

/** More sends of one thing in one run than its turns allow. */
const MAX_REPETITIONS = 100
