import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, inject } from 'vitest'
import { StartFault } from '../../src/platform/lib/start-fault.ts'
import { runSql } from './sql.ts'

/** For each test a database with nothing in it and a folder for migrations; `fresh` is filled before the test. */
export function openUnmigratedDatabase() {
  const server = inject('postgres').url
  const fresh = { url: '', migrationsDir: '' }

  beforeEach(async () => {
    const name = `cadre_migrate_${randomUUID().slice(0, 8)}`
    await runSql(server, `CREATE DATABASE ${name}`)
    const own = new URL(server)
    own.pathname = `/${name}`
    fresh.url = own.href
    fresh.migrationsDir = mkdtempSync(join(tmpdir(), 'cadre-migrations-'))
  })
  afterEach(async () => {
    rmSync(fresh.migrationsDir, { recursive: true, force: true })
    await runSql(server, `DROP DATABASE ${new URL(fresh.url).pathname.slice(1)} WITH (FORCE)`)
  })

  function write(name: string, sql: string): void {
    mkdirSync(join(fresh.migrationsDir, name), { recursive: true })
    writeFileSync(join(fresh.migrationsDir, name, 'migration.sql'), sql)
  }

  const history = () =>
    runSql(
      fresh.url,
      `SELECT migration_name AS name, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS rolled_back
         FROM _prisma_migrations ORDER BY started_at`,
    )

  const exists = async (table: string) =>
    (await runSql<{ there: boolean }>(fresh.url, 'SELECT to_regclass($1) IS NOT NULL AS there', [table]))[0]?.there

  return { fresh, write, history, exists }
}

/** What a start that must fail tells. */
export const failure = (start: Promise<unknown>): Promise<StartFault> =>
  start.then(
    () => Promise.reject(new Error('it was accepted')),
    (err: unknown) => (err instanceof StartFault ? err : Promise.reject(err)),
  )
