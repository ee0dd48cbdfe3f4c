import { advanceRun, type Entry, type Fence, FenceLost, type Signals } from '../domains/runs/service.ts'
import type { Ctx } from '../platform/context.ts'
import { CommitUnknown, type Tx } from '../platform/db/transaction.ts'
import { isAppError } from '../platform/lib/errors.ts'

/*
 * How the loop writes. Each write is one transaction behind the run's fence. The database going away does not end a run
 * and does not cost a paid turn: the write waits and is done again, as often as it takes, for it holds everything in memory
 * and the fence keeps it from being done twice. When the answer to a COMMIT was lost, the run's own row says whether it
 * happened: every write is counted there.
 */

export interface Journal {
  readonly fence: Fence
  /** One write. `work` is run inside the transaction, behind the fence, and again when it must be repeated. */
  write<Result>(entry: Entry, work: (tx: Tx, signals: Signals) => Promise<Result>): Promise<Result>
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

/** `ctx` acts as the employee. `signal` ends the waiting for a database that is away, by throwing its reason. */
export function createJournal(ctx: Ctx, claimed: Fence, signal: AbortSignal): Journal {
  let fence = claimed
  const { db, clock } = ctx

  /** Whether a write whose COMMIT went unanswered is there. */
  const happened = async (): Promise<boolean> =>
    db.inTransaction(ctx, async (tx) => {
      const row = await tx.sql
        .selectFrom('run')
        .select(['attempt', 'writes'])
        .where('id', '=', fence.runId)
        // Waits for a server that is still committing what it could not answer.
        .forUpdate()
        .executeTakeFirst()
      if (row === undefined || row.attempt !== fence.attempt) throw new FenceLost(fence)
      return row.writes === fence.writes + 1
    })

  const advance = ({ steps }: Entry): void => {
    fence = { ...fence, seq: fence.seq + steps, writes: fence.writes + 1 }
  }

  return {
    get fence() {
      return fence
    },
    async write(entry, work) {
      type Result = Awaited<ReturnType<typeof work>>
      let worked: { readonly result: Result } | undefined
      let inDoubt = false
      for (let failures = 0; ; failures++) {
        try {
          if (inDoubt && worked !== undefined && (await happened())) {
            advance(entry)
            return worked.result
          }
          inDoubt = false
          const result = await db.inTransaction(ctx, async (tx) => {
            const signals = await advanceRun(tx, fence, entry)
            worked = { result: await work(tx, signals) }
            return worked.result
          })
          advance(entry)
          return result
        } catch (err) {
          if (err instanceof CommitUnknown) inDoubt = true
          else if (!isAppError(err) || err.code !== 'UNAVAILABLE') throw err
          signal.throwIfAborted()
          ctx.log.debug({ err, runId: fence.runId }, 'a journal write waits for the database')
          await clock.sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures), signal)
        }
      }
    },
  }
}
