import pg from 'pg'

const READS = /^\s*(select|with)\b/i
const TRANSACTION = /^\s*(begin|commit|rollback)\s*$/i

const NOTHING = { rows: [], fields: [], rowCount: 0, oid: 0 }

/**
 * What Prisma takes for its pool where it is to see what a running transaction has written: the transaction's own
 * connection. It reads only. A read of several levels would be a transaction of Prisma's own; here it is a part of the
 * running one, which Prisma must not end.
 */
export class HeldPool extends pg.Pool {
  #client: pg.PoolClient | undefined

  constructor() {
    super({ max: 1 })
  }

  hold(client: pg.PoolClient): void {
    this.#client = client
  }

  /** The transaction ends: whatever still wants to read is refused. */
  letGo(): void {
    this.#client = undefined
  }

  // pg.Pool's overloads also take callbacks; Prisma's adapter uses promises only.
  override connect = (async (): Promise<unknown> => ({
    query: (config: pg.QueryConfig) => this.#send(config),
    on: () => {},
    removeListener: () => {},
    release: () => {},
  })) as unknown as pg.Pool['connect']

  override query = ((config: pg.QueryConfig): Promise<pg.QueryResult> =>
    this.#send(config)) as unknown as pg.Pool['query']

  async #send(config: pg.QueryConfig): Promise<pg.QueryResult> {
    if (this.#client === undefined) throw new Error('the transaction has ended: everything in it must be awaited')
    if (TRANSACTION.test(config.text)) return { ...NOTHING, command: config.text.trim().toUpperCase() }
    if (!READS.test(config.text)) throw new Error('only a read may be sent over a connection that is held for reading')
    return await this.#client.query(config)
  }
}
