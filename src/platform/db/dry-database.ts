// The database of a dry run: one transaction that stays open after its work is done, so that the answer can be read in it,
// and that ends in ROLLBACK whatever happens.
//
//   new      nothing was written yet; reads go to the database as it is
//   held     the work of the first transaction is done and its result handed over; whoever reads in its workspace reads
//            over its connection, and sees what it has written
//   ended    rolled back: a read that comes late is refused
//
// Until it is held, the work is repeated like any other after a serialization failure; afterwards nothing is.

import type { Kysely } from 'kysely'
import type pg from 'pg'
import type { Ctx } from '../context.ts'
import type { Database } from './database.ts'
import { translateDatabaseError } from './errors.ts'
import type { HeldPrisma, Prisma, PrismaClients } from './prisma-clients.ts'
import { countRows, type RowsByTable } from './row-counts.ts'
import type { Tables } from './tables.ts'
import { connectionOf, type TransactionOptions, type Tx, unboundSqlOf } from './transaction.ts'

interface Held {
  readonly tx: Tx
  readonly prisma: HeldPrisma
  readonly rows: RowsByTable | undefined
  /** Where the transaction is the system's: what it sees, of whatever workspace. */
  readonly systemSql: Kysely<Tables> | undefined
  /** Lets the transaction end. */
  letGo(): void
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
}

export class DryDatabase implements Database {
  readonly #real: Database
  readonly #clients: PrismaClients
  #held: Held | undefined
  #isOver = false

  constructor(real: Database, clients: PrismaClients) {
    this.#real = real
    this.#clients = clients
  }

  get app(): pg.Pool {
    return this.#real.app
  }

  get system(): pg.Pool {
    return this.#real.system
  }

  get systemSql(): Kysely<Tables> {
    return this.#held?.systemSql ?? this.#real.systemSql
  }

  /** What was written, by table; nothing where no transaction came to its end, undefined where nobody counts. */
  get rows(): RowsByTable | undefined {
    return this.#held === undefined ? {} : this.#held.rows
  }

  prisma(workspaceId: string): Prisma {
    const held = this.#heldIn(workspaceId)
    return held === undefined ? this.#real.prisma(workspaceId) : held.prisma.client
  }

  async read<Result>(workspaceId: string, work: (sql: Kysely<Tables>) => Promise<Result>): Promise<Result> {
    const held = this.#heldIn(workspaceId)
    if (held === undefined) return await this.#real.read(workspaceId, work)
    try {
      return await work(held.tx.sql)
    } catch (err) {
      throw translateDatabaseError(err)
    }
  }

  async inTransaction<Result>(
    ctx: Ctx,
    work: (tx: Tx) => Promise<Result> | Result,
    options?: TransactionOptions,
  ): Promise<Result> {
    return await this.#hold(ctx, work, (whole) => this.#real.inTransaction(ctx, whole, options))
  }

  async inAccountTransaction<Result>(
    ctx: Ctx,
    work: (tx: Tx) => Promise<Result> | Result,
    options?: TransactionOptions,
  ): Promise<Result> {
    return await this.#hold(ctx, work, (whole) => this.#real.inAccountTransaction(ctx, whole, options), true)
  }

  dry(): DryDatabase {
    return this.#real.dry()
  }

  /** Rolls back. `clean` says that everything that read in the transaction has been awaited. */
  async end(clean: boolean): Promise<void> {
    this.#isOver = true
    if (this.#held === undefined) return
    this.#held.prisma.giveBack(clean)
    this.#held.letGo()
    await this.#held.ended
  }

  async close(): Promise<void> {
    throw new Error('a dry run does not close the database')
  }

  #heldIn(workspaceId: string): Held | undefined {
    return this.#held?.tx.workspaceId === workspaceId ? this.#held : undefined
  }

  #hold<Result>(
    ctx: Ctx,
    work: (tx: Tx) => Promise<Result> | Result,
    begin: (whole: (tx: Tx) => Promise<void>) => Promise<void>,
    isSystems = false,
  ): Promise<Result> {
    if (this.#isOver || this.#held !== undefined) throw new Error('a dry run is one transaction')
    return new Promise((resolve, reject) => {
      const ended = begin(async (tx) => {
        tx.rollbackAtEnd()
        if (this.#held !== undefined) throw new Error('what was handed over is not made anew')
        ctx.foretold?.clear()
        const written = await countRows(tx)
        const result = await work(tx)
        await tx.settle()
        const rows = await written()
        const prisma = this.#clients.hold(tx.workspaceId, connectionOf(tx))
        await new Promise<void>((letGo) => {
          this.#held = { tx, prisma, rows, systemSql: isSystems ? unboundSqlOf(tx) : undefined, letGo, ended }
          resolve(result)
        })
      })
        // Once the result is handed over nobody hears of it: what was written is gone in any case.
        .catch(reject)
    })
  }
}
