// Transactions bound to a workspace.
//
// One attempt: borrow a connection bound to the workspace, BEGIN, the callback, COMMIT, then the onCommit callbacks.
// A serialization failure (40001) or deadlock (40P01) rolls back and starts anew, so the callback must be repeatable:
// what it does outside the database belongs into onCommit. So does a statement whose plan has become stale, over another
// connection. A COMMIT whose answer was lost is neither repeated nor called failed: the caller gets CommitUnknown and
// reads its own claim.
//
// Statements travel in a pipeline: BEGIN goes out together with the first of them, and what was put off to the end
// together with COMMIT, so that an answer is waited for only where somebody needs it. Outside a transaction the connection
// is read-only: should BEGIN fail, nothing that was sent behind it is done.

import { CamelCasePlugin, Kysely } from 'kysely'
import pg from 'pg'
import type { Viewer } from '../auth/viewer.ts'
import type { Ctx } from '../context.ts'
import { isConcurrencyFailure, translateDatabaseError } from './errors.ts'
import { SingleConnectionDialect } from './single-connection-dialect.ts'
import { isStalePlan, pastStalePlans } from './stale-plan.ts'
import type { Statement } from './statement.ts'
import type { Tables } from './tables.ts'
import { acquireBound } from './tenant-connections.ts'
import { TenantPlugin } from './tenant-plugin.ts'
import { type PutOff, TransactionConnection } from './transaction-connection.ts'

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
  /** Runs a prepared statement and returns its rows. */
  run<Input extends object, Row>(statement: Statement<Input, Row>, input: Input): Promise<Row[]>
  /**
   * Sends a prepared statement and does not wait for its answer: what is sent later is done later. When it fails, the
   * transaction fails with its error. Not for what a tool does: the tool would not be told. `answered` gets its rows, before
   * the transaction has ended.
   */
  write<Input extends object, Row>(
    statement: Statement<Input, Row>,
    input: Input,
    answered?: (rows: Row[]) => void,
  ): void
  /** Has writes that gather somewhere sent when the transaction ends. */
  putOff(writes: PutOff): void
  /** Sends what was put off, and resolves when everything is done that was sent; throws what COMMIT would for it. */
  settle(): Promise<void>
  /** Runs `work`; when it throws, what it wrote is rolled back and the transaction may go on. */
  savepoint<Result>(work: () => Promise<Result>): Promise<Result>
  /** Runs after COMMIT, in order, not at all after a rollback. Must not throw: the change has already happened. */
  onCommit(callback: () => void): void
  /**
   * The same transaction in another workspace, as somebody else, or from elsewhere: for what an account does, which founds a
   * workspace or joins one. Only where the transaction is the system's: another role's is bound to one workspace by the
   * database.
   */
  within(place: { readonly workspaceId: string; readonly viewer?: Viewer; readonly origin?: Ctx['origin'] }): Tx
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

/** Statements of a running transaction of the system's, of whatever workspace: no predicate is added. They end with it. */
export function unboundSqlOf(tx: Tx): Kysely<Tables> {
  const dialect = dialects.get(tx.sql)
  if (dialect === undefined) throw new Error('only `inTransaction` makes a transaction')
  return new Kysely<Tables>({ dialect, plugins: [camelCase] })
}

export interface TransactionOptions {
  /** How often a serialization failure or deadlock is tried anew; 5 unless told. */
  readonly retries?: number
}

const camelCase = new CamelCasePlugin({ maintainNestedObjectKeys: true })

const connections = new WeakMap<Tx['sql'], pg.PoolClient>()
const dialects = new WeakMap<Tx['sql'], SingleConnectionDialect>()

/** The connection of a running transaction, for who reads in it by other means than its own. */
export function connectionOf(tx: Tx): pg.PoolClient {
  const client = connections.get(tx.sql)
  if (client === undefined) throw new Error('only `inTransaction` makes a transaction')
  return client
}

/**
 * Runs `work` in one transaction of the context's workspace and returns its result after COMMIT. Atomic: a throw rolls
 * everything back. Throws AppError for what the database refuses in a caller's name, CommitUnknown, or what `work` threw.
 */
export async function inTransaction<Result>(
  pool: pg.Pool,
  ctx: Ctx,
  work: (tx: Tx) => Promise<Result> | Result,
  { retries = 5 }: TransactionOptions = {},
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await pastStalePlans(() => attemptOnce(pool, ctx, work))
    } catch (err) {
      if (isConcurrencyFailure(err) && attempt <= retries) {
        await ctx.clock.sleep(Math.random() * 10 * 2 ** attempt)
        continue
      }
      throw translateDatabaseError(err)
    }
  }
}

async function attemptOnce<Result>(
  pool: pg.Pool,
  ctx: Ctx,
  work: (tx: Tx) => Promise<Result> | Result,
): Promise<Result> {
  const client = await acquireBound(pool, ctx.workspaceId)
  const callbacks: (() => void)[] = []
  let discard = false
  let committing = false
  let inDoubt = true
  const dialect = new SingleConnectionDialect(client)
  const sql = new Kysely<Tables>({ dialect, plugins: [new TenantPlugin(ctx.workspaceId), camelCase] })
  const now = ctx.clock.now()
  const connection = new TransactionConnection(client, { workspaceId: ctx.workspaceId, now })
  const tx = {
    ...ctx,
    sql,
    now,
    run: (statement, input) => connection.run(statement, input),
    write: (statement, input, answered) => connection.write(statement, input, answered),
    within: ({ workspaceId, viewer = ctx.viewer, origin = ctx.origin }) => {
      const given = { workspaceId, now }
      const inside: Tx = {
        ...tx,
        workspaceId,
        viewer,
        origin,
        sql: new Kysely<Tables>({ dialect, plugins: [new TenantPlugin(workspaceId), camelCase] }),
        run: (statement, input) => connection.run(statement, input, given),
        write: (statement, input, answered) => connection.write(statement, input, answered, given),
      }
      return inside
    },
    putOff: (writes) => connection.putOff(writes),
    settle: () => connection.settle(),
    savepoint: (work) => connection.savepoint(work),
    onCommit: (callback) => {
      callbacks.push(callback)
    },
    rollbackAtEnd: () => {
      discard = true
    },
  } as Omit<Tx, typeof inTransactionOnly> as Tx
  connections.set(sql, client)
  dialects.set(sql, dialect)
  const close = () => {
    dialect.close()
    connection.close()
  }
  let result: Result
  try {
    const begun = client.query('BEGIN READ WRITE')
    begun.catch(() => {}) // awaited below
    try {
      result = await work(tx)
      await begun
      connection.flush()
      if (connection.failure !== undefined) throw connection.failure
      committing = true
      close()
      const ended = await client.query(discard ? 'ROLLBACK' : 'COMMIT')
      inDoubt = false
      if (connection.failure !== undefined) throw connection.failure
      // PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement before it failed.
      if (!discard && ended.command !== 'COMMIT') throw new Error('the transaction had failed and was rolled back')
    } catch (thrown) {
      close()
      const err = connection.causeOf(thrown)
      if (committing && !inDoubt) {
        inDoubt = isStalePlan(err)
        throw err
      }
      if (committing && !discard && mayHaveCommitted(err)) throw new CommitUnknown(err)
      // What came of BEGIN explains what came of the statements behind it.
      await begun
      await client.query('ROLLBACK')
      inDoubt = isStalePlan(err)
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
