import { advanceRun, type Entry, type Fence, FenceLost, type Signals } from '../domains/runs/service.ts'
import type { Ctx } from '../platform/context.ts'
import { CommitUnknown, type Tx } from '../platform/db/transaction.ts'
import { isAppError } from '../platform/lib/errors.ts'

/*
 * How the loop writes. Each write is one transaction behind the run's fence. The database going away does not end a run
 * and does not cost a paid turn: the write waits and is done again, as often as it takes, for it holds everything in memory
 * and the fence keeps it from being done twice. When the answer to a COMMIT was lost, the run's own row (or the ledger) says
 * whether it happened.
 */

export interface WriteOptions {
  /** Whether this write has happened, for one that appends no steps and so leaves no trace in the fence. */
  readonly proof?: (tx: Tx) => Promise<boolean>
}

export interface Journal {
  readonly fence: Fence
  /** One write. `work` is run inside the transaction, behind the fence, and again when it must be repeated. */
  write<Result>(
    entry: Entry,
    work: (tx: Tx, signals: Signals) => Promise<Result>,
    options?: WriteOptions,
  ): Promise<Result>
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

/** `ctx` acts as the employee. `signal` ends the waiting for a database that is away, by throwing its reason. */
export function createJournal(ctx: Ctx, claimed: Fence, signal: AbortSignal): Journal {
  let fence = claimed
  const { db, clock } = ctx

  /** Whether a write whose COMMIT went unanswered is there. */
  const happened = async (entry: Entry, proof: WriteOptions['proof']): Promise<boolean> =>
    db.inTransaction(ctx, async (tx) => {
      const row = await tx.sql
        .selectFrom('run')
        .select(['attempt', 'nextSeq', 'status'])
        .where('id', '=', fence.runId)
        // Waits for a server that is still committing what it could not answer.
        .forUpdate()
        .executeTakeFirst()
      if (row === undefined || row.attempt !== fence.attempt) throw new FenceLost(fence)
      if (entry.steps > 0) return row.nextSeq === fence.seq + entry.steps
      // The run's last write, or its wait: nothing else takes it out of RUNNING behind this fence.
      if (row.status !== 'RUNNING') return true
      return proof === undefined ? false : await proof(tx)
    })

  return {
    get fence() {
      return fence
    },
    async write(entry, work, { proof } = {}) {
      type Result = Awaited<ReturnType<typeof work>>
      let worked: { readonly result: Result } | undefined
      let inDoubt = false
      for (let failures = 0; ; failures++) {
        try {
          if (inDoubt && worked !== undefined && (await happened(entry, proof))) {
            fence = { ...fence, seq: fence.seq + entry.steps }
            return worked.result
          }
          inDoubt = false
          const result = await db.inTransaction(ctx, async (tx) => {
            const signals = await advanceRun(tx, fence, entry)
            worked = { result: await work(tx, signals) }
            return worked.result
          })
          fence = { ...fence, seq: fence.seq + entry.steps }
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
