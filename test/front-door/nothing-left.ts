import { expect } from 'vitest'
import { runSql } from '../support/sql.ts'
import type { House } from './house.ts'
import { complaintsOf } from './visitor.ts'

/** How many rows each table has, the queue's own tables included. */
async function countRows({ database }: House): Promise<Record<string, number>> {
  const tables = await runSql<{ name: string }>(
    database.url,
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  )
  const counts = tables.map(({ name }) => `select '${name}' as name, count(*)::int as rows from ${name}`)
  const rows = await runSql<{ name: string; rows: number }>(database.url, counts.join(' union all '))
  return Object.fromEntries(rows.map((row) => [row.name, row.rows]))
}

/** Does it at a house, and holds that no table has a row more or less and that nobody would be woken by the log. */
export const leavingNothingAt =
  (house: House) =>
  async (act: () => Promise<void>): Promise<void> => {
    const before = await countRows(house)
    expect(Object.keys(before).length).toBeGreaterThan(30)
    await act()
    expect(await countRows(house)).toEqual(before)
    expect(complaintsOf(house.server.output)).toEqual([])
  }
