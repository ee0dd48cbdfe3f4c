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
