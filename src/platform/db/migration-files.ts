import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg'
import { packageRoot } from './package-root.ts'

/** What Prisma writes beside the first migration, so that a history is never applied to another kind of database. */
export const MIGRATION_LOCK = '# Written by Prisma; belongs under version control.\nprovider = "postgresql"\n'

/** The migrations that belong to this code. */
export function defaultMigrationsDir(): string {
  return join(packageRoot(), 'prisma', 'migrations')
}

/**
 * Reads a folder of Prisma migrations (`<name>/migration.sql`, in the order of their names) into the shape the engine
 * takes. A missing folder is an empty history; a migration whose SQL cannot be read is an error.
 */
export function readMigrations(migrationsDir: string): MigrationList {
  const names = existsSync(migrationsDir)
    ? readdirSync(migrationsDir, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
        .sort()
    : []
  const lockfile = join(migrationsDir, 'migration_lock.toml')
  return {
    baseDir: migrationsDir,
    lockfile: {
      path: 'migration_lock.toml',
      content: existsSync(lockfile) ? readFileSync(lockfile, 'utf8') : MIGRATION_LOCK,
    },
    shadowDbInitScript: '',
    migrationDirectories: names.map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: readFileSync(join(migrationsDir, name, 'migration.sql'), 'utf8') },
      },
    })),
  }
}

/** The names in a migration list, oldest first. */
export function migrationNames(list: MigrationList): string[] {
  return list.migrationDirectories.map((directory) => directory.path)
}
