import pg from 'pg'
import { leavesSessionInDoubt, pastStalePlans } from './stale-plan.ts'
import { acquireBound } from './tenant-connections.ts'

/**
 * What a workspace's Prisma client takes for its pool: every connection it borrows is bound to that workspace.
 * It opens none of its own; the shared pool behind it stays open when it is dropped.
 */
export class TenantPool extends pg.Pool {
  readonly #shared: pg.Pool
  readonly #workspaceId: string

  constructor(shared: pg.Pool, workspaceId: string) {
    super({ max: 1 })
    this.#shared = shared
    this.#workspaceId = workspaceId
  }

  // pg.Pool's overloads also take callbacks; Prisma's adapter uses promises only.
  override connect = ((): Promise<pg.PoolClient> =>
    acquireBound(this.#shared, this.#workspaceId)) as unknown as pg.Pool['connect']

  override query = ((config: pg.QueryConfig): Promise<pg.QueryResult> =>
    pastStalePlans(() => this.#queryOnce(config))) as unknown as pg.Pool['query']

  async #queryOnce(config: pg.QueryConfig): Promise<pg.QueryResult> {
    const client = await acquireBound(this.#shared, this.#workspaceId)
    try {
      const result = await client.query(config)
      client.release()
      return result
    } catch (err) {
      client.release(leavesSessionInDoubt(err))
      throw err
    }
  }
}
