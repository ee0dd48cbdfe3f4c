import { CamelCasePlugin, Kysely } from 'kysely'
import type pg from 'pg'
import { translateDatabaseError } from './errors.ts'
import { SingleConnectionDialect } from './single-connection-dialect.ts'
import { leavesSessionInDoubt, pastStalePlans } from './stale-plan.ts'
import type { Tables } from './tables.ts'
import { acquireBound } from './tenant-connections.ts'
import { TenantPlugin } from './tenant-plugin.ts'

const camelCase = new CamelCasePlugin({ maintainNestedObjectKeys: true })

/** Runs reading statements on one connection bound to the workspace, each table constrained to it. They must be repeatable. */
export async function readInWorkspace<Result>(
  pool: pg.Pool,
  workspaceId: string,
  work: (sql: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  try {
    return await pastStalePlans(() => readOnce(pool, workspaceId, work))
  } catch (err) {
    throw translateDatabaseError(err)
  }
}

async function readOnce<Result>(
  pool: pg.Pool,
  workspaceId: string,
  work: (sql: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  const client = await acquireBound(pool, workspaceId)
  const dialect = new SingleConnectionDialect(client)
  let inDoubt = true
  try {
    const result = await work(new Kysely<Tables>({ dialect, plugins: [new TenantPlugin(workspaceId), camelCase] }))
    inDoubt = false
    return result
  } catch (err) {
    inDoubt = leavesSessionInDoubt(err)
    throw err
  } finally {
    dialect.close()
    client.release(inDoubt)
  }
}
