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
import { statementName } from './pool.ts'

/** Kysely over one connection that somebody else opened, began a transaction on, and will release. */
export class SingleConnectionDialect implements Dialect {
  readonly #client: pg.PoolClient

  constructor(client: pg.PoolClient) {
    this.#client = client
  }

  createDriver(): Driver {
    return new SingleConnectionDriver(this.#client)
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

  constructor(client: pg.PoolClient) {
    this.#connection = {
      async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
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
