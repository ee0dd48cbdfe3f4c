import type pg from 'pg'
import { kindOf, nodeTypes } from './operations.ts'

/** The ids of everything a workspace has, read from the tables and not through the API. */
export async function idsOf(owner: pg.Pool, workspaceId: string): Promise<Record<string, string[]>> {
  const { rows: tables } = await owner.query<{ name: string }>(
    `select table_name as name from information_schema.columns
      where table_schema = 'public' and column_name in ('workspace_id', 'id')
        and table_name not in ('event_outbox') group by 1 having count(*) = 2`,
  )
  const kinds = nodeTypes.map((type) => kindOf(type.name))
  const ids: Record<string, string[]> = { workspace: [`workspace_${workspaceId}`] }
  const collect = async (kind: string, text: string) => {
    const { rows } = await owner.query<{ id: string }>(text, [workspaceId])
    ids[kind] = rows.map(({ id }) => `${kind}_${id}`)
  }
  for (const { name } of tables.filter((table) => kinds.includes(table.name)))
    await collect(name, `select id from "${name}" where workspace_id = $1 order by id`)
  await collect('step', `select run_id || '_' || seq as id from run_step where workspace_id = $1 order by run_id, seq`)
  await collect('event', `select outbox_id as id from event_log where workspace_id = $1 order by position`)
  return ids
}
