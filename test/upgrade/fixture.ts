// What a release leaves behind for the ones after it: a database with runs in flight, as SQL, and what its clients hold.
// The first line of the file is a comment with what cannot be read from the tables; the rest is PostgreSQL 15's own dump,
// as INSERTs, so that the test needs no psql.

import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runSql } from '../support/sql.ts'

export const FIXTURES = fileURLToPath(new URL('../fixtures/upgrade', import.meta.url))

const MARK = '-- cadre fixture '

/** What the clients of that time hold. */
export interface FixtureFacts {
  readonly version: string
  /** When the release was killed. */
  readonly takenAt: string
  /** Opens the workspace of this fixture and no other. */
  readonly key: string
  /** The last event that a subscriber had, and its cursor. */
  readonly seen: { readonly eventId: string; readonly cursor: string }
}

export interface Fixture {
  readonly facts: FixtureFacts
  readonly sql: string
}

/** The text of a fixture's file, from the output of pg_dump by the database's owner of this name. */
export function writeFixture(facts: FixtureFacts, dump: string, owner: string): string {
  const lines = dump.split('\n').filter((line) => !line.startsWith('\\'))
  const portable = lines.map((line) =>
    // Whoever restores it becomes the owner; what belongs to the roles stays theirs.
    /^(ALTER|GRANT|REVOKE) .*;$/.test(line)
      ? line.replace(new RegExp(`\\b(OWNER TO|FOR ROLE|TO|FROM) ${owner}\\b`, 'g'), '$1 CURRENT_USER')
      : line,
  )
  return `${MARK}${JSON.stringify(facts)}\n${portable.join('\n')}`
}

/** The fixtures there are, by their names, oldest first. */
export function listFixtures(): string[] {
  return readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.sql'))
    .map((name) => basename(name, '.sql'))
    .sort(new Intl.Collator('en', { numeric: true }).compare)
}

export function readFixture(name: string): Fixture {
  const sql = readFileSync(join(FIXTURES, `${name}.sql`), 'utf8')
  const [first = ''] = sql.split('\n', 1)
  if (!first.startsWith(MARK)) throw new Error(`${name}.sql does not begin with "${MARK}"`)
  return { facts: JSON.parse(first.slice(MARK.length)) as FixtureFacts, sql }
}

/**
 * Restores a fixture into an empty database as its owner, who needs no more than membership in the roles, and lets it be
 * as old as the moment: else its approvals would have expired since.
 */
export async function restoreFixture(url: string, { facts, sql }: Fixture): Promise<void> {
  // Owning something in a database asks for the right to create it there; the dump makes everything first as the owner.
  const database = new URL(url).pathname.slice(1)
  const mayCreate = [`create on database ${database}`, 'create on schema public']
  for (const right of mayCreate) await runSql(url, `grant ${right} to cadre_system, cadre_search`)
  await runSql(url, sql)
  for (const right of mayCreate) await runSql(url, `revoke ${right} from cadre_system, cadre_search`)
  await makeRecent(url, facts.takenAt)
}

async function makeRecent(url: string, takenAt: string): Promise<void> {
  const columns = await runSql<{ table_name: string; columns: string[] }>(
    url,
    `select c.table_name, array_agg(c.column_name::text) as columns
       from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
      where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.data_type = 'timestamp with time zone'
        and c.is_generated = 'NEVER'
      group by c.table_name`,
  )
  const age = `(now() - '${new Date(takenAt).toISOString()}'::timestamptz)`
  const updates = columns.map(
    (table) =>
      `update "${table.table_name}" set ${table.columns.map((name) => `"${name}" = "${name}" + ${age}`).join(', ')}`,
  )
  await runSql(url, updates.join(';\n'))
}
