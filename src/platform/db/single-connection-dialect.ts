import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import type pg from 'pg'
import { statementName } from './statement-name.ts'

/** Kysely over one connection that somebody else opened, began a transaction on, and will release. */
export class SingleConnectionDialect implements Dialect {
  readonly #client: pg.PoolClient
  #open = true

  constructor(client: pg.PoolClient) {
    this.#client = client
  }

  /** The connection is given back: a branch that was not awaited must not write into somebody else's transaction. */
  close(): void {
    this.#open = false
  }

  createDriver(): Driver {
    return new SingleConnectionDriver(this.#client, () => this.#open)
  }

  createQueryCompiler() {
    return new PostgresQueryCompiler()
  }

  createAdapter() {
    return new PostgresAdapter()
  }

  createIntrospector(db: Kysely<unknown>) {
    return new PostgresIntrospector(db)
  }
}

class SingleConnectionDriver implements Driver {
  readonly #connection: DatabaseConnection

  constructor(client: pg.PoolClient, isOpen: () => boolean) {
    this.#connection = {
      async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
        if (!isOpen()) throw new Error('the transaction has ended: everything in it must be awaited')
        const name = statementName(query.sql)
        const result = await client.query<Row & pg.QueryResultRow>({
          ...(name === undefined ? {} : { name }),
          text: query.sql,
          values: [...query.parameters],
        })
        return { rows: result.rows, numAffectedRows: BigInt(result.rowCount ?? 0) }
      },
      // biome-ignore lint/correctness/useYield: Kysely asks for a generator; nothing here streams.
      async *streamQuery() {
        throw new Error('streaming is not offered inside a transaction')
      },
    }
  }

  async init() {}
  async acquireConnection() {
    return this.#connection
  }
  async beginTransaction() {
    throw new Error('the transaction has begun already')
  }
  async commitTransaction() {
    throw new Error('inTransaction commits')
  }
  async rollbackTransaction() {
    throw new Error('throw to roll back')
  }
  async releaseConnection() {}
  async destroy() {}
}
