import { existsSync, readdirSync } from 'node:fs'
import type { House } from './house.ts'

export interface TableTrace {
  readonly count: number
  readonly digest: string
}

/** Every row there is, of every table, and every mail. */
export interface Traces {
  readonly tables: Readonly<Record<string, TableTrace>>
  readonly mails: readonly string[]
}

const TABLES = `select schemaname as schema, tablename as name from pg_tables
  where schemaname not in ('pg_catalog', 'information_schema') order by 1, 2`

/** The use of a key is noted beside the request, and is no change. Sequences are not looked at: a rollback leaves them. */
export async function tracesOf({ owner, mailFolder }: House): Promise<Traces> {
  const { rows: tables } = await owner.query<{ schema: string; name: string }>(TABLES)
  const parts = tables.map(({ schema, name }) => {
    const table = schema === 'public' ? name : `${schema}.${name}`
    const row = `(to_jsonb(t) - 'last_used_at')::text`
    return `select '${table}' as table, count(*)::int as count, md5(coalesce(string_agg(${row}, ',' order by ${row}), '')) as digest
      from "${schema}"."${name}" t`
  })
  const { rows } = await owner.query<TableTrace & { table: string }>(parts.join(' union all '))
  return {
    tables: Object.fromEntries(rows.map(({ table, count, digest }) => [table, { count, digest }])),
    mails: existsSync(mailFolder) ? readdirSync(mailFolder) : [],
  }
}
