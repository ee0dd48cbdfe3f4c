import { isConnectionError } from '../db/errors.ts'
import { CommitUnknown } from '../db/transaction.ts'
import { isAppError } from '../lib/errors.ts'
import type { Logger } from '../observability/logger.ts'

/** A row of any workspace that is due. */
export interface DueItem {
  readonly workspaceId: string
  readonly id: string
}

export interface DueItemsOptions<Item extends Pick<DueItem, 'id'>> {
  /** The next batch, without the rows of these ids. */
  find(seen: readonly string[]): Promise<readonly Item[]>
  /** Deals with one in a transaction of its own; false when there was nothing to do (any more). */
  deal(item: Item): Promise<boolean>
  readonly log: Logger
}

/** A pass ends behind so many, whatever is left: what it has seen goes into its next question. */
const MOST_PER_PASS = 1_000

/**
 * Deals with what is due, one by one, and returns how many it dealt with. An item that fails is logged and left for the next
 * pass: it keeps back neither those of its batch nor those behind it. The database going away ends the pass, by throwing.
 */
export async function dealWithDue<Item extends Pick<DueItem, 'id'> = DueItem>({
  find,
  deal,
  log,
}: DueItemsOptions<Item>): Promise<number> {
  const seen: string[] = []
  let dealt = 0
  for (;;) {
    let failed = 0
    for (const item of await find(seen)) {
      seen.push(item.id)
      try {
        if (await deal(item)) dealt += 1
      } catch (err) {
        if (isOutage(err)) throw err
        failed += 1
        log.error({ err, ...(item as object) }, 'what is due could not be dealt with: it is tried again')
      }
    }
    // Without a failure the next pass finds the rest; with one it would find the same again first.
    if (failed === 0 || seen.length >= MOST_PER_PASS) return dealt
  }
}

const isOutage = (err: unknown): boolean =>
  isConnectionError(err) || err instanceof CommitUnknown || (isAppError(err) && err.code === 'UNAVAILABLE')
