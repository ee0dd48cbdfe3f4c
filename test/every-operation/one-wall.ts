// Two walls stand between workspaces: the predicate in every statement, and PostgreSQL's row-level security. Here either
// is taken down, so that the other can be seen to hold alone.

import type pg from 'pg'

interface Statement {
  readonly text: string
  readonly name?: string
}

/** `"deal"."workspace_id" = $2`, however it is written, and the workspace's own row. */
const PREDICATE = /(?:"?\w+"?\.)*(?:"?workspace_id"?|"workspace"\."id") = \$(\d+)/g

const withoutPredicate = (text: string): string => text.replace(PREDICATE, '($$$1::uuid is not null)')

/**
 * Takes the predicates out of what goes over the wire from now on, whoever put them there: every statement then asks for
 * the rows of all workspaces. What a statement means is otherwise the same.
 */
export function takeOutPredicates(pool: pg.Pool): void {
  const strip = (client: pg.PoolClient): void => {
    const query = client.query.bind(client) as (statement: unknown, ...rest: unknown[]) => unknown
    const send = (statement: unknown, ...rest: unknown[]) => {
      const { text, name } = (typeof statement === 'string' ? { text: statement } : statement) as Statement
      const bare = withoutPredicate(text)
      if (bare === text) return query(statement, ...rest)
      const renamed = name === undefined ? {} : { name: `${name}_bare` }
      return query(typeof statement === 'string' ? bare : { ...(statement as object), text: bare, ...renamed }, ...rest)
    }
    client.query = send as typeof client.query
  }
  const stripped = new WeakSet<pg.PoolClient>()
  const connect = pool.connect.bind(pool)
  pool.connect = (async () => {
    const client = await connect()
    if (!stripped.has(client)) strip(client)
    stripped.add(client)
    return client
  }) as typeof pool.connect
}

/** Takes the policies of every table out of force. */
export async function takeOutRowLevelSecurity(owner: pg.Pool): Promise<void> {
  const { rows } = await owner.query<{ name: string }>(
    `select relname as name from pg_class join pg_namespace n on n.oid = relnamespace
      where n.nspname = 'public' and relkind = 'r' and relrowsecurity`,
  )
  for (const { name } of rows) await owner.query(`alter table "${name}" disable row level security`)
}
