import { createHash } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { runSql } from '../../../test/support/sql.ts'
import { failure, openUnmigratedDatabase } from '../../../test/support/unmigrated-database.ts'
import { createLogger } from '../observability/logger.ts'
import { migrate } from './migrate.ts'
import { defaultMigrationsDir } from './migration-files.ts'

const log = createLogger({ level: 'error', format: 'json' })
const { fresh, write, history, exists } = openUnmigratedDatabase()

describe('migrate', () => {
  it('applies what is missing in the order of the names, and nothing the next time', async () => {
    write('20260102000000_second', 'ALTER TABLE one ADD COLUMN more int;')
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    expect(await migrate({ ...fresh, log })).toEqual({
      applied: ['20260101000000_first', '20260102000000_second'],
    })
    expect(await migrate({ ...fresh, log })).toEqual({ applied: [] })
    write('20260103000000_third', 'CREATE TABLE three (id int)')
    expect(await migrate({ ...fresh, log })).toEqual({ applied: ['20260103000000_third'] })
    expect(await history()).toEqual(
      ['20260101000000_first', '20260102000000_second', '20260103000000_third'].map((name) => ({
        name,
        finished: true,
        rolled_back: false,
      })),
    )
  })

  it("keeps Prisma's own history, checksums and all", async () => {
    const sql = 'CREATE TABLE one (id int);'
    write('20260101000000_first', sql)
    await migrate({ ...fresh, log })
    expect(await runSql(fresh.url, 'SELECT checksum, applied_steps_count, logs FROM _prisma_migrations')).toEqual([
      { checksum: createHash('sha256').update(sql).digest('hex'), applied_steps_count: 1, logs: null },
    ])
  })

  it('leaves semicolons inside of functions, strings and comments alone', async () => {
    write(
      '20260101000000_first',
      `-- a comment; with a semicolon
      CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN n := n * 2; RETURN n; END; $$;
      CREATE TABLE one AS SELECT 'a;b' AS text
      -- the end; without a semicolon before it`,
    )
    await migrate({ ...fresh, log })
    expect(await runSql(fresh.url, 'SELECT twice(21) AS twice, text FROM one')).toEqual([{ twice: 42, text: 'a;b' }])
  })

  it('applies each migration once when several start at the same moment', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    const results = await Promise.all(Array.from({ length: 4 }, () => migrate({ ...fresh, log })))
    expect(results.flatMap((result) => result.applied)).toEqual(['20260101000000_first'])
    expect(await history()).toHaveLength(1)
  })

  it('runs the further steps after the migrations, at every start, one process at a time', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    let inside = 0
    const seen: unknown[] = []
    const step = async ({ client }: { client: pg.Client }) => {
      inside += 1
      seen.push({ inside, rows: (await client.query('SELECT * FROM one')).rowCount })
      await client.query('INSERT INTO one VALUES (1)')
      inside -= 1
    }
    const start = () => migrate({ ...fresh, log, afterMigrate: [step] })
    await Promise.all([start(), start(), start()])
    expect(seen).toEqual([
      { inside: 1, rows: 0 },
      { inside: 1, rows: 1 },
      { inside: 1, rows: 2 },
    ])
  })

  it('refuses a database that is newer than this code, by the names of both', async () => {
    write('20261118000000_runs', 'CREATE TABLE one (id int);')
    write('20261201000000_deals', 'CREATE TABLE two (id int);')
    await migrate({ ...fresh, log })
    rmSync(join(fresh.migrationsDir, '20261201000000_deals'), { recursive: true })
    const fault = await failure(migrate({ ...fresh, log }))
    expect(fault.message).toBe(
      'The database is newer than this code: it has 20261201000000_deals, the code ends at 20261118000000_runs.',
    )
    expect(fault.hint).toBe('Update Cadre, or use another database.')
  })

  it('warns of a migration that was changed after it was applied, and leaves the database as it is', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    await migrate({ ...fresh, log })
    write('20260101000000_first', 'CREATE TABLE other (id int);')
    const lines: string[] = []
    const listening = createLogger({
      level: 'warn',
      format: 'json',
      stream: { write: (line) => void lines.push(line) },
    })
    expect(await migrate({ ...fresh, log: listening })).toEqual({ applied: [] })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('20260101000000_first')
    expect(await exists('other')).toBe(false)
  })

  it('says that the installation is incomplete when there are no migrations', async () => {
    await expect(migrate({ ...fresh, log })).rejects.toThrow(/There are no migrations in/)
  })

  it('finds the migrations that belong to this code', () => {
    expect(readdirSync(defaultMigrationsDir())).toContain('migration_lock.toml')
  })
})
