// Writes the next migration: what brings a database with all migrations to what prisma/schema.prisma says. Works without
// a database of your own: an embedded one is started in a temporary folder and removed again.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connectDirect } from '../platform/db/connect.ts'
import { defaultMigrationsDir, MIGRATION_LOCK, readMigrations } from '../platform/db/migration-files.ts'
import { packageRoot } from '../platform/db/package-root.ts'
import { ensureRoles } from '../platform/db/roles.ts'
import { type SchemaEngine, withSchemaEngine } from '../platform/db/schema-engine.ts'
import { startScratchPostgres } from '../platform/db/scratch.ts'
import { createLogger } from '../platform/observability/logger.ts'

export interface DiffOptions {
  readonly migrationsDir?: string
  readonly schemaFile?: string
  /** A database to compare with instead of the migrations; it is only read. */
  readonly url?: string
}

type DiffTarget = Parameters<SchemaEngine['diff']>[0]['from']

const NO_FILTERS = { externalTables: [], externalEnums: [] }

/**
 * The SQL that leads from the migrations (or from the database at `url`) to prisma/schema.prisma; null when they agree.
 * Knows tables, columns, keys and indexes; policies, grants, CHECKs and functions are written by hand.
 */
export async function diffMigration(options: DiffOptions = {}): Promise<string | null> {
  const schemaFile = options.schemaFile ?? join(packageRoot(), 'prisma', 'schema.prisma')
  const to = {
    tag: 'schemaDatamodel' as const,
    files: [{ path: schemaFile, content: readFileSync(schemaFile, 'utf8') }],
  }
  if (options.url !== undefined) return diff(options.url, { ...to, tag: 'schemaDatasource', configDir: '' }, to)
  const migrations = readMigrations(options.migrationsDir ?? defaultMigrationsDir())
  return withScratchDatabase((url) => diff(url, { tag: 'migrations', ...migrations }, to))
}

async function diff(url: string, from: DiffTarget, to: DiffTarget): Promise<string | null> {
  const result = await withSchemaEngine(url, (engine) =>
    engine.diff({ from, to, script: true, exitCode: true, filters: NO_FILTERS }),
  )
  return result.exitCode === 2 ? (result.stdout ?? '') : null
}

/** Lends the superuser of an empty PostgreSQL that has the roles migrations grant to. */
async function withScratchDatabase<Result>(work: (url: string) => Promise<Result>): Promise<Result> {
  const postgres = await startScratchPostgres(createLogger({ level: 'error', format: 'pretty' }))
  try {
    const client = await connectDirect(postgres.adminUrl)
    await ensureRoles(client).finally(() => client.end())
    return await work(postgres.adminUrl)
  } finally {
    await postgres.stop()
  }
}

/** Writes `<timestamp>_<name>/migration.sql` and returns its folder; null when nothing differs. */
export async function writeMigration(name: string, options: DiffOptions = {}): Promise<string | null> {
  const sql = await diffMigration(options)
  if (sql === null) return null
  const migrationsDir = options.migrationsDir ?? defaultMigrationsDir()
  const timestamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)
  const folder = join(
    migrationsDir,
    `${timestamp}_${name
      .trim()
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')}`,
  )
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'migration.sql'), sql)
  const lockfile = join(migrationsDir, 'migration_lock.toml')
  if (!existsSync(lockfile)) writeFileSync(lockfile, MIGRATION_LOCK)
  return folder
}

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { print: { type: 'boolean', default: false }, database: { type: 'string' } },
  })
  const options = values.database === undefined ? {} : { url: values.database }
  const name = positionals[0]
  if (values.print) {
    process.stdout.write((await diffMigration(options)) ?? '-- Nothing differs.\n')
  } else if (name === undefined) {
    process.stderr.write('Usage: npx tsx src/commands/db-diff.ts NAME | --print [--database URL]\n')
    process.exitCode = 2
  } else {
    const folder = await writeMigration(name, options)
    process.stdout.write(folder === null ? 'Nothing differs.\n' : `${relative('.', folder)}/migration.sql\n`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))
