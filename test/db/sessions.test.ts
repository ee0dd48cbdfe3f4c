import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPool } from '../../src/platform/db/pool.ts'
import { testLog } from '../support/context.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

describe.each([
  { role: 'cadre_app', readOnly: 'on' },
  { role: 'cadre_system', readOnly: 'off' },
] as const)('a session of $role', ({ role, readOnly }) => {
  let pool: pg.Pool
  beforeAll(() => {
    pool = createPool({ url: database.url, role, max: 1, name: 'cadre-test', log: testLog })
  })
  afterAll(() => pool.end())

  it('is the role from its first statement on, and writes outside a transaction as it should', async () => {
    const { rows } = await pool.query(
      `select current_user::text as role, current_setting('default_transaction_read_only') as read_only`,
    )
    expect(rows).toEqual([{ role, read_only: readOnly }])
  })

  it('uses an index from the first row on, and compiles no statement that has none to use', async () => {
    const byIndex = await pool.query(`explain select * from workspace where slug = 'acme'`)
    expect(JSON.stringify(byIndex.rows)).toContain('workspace_slug_key')
    const without = await pool.query(`explain (format json) select * from workspace where name = 'Acme'`)
    expect(JSON.stringify(without.rows)).not.toContain('"JIT"')
    // Said as well, for PostgreSQL may be built without its compiler.
    expect((await pool.query('show jit')).rows).toEqual([{ jit: 'off' }])
    expect((await pool.query('show random_page_cost')).rows).toEqual([{ random_page_cost: '1.1' }])
  })
})
