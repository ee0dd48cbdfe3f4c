import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { hasPostgres15, startDebianPostgres15 } from '../../../test/support/postgres15.ts'
import { runSql } from '../../../test/support/sql.ts'
import { StartFault } from '../lib/start-fault.ts'
import { createLogger } from '../observability/logger.ts'
import { migrate } from './migrate.ts'
import { defaultMigrationsDir } from './migration-files.ts'
import { rolesSql } from './roles.ts'

const CHILD = fileURLToPath(new URL('../../../test/support/migrate-child.ts', import.meta.url))
const server = inject('postgres').url
const log = createLogger({ level: 'error', format: 'json' })

let url = ''
let migrationsDir = ''

beforeEach(async () => {
  const name = `cadre_migrate_${randomUUID().slice(0, 8)}`
  await runSql(server, `CREATE DATABASE ${name}`)
  const own = new URL(server)
  own.pathname = `/${name}`
  url = own.href
  migrationsDir = mkdtempSync(join(tmpdir(), 'cadre-migrations-'))
})

afterEach(async () => {
  rmSync(migrationsDir, { recursive: true, force: true })
  await runSql(server, `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`)
})

function write(name: string, sql: string): void {
  mkdirSync(join(migrationsDir, name), { recursive: true })
  writeFileSync(join(migrationsDir, name, 'migration.sql'), sql)
}

const history = () =>
  runSql(
    url,
    `SELECT migration_name AS name, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS rolled_back
       FROM _prisma_migrations ORDER BY started_at`,
  )

const exists = async (table: string) =>
  (await runSql<{ there: boolean }>(url, 'SELECT to_regclass($1) IS NOT NULL AS there', [table]))[0]?.there

const failure = (promise: Promise<unknown>): Promise<StartFault> =>
  promise.then(
    () => Promise.reject(new Error('it was accepted')),
    (err: unknown) => (err instanceof StartFault ? err : Promise.reject(err)),
  )

describe('migrate', () => {
  it('applies what is missing in the order of the names, and nothing the next time', async () => {
    write('20260102000000_second', 'ALTER TABLE one ADD COLUMN more int;')
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    expect(await migrate({ url, log, migrationsDir })).toEqual({
      applied: ['20260101000000_first', '20260102000000_second'],
    })
    expect(await migrate({ url, log, migrationsDir })).toEqual({ applied: [] })
    write('20260103000000_third', 'CREATE TABLE three (id int)')
    expect(await migrate({ url, log, migrationsDir })).toEqual({ applied: ['20260103000000_third'] })
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
    await migrate({ url, log, migrationsDir })
    expect(await runSql(url, 'SELECT checksum, applied_steps_count, logs FROM _prisma_migrations')).toEqual([
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
    await migrate({ url, log, migrationsDir })
    expect(await runSql(url, 'SELECT twice(21) AS twice, text FROM one')).toEqual([{ twice: 42, text: 'a;b' }])
  })

  it('applies each migration once when several start at the same moment', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    const results = await Promise.all(Array.from({ length: 4 }, () => migrate({ url, log, migrationsDir })))
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
    const start = () => migrate({ url, log, migrationsDir, afterMigrate: [step] })
    await Promise.all([start(), start(), start()])
    expect(seen).toEqual([
      { inside: 1, rows: 0 },
      { inside: 1, rows: 1 },
      { inside: 1, rows: 2 },
    ])
  })

  it('names the migration, the line and what PostgreSQL said when one fails, and keeps nothing of it', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    write('20260102000000_second', 'CREATE TABLE two (id int);\nINSERT INTO two VALUES (1);\nSELECT absent FROM two;')
    const fault = await failure(migrate({ url, log, migrationsDir }))
    expect(fault.message).toBe('The migration 20260102000000_second failed (line 3): column "absent" does not exist.')
    expect(await exists('one')).toBe(true)
    expect(await exists('two')).toBe(false)
  })

  it('tells what PostgreSQL adds to a refusal that has no place in the script', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int UNIQUE);\nINSERT INTO one VALUES (1), (1);')
    const fault = await failure(migrate({ url, log, migrationsDir }))
    expect(fault.message).toBe(
      'The migration 20260101000000_first failed: duplicate key value violates unique constraint "one_id_key".' +
        ' Key (id)=(1) already exists.',
    )
    expect(await exists('one')).toBe(false)
  })

  it('names no migration where none was begun: what the engine refuses is handed on', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    writeFileSync(join(migrationsDir, 'migration_lock.toml'), 'provider = "sqlite"\n')
    const refused = await migrate({ url, log, migrationsDir }).catch((err: unknown) => err)
    expect(refused).toBeInstanceOf(Error)
    expect(refused).not.toBeInstanceOf(StartFault)
    expect(String(refused)).toMatch(/provider/i)
    expect(await exists('one')).toBe(false)
  })

  it('gives up after ten minutes of another’s migrating, and changes nothing', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    try {
      let entered: () => void = () => {}
      const holding = new Promise<void>((resolve) => {
        entered = resolve
      })
      let leave: () => void = () => {}
      const held = migrate({
        url,
        log,
        migrationsDir,
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
      const refused = failure(migrate({ url, log, migrationsDir }))
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
    await failure(migrate({ url, log, migrationsDir }))
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    expect(await migrate({ url, log, migrationsDir })).toEqual({ applied: ['20260101000000_first'] })
    expect(await history()).toEqual([
      { name: '20260101000000_first', finished: false, rolled_back: true },
      { name: '20260101000000_first', finished: true, rolled_back: false },
    ])
  })

  it('applies a migration exactly once when the process dies in the middle of it', async () => {
    write('20260101000000_first', 'SELECT pg_advisory_xact_lock(4711); CREATE TABLE one (id int);')
    const gate = new pg.Client({ connectionString: url })
    await gate.connect()
    try {
      await gate.query('SELECT pg_advisory_lock(4711)')
      const child = spawn(process.execPath, ['--import', 'tsx', CHILD, url, migrationsDir], { stdio: 'inherit' })
      await waitUntil(gate, 'SELECT EXISTS (SELECT FROM pg_locks WHERE objid = 4711 AND NOT granted) AS met')
      child.kill('SIGKILL')
      await once(child, 'exit')
      const next = migrate({ url, log, migrationsDir })
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
    await migrate({ url, log, migrationsDir })
    await runSql(url, 'DROP TABLE one; UPDATE _prisma_migrations SET finished_at = NULL, applied_steps_count = 0')
    expect(await migrate({ url, log, migrationsDir })).toEqual({ applied: ['20260101000000_first'] })
    expect(await exists('one')).toBe(true)
  })

  it('refuses a database that is newer than this code, by the names of both', async () => {
    write('20261118000000_runs', 'CREATE TABLE one (id int);')
    write('20261201000000_deals', 'CREATE TABLE two (id int);')
    await migrate({ url, log, migrationsDir })
    rmSync(join(migrationsDir, '20261201000000_deals'), { recursive: true })
    const fault = await failure(migrate({ url, log, migrationsDir }))
    expect(fault.message).toBe(
      'The database is newer than this code: it has 20261201000000_deals, the code ends at 20261118000000_runs.',
    )
    expect(fault.hint).toBe('Update Cadre, or use another database.')
  })

  it('warns of a migration that was changed after it was applied, and leaves the database as it is', async () => {
    write('20260101000000_first', 'CREATE TABLE one (id int);')
    await migrate({ url, log, migrationsDir })
    write('20260101000000_first', 'CREATE TABLE other (id int);')
    const lines: string[] = []
    const listening = createLogger({
      level: 'warn',
      format: 'json',
      stream: { write: (line) => void lines.push(line) },
    })
    expect(await migrate({ url, log: listening, migrationsDir })).toEqual({ applied: [] })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('20260101000000_first')
    expect(await exists('other')).toBe(false)
  })

  it('says that the installation is incomplete when there are no migrations', async () => {
    await expect(migrate({ url, log, migrationsDir })).rejects.toThrow(/There are no migrations in/)
  })

  it('finds the migrations that belong to this code', () => {
    expect(readdirSync(defaultMigrationsDir())).toContain('migration_lock.toml')
  })
})

describe('the first contact with the database', () => {
  const contact = (change: (target: URL) => void) => {
    const target = new URL(url)
    change(target)
    return failure(migrate({ url: target.href, log, migrationsDir }))
  }

  it('says that nobody answers', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as { port: number }
    closed.close()
    await once(closed, 'close')
    const fault = await contact((target) => {
      target.hostname = '127.0.0.1'
      target.port = String(port)
    })
    expect(fault.message).toBe(`DATABASE_URL: nobody answers at 127.0.0.1:${port} (connection refused).`)
    expect(fault.hint).toBe('Leave DATABASE_URL out to use the embedded PostgreSQL.')
  })

  it('says that there is no such host', async () => {
    const fault = await contact((target) => {
      target.hostname = 'no-such-host.invalid'
    })
    expect(fault.message).toMatch(
      /^DATABASE_URL: nobody answers at no-such-host\.invalid:\d+ \((no such host|the host name cannot be looked up)\)\.$/,
    )
  })

  it('says that there is no such database', async () => {
    const fault = await contact((target) => {
      target.pathname = '/nothing_here'
    })
    expect(fault.message).toMatch(/^DATABASE_URL: there is no database nothing_here at /)
  })

  it('says that the password is wrong, without repeating it', async () => {
    const fault = await contact((target) => {
      target.password = 'a-wrong-one'
    })
    expect(fault.message).toMatch(/does not let the user .* in/)
    expect(fault.message + fault.hint).not.toContain('a-wrong-one')
  })
})

describe.runIf(hasPostgres15())('migrate on PostgreSQL 15, as an owner who may not create roles', () => {
  let postgres: Awaited<ReturnType<typeof startDebianPostgres15>>

  beforeAll(async () => {
    postgres = await startDebianPostgres15({ superuser: false })
  })
  afterAll(() => postgres.stop())

  it("asks for an administrator's SQL, and after it brings this code's own migrations", async () => {
    const fault = await failure(migrate({ url: postgres.url, log }))
    const sql = rolesSql('owner', 150_000)
    expect(fault.hint).toContain(sql)
    await runSql(postgres.adminUrl, sql)
    const { applied } = await migrate({ url: postgres.url, log })
    expect(applied.length).toBeGreaterThan(0)
    expect(await migrate({ url: postgres.url, log })).toEqual({ applied: [] })
  })
})

async function waitUntil(client: pg.Client, sql: string): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ met: boolean }>(sql)
    if (rows[0]?.met === true) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
