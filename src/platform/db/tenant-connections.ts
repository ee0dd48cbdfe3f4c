// Connections bound to a workspace.
//
// Row-level security reads the tenant from the session setting `app.workspace_id`. A connection is bound to a workspace
// before anything is sent on it, outside any transaction (a rollback would restore the binding before), and the binding
// is awaited (one that fails unseen would let the next statement run under the old tenant). It is rebound only when the
// workspace changes. On any doubt the connection is destroyed: a connection in the pool is either bound to the workspace
// it says, or new and bound to none, and then policies show it no rows.

import type pg from 'pg'
import { isUuid } from '../lib/ids.ts'

const boundTo = new WeakMap<pg.PoolClient, string>()

/** Lends a connection bound to the workspace. The borrower releases it, with `true` when in doubt about its state. */
export async function acquireBound(pool: pg.Pool, workspaceId: string): Promise<pg.PoolClient> {
  if (!isUuid(workspaceId)) throw new Error('a connection can only be bound to a workspace id')
  prefer(pool, workspaceId)
  const client = await pool.connect()
  if (boundTo.get(client) === workspaceId) return client
  boundTo.delete(client)
  try {
    await client.query({
      name: 'bind_workspace',
      text: `select set_config('app.workspace_id', $1, false)`,
      values: [workspaceId],
    })
  } catch (err) {
    client.release(true)
    throw err
  }
  boundTo.set(client, workspaceId)
  return client
}

/**
 * Puts an idle connection that is bound to the workspace where the pool will take the next one from: each that must be
 * bound anew costs a way to PostgreSQL and back. Which one comes is only ever a matter of time: the borrower looks.
 */
function prefer(pool: pg.Pool, workspaceId: string): void {
  const { _idle: idle = [], waitingCount } = pool as PoolWithin
  // It takes from the end, first for those who asked before in this same tick.
  const next = idle.length - waitingCount
  const at = idle.findLastIndex(({ client }, index) => index < next && boundTo.get(client) === workspaceId)
  if (at >= 0) idle.splice(next - 1, 0, ...idle.splice(at, 1))
}

/** A pool keeps its idle connections to itself; a test holds that they are still there. */
type PoolWithin = pg.Pool & { readonly _idle?: { readonly client: pg.PoolClient }[] }
