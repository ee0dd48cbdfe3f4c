import type pg from 'pg'

/** What is different after any change of a workspace's rows or of its log, table by table. */
export type Footprint = Readonly<Record<string, string>>

const TABLES = `select table_name as name from information_schema.columns
  where table_schema = 'public' and column_name = 'workspace_id' and table_name not in ('event_outbox', 'event_log')
  order by 1`

/** As the database's owner. The use of a key is noted beside the request, and is no change. */
export async function footprintOf(owner: pg.Pool, workspaceId: string): Promise<Footprint> {
  const { rows: tables } = await owner.query<{ name: string }>(TABLES)
  const digest = (name: string, column: string) => `select '${name}' as name,
    md5(coalesce(string_agg((to_jsonb(t) - 'last_used_at')::text, ',' order by (to_jsonb(t) - 'last_used_at')::text), ''))
    as digest from "${name}" t where t."${column}" = $1`
  const events = `select 'events' as name, count(*)::text as digest from (
    select id from event_outbox where workspace_id = $1 union select outbox_id from event_log where workspace_id = $1) e`
  const parts = [...tables.map(({ name }) => digest(name, 'workspace_id')), digest('workspace', 'id'), events]
  const { rows } = await owner.query<{ name: string; digest: string }>(parts.join(' union all '), [workspaceId])
  return Object.fromEntries(rows.map(({ name, digest }) => [name, digest]))
}

/** Everything that a workspace has written down and no other has: its texts, ids and addresses, wherever they stand. */
export async function secretsOf(owner: pg.Pool, workspaceId: string): Promise<string[]> {
  const { rows: tables } = await owner.query<{ name: string }>(TABLES)
  const own = new Set<string>()
  const others = new Set<string>()
  const sources = [
    ...tables.map(({ name }) => [name, 'workspace_id']),
    ['workspace', 'id'],
    ['event_outbox', 'workspace_id'],
    ['event_log', 'workspace_id'],
  ]
  for (const [table, column] of sources) {
    const { rows } = await owner.query<{ mine: boolean; row: unknown }>(
      `select "${column}" = $1 as mine, to_jsonb(t) as row from "${table}" t`,
      [workspaceId],
    )
    for (const { mine, row } of rows) collect(row, mine ? own : others)
  }
  return [...own].filter((text) => !others.has(text)).sort((a, b) => b.length - a.length)
}

const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.+Z]+$/

function collect(value: unknown, into: Set<string>): void {
  // Short texts stand anywhere, moments are nobody's.
  if (typeof value === 'string') {
    if (value.length >= 5 && !MOMENT.test(value) && !/^\d+$/.test(value)) into.add(value)
  } else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) collect(member, into)
  }
}
