import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import type { Ctx } from '../context.ts'
import type { Logger } from '../observability/logger.ts'
import { createPool } from './pool.ts'
import { type Prisma, PrismaClients } from './prisma-clients.ts'
import { readInWorkspace } from './read.ts'
import type { Tables } from './tables.ts'
import { inTransaction, type TransactionOptions, type Tx } from './transaction.ts'

export interface DatabaseOptions {
  readonly appUrl: string
  readonly systemUrl: string
  readonly appConnections: number
  readonly systemConnections: number
  readonly log: Logger
}

/** The two ways to the data: as `cadre_app`, bound to a workspace, and as `cadre_system`, for what has no tenant yet. */
export interface Database {
  /** Connections as `cadre_system`: outbox and log, look-up of keys and slugs, processes; of runs and the like only what is due. */
  readonly system: pg.Pool
  /** Connections as `cadre_app` before they are bound; only for what binds them itself. */
  readonly app: pg.Pool
  /** Statements as `cadre_system`, typed. */
  readonly systemSql: Kysely<Tables>
  /** The workspace's Prisma client: reads, constrained to it. */
  prisma(workspaceId: string): Prisma
  /** One transaction in the context's workspace; see `inTransaction`. */
  inTransaction<Result>(
    ctx: Ctx,
    work: (tx: Tx) => Promise<Result> | Result,
    options?: TransactionOptions,
  ): Promise<Result>
  /**
   * One transaction as `cadre_system`, for what accounts do: it sees their rows, and may found and join workspaces
   * (`tx.within`). The context's workspace is what it is bound to otherwise.
   */
  inAccountTransaction<Result>(
    ctx: Ctx,
    work: (tx: Tx) => Promise<Result> | Result,
    options?: TransactionOptions,
  ): Promise<Result>
  /** Statements outside a transaction, on one connection bound to the workspace. */
  read<Result>(workspaceId: string, work: (sql: Kysely<Tables>) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

export function createDatabase(options: DatabaseOptions): Database {
  const { log } = options
  const app = createPool({
    url: options.appUrl,
    role: 'cadre_app',
    max: options.appConnections,
    name: 'cadre-app',
    log,
  })
  const system = createPool({
    url: options.systemUrl,
    role: 'cadre_system',
    max: options.systemConnections,
    name: 'cadre-system',
    log,
  })
  const clients = new PrismaClients(app)
  const systemSql = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: system }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })
  return {
    app,
    system,
    systemSql,
    prisma: (workspaceId) => clients.of(workspaceId),
    inTransaction: (ctx, work, transactionOptions) => inTransaction(app, ctx, work, transactionOptions),
    inAccountTransaction: (ctx, work, transactionOptions) => inTransaction(system, ctx, work, transactionOptions),
    read: (workspaceId, work) => readInWorkspace(app, workspaceId, work),
    close: async () => {
      await Promise.all([app.end(), system.end()])
    },
  }
}
