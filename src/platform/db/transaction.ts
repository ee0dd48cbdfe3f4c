// Transactions bound to a workspace.
//
// One attempt: borrow a connection bound to the workspace, BEGIN, the callback, COMMIT, then the onCommit callbacks.
// A serialization failure (40001) or deadlock (40P01) rolls back and starts anew, so the callback must be repeatable:
// what it does outside the database belongs into onCommit. A COMMIT whose answer was lost is neither repeated nor
// called failed: the caller gets CommitUnknown and reads its own claim.

import { CamelCasePlugin, Kysely } from 'kysely'
import pg from 'pg'
import type { Ctx } from '../context.ts'
import { translateDatabaseError } from './errors.ts'
import { SingleConnectionDialect } from './single-connection-dialect.ts'
import type { Tables } from './tables.ts'
import { acquireBound } from './tenant-connections.ts'
import { TenantPlugin } from './tenant-plugin.ts'

declare const inTransactionOnly: unique symbol

/**
 * A running transaction in a workspace; only `inTransaction` makes one, so a verb that takes it is atomic with whatever
 * else its caller does. It carries the caller's context: who, where from, and why.
 */
export interface Tx extends Ctx {
  readonly [inTransactionOnly]: true
  /** Statements of this transaction; every table is constrained to the workspace. */
  readonly sql: Kysely<Tables>
  /** The transaction's moment, for every row and event it writes. */
  readonly now: Date
  /** Runs after COMMIT, in order, not at all after a rollback. Must not throw: the change has already happened. */
  onCommit(callback: () => void): void
  /** Makes the transaction end in ROLLBACK with its result all the same (`@dryRun`); onCommit callbacks do not run. */
  rollbackAtEnd(): void
}

/** The connection broke between COMMIT and its answer: the change may or may not have happened. */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super('the connection was lost while committing', { cause })
    this.name = 'CommitUnknown'
  }
}

export interface TransactionOptions {
  /** How often a serialization failure or deadlock is tried anew; 5 unless told. */
  readonly retries?: number
}

const RETRYABLE = new Set(['40001', '40P01'])
const camelCase = new CamelCasePlugin({ maintainNestedObjectKeys: true })

/**
 * Runs `work` in one transaction of the context's workspace and returns its result after COMMIT. Atomic: a throw rolls
 * everything back. Throws AppError for what the database refuses in a caller's name, CommitUnknown, or what `work` threw.
 */
export async function inTransaction<Result>(
  pool: pg.Pool,
  ctx: Ctx,
  work: (tx: Tx) => Promise<Result>,
  { retries = 5 }: TransactionOptions = {},
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(pool, ctx, work)
    } catch (err) {
      const code = err instanceof pg.DatabaseError ? err.code : undefined
      if (code !== undefined && RETRYABLE.has(code) && attempt <= retries) {
        await ctx.clock.sleep(Math.random() * 10 * 2 ** attempt)
        continue
      }
      throw translateDatabaseError(err)
    }
  }
}

async function attemptOnce<Result>(pool: pg.Pool, ctx: Ctx, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  const client = await acquireBound(pool, ctx.workspaceId)
  const callbacks: (() => void)[] = []
  let discard = false
  let committing = false
  let inDoubt = true
  const dialect = new SingleConnectionDialect(client)
  const sql = new Kysely<Tables>({ dialect, plugins: [new TenantPlugin(ctx.workspaceId), camelCase] })
  const tx = {
    ...ctx,
    sql,
    now: ctx.clock.now(),
    onCommit: (callback: () => void) => {
      callbacks.push(callback)
    },
    rollbackAtEnd: () => {
      discard = true
    },
  } as Omit<Tx, typeof inTransactionOnly> as Tx
  let result: Result
  try {
    await client.query('BEGIN')
    try {
      result = await work(tx)
      committing = true
      dialect.close()
      const ended = await client.query(discard ? 'ROLLBACK' : 'COMMIT')
      inDoubt = false
      // PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement failed and its error was swallowed.
      if (!discard && ended.command !== 'COMMIT') throw new Error('the transaction had failed and was rolled back')
    } catch (err) {
      dialect.close()
      if (committing && !inDoubt) throw err
      if (committing && !discard && mayHaveCommitted(err)) throw new CommitUnknown(err)
      await client.query('ROLLBACK')
      inDoubt = false
      throw err
    }
  } finally {
    client.release(inDoubt)
  }
  if (!discard) for (const callback of callbacks) afterCommit(callback, ctx)
  return result
}

// An answer of PostgreSQL itself says that nothing was committed, but for one about a connection that was lost.
const mayHaveCommitted = (err: unknown): boolean =>
  !(err instanceof pg.DatabaseError) || err.code === undefined || /^08|^40003$/.test(err.code)

/** The change has happened: a fault in what follows must not make it look as if it had not. */
function afterCommit(callback: () => void, ctx: Ctx): void {
  try {
    callback()
  } catch (err) {
    ctx.log.error({ err }, 'what should follow a commit failed')
  }
}
