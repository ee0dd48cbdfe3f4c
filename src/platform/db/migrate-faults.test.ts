import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { describe, expect, it, vi } from 'vitest'
import { runSql } from '../../../test/support/sql.ts'
import { failure, openUnmigratedDatabase } from '../../../test/support/unmigrated-database.ts'
import { StartFault } from '../lib/start-fault.ts'
import { createLogger } from '../observability/logger.ts'
import { migrate } from './migrate.ts'

const CHILD = fileURLToPath(new URL('../../../test/support/migrate-child.ts', import.meta.url))
const log = createLogger({ level: 'error', format: 'json' })
const { fresh, write, history, exists } = openUnmigratedDatabase()

describe('migrate', () => {
  it('names the migration, the line and what PostgreSQL said when one fails, and keeps nothing of it', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    write('20260102000000_second', 'CREATE TABLE two (id int);\nINSERT INTO two VALUES (1);\nSELECT absent FROM two;')
    const fault = await failure(migrate({ ...fresh, log }))
    expect(fault.message).toBe('The migration 20260102000000_second failed (line 3): column "absent" does not exist.')
    expect(await exists('one')).toBe(true)
    expect(await exists('two')).toBe(false)
  })

  it('tells what PostgreSQL adds to a refusal that has no place in the script', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int UNIQUE);\nINSERT INTO one VALUES (1), (1);')
    const fault = await failure(migrate({ ...fresh, log }))
    expect(fault.message).toBe(
      'The migration 20260101000000_first failed: duplicate key value violates unique constraint "one_id_key".' +
        ' Key (id)=(1) already exists.',
    )
    expect(await exists('one')).toBe(false)
  })

  it('names no migration where none was begun: what the engine refuses is handed on', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    writeFileSync(join(fresh.migrationsDir, 'migration_lock.toml'), 'provider = "sqlite"\n')
    const refused = await migrate({ ...fresh, log }).catch((err: unknown) => err)
    expect(refused).toBeInstanceOf(Error)
    expect(refused).not.toBeInstanceOf(StartFault)
    expect(String(refused)).toMatch(/provider/i)
    expect(await exists('one')).toBe(false)
  })

  it('gives up after ten minutes of another’s migrating, and changes nothing', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    const other = new pg.Client({ connectionString: fresh.url })
    await other.connect()
    try {
      let entered: () => void = () => {}
      const holding = new Promise<void>((resolve) => {
        entered = resolve
      })
      let leave: () => void = () => {}
      const held = migrate({
        ...fresh,
        log,
        afterMigrate: [
          () => {
            entered()
            return new Promise<void>((resolve) => {
              leave = resolve
            })
          },
        ],
      })
      await holding
      write('20260102000000_second', 'CREATE TABLE two (id int);')
      vi.useFakeTimers({ toFake: ['Date'] })
      const refused = failure(migrate({ ...fresh, log }))
      await waitUntil(
        other,
        `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                                                       AND query ~ 'pg_try_advisory_lock') AS met`,
      )
      vi.setSystemTime(Date.now() + 11 * 60_000)
      expect((await refused).message).toBe('Another process has been migrating this database for ten minutes.')
      leave()
      await held
      expect(await exists('two')).toBe(false)
    } finally {
      vi.useRealTimers()
      await other.end()
    }
  })

  it('goes on with a failed migration once it is put right', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int); SELECT absent;')
    await failure(migrate({ ...fresh, log }))
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    expect(await migrate({ ...fresh, log })).toEqual({ applied: ['20260101000000_first'] })
    expect(await history()).toEqual([
      { name: '20260101000000_first', finished: false, rolled_back: true },
      { name: '20260101000000_first', finished: true, rolled_back: false },
    ])
  })

  it('applies a migration exactly once when the process dies in the middle of it', async () => {
    write('20260101000000_first', 'SELECT pg_advisory_xact_lock(4711); CREATE TABLE one (id int);')
    const gate = new pg.Client({ connectionString: fresh.url })
    await gate.connect()
    try {
      await gate.query('SELECT pg_advisory_lock(4711)')
      const child = spawn(process.execPath, ['--import', 'tsx', CHILD, fresh.url, fresh.migrationsDir], {
        stdio: 'inherit',
      })
      await waitUntil(gate, 'SELECT EXISTS (SELECT FROM pg_locks WHERE objid = 4711 AND NOT granted) AS met')
      child.kill('SIGKILL')
      await once(child, 'exit')
      const next = migrate({ ...fresh, log })
      // The next process is there: it asks for the lock that the dead one's script holds (or began the script again).
      await waitUntil(
        gate,
        `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                                                       AND query ~ 'pg_try_advisory_lock')
             OR (SELECT count(*) FROM pg_locks WHERE objid = 4711 AND NOT granted) > 1 AS met`,
      )
      await gate.query('SELECT pg_advisory_unlock(4711)')
      expect(await next).toEqual({ applied: [] })
    } finally {
      await gate.end()
    }
    expect(await exists('one')).toBe(true)
    expect(await history()).toEqual([{ name: '20260101000000_first', finished: true, rolled_back: false }])
  })

  it('runs a migration again that was begun and left nothing behind', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    await migrate({ ...fresh, log })
    await runSql(fresh.url, 'DROP TABLE one; UPDATE _prisma_migrations SET finished_at = NULL, applied_steps_count = 0')
    expect(await migrate({ ...fresh, log })).toEqual({ applied: ['20260101000000_first'] })
    expect(await exists('one')).toBe(true)
  })
})

async function waitUntil(client: pg.Client, sql: string): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ met: boolean }>(sql)
    if (rows[0]?.met === true) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
