// Bringing a database to this code, on every start.
//
// Under one session lock, so that several processes may start at once: the roles, then Prisma's migrations in the order
// of their names, then what other parts bring (`afterMigrate`). The history is Prisma's own (`_prisma_migrations`), so
// its command line sees the same.
//
// A migration is sent as one script and PostgreSQL runs it as one transaction; it must not end it by itself (COMMIT).
// The mark that it is finished is part of that transaction, so a process that dies anywhere leaves both or neither, and
// a migration without the mark simply runs again. PostgreSQL goes on with a script whose client died: the script holds a
// lock of its own until it has ended, and nobody judges the history before that.

import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { StartFault } from '../lib/start-fault.ts'
import type { Logger } from '../observability/logger.ts'
import { connectDirect } from './connect.ts'
import { defaultMigrationsDir, migrationNames, readMigrations } from './migration-files.ts'
import { ensureRoles } from './roles.ts'
import { withSchemaEngine } from './schema-engine.ts'

/** One lock per database; any other number would do as long as every release of Cadre uses the same. */
const LOCK_KEY = 7_228_371_004
const SCRIPT_LOCK_KEY = 7_228_371_005
/** On the script's first line, so that the lines PostgreSQL names stay the file's. */
const HOLD_SCRIPT_LOCK = `SELECT pg_advisory_xact_lock(${SCRIPT_LOCK_KEY}); `
const LOCK_POLL_MS = 100
const LOCK_WAIT_MS = 10 * 60_000

/** A further step under the lock, as the database's owner; must be idempotent. */
export type AfterMigrate = (database: { readonly client: pg.Client; readonly url: string }) => Promise<void>

export interface MigrateOptions {
  /** The owner's URL, to a database or a pooler in session mode: the lock belongs to the session. */
  readonly url: string
  readonly log: Logger
  /** The package's own unless given. */
  readonly migrationsDir?: string
  readonly afterMigrate?: readonly AfterMigrate[]
}

export interface MigrateResult {
  /** The names of the migrations that this call applied, oldest first. */
  readonly applied: string[]
}

/**
 * Makes the roles, applies the missing migrations and runs `afterMigrate`, one process at a time per database. Throws a
 * StartFault when the database cannot be reached, is newer than this code, or refuses a migration; what was applied
 * before that stays.
 */
export async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  const { url, log, afterMigrate = [] } = options
  const migrationsDir = options.migrationsDir ?? defaultMigrationsDir()
  const client = await connectDirect(url)
  try {
    await lock(client, LOCK_KEY, log)
    await ensureRoles(client)
    await lock(client, SCRIPT_LOCK_KEY, log)
    await client.query('SELECT pg_advisory_unlock($1)', [SCRIPT_LOCK_KEY])
    const applied = await applyMigrations(client, url, migrationsDir, log)
    for (const step of afterMigrate) await step({ client, url })
    return { applied }
  } finally {
    await client.end() // gives the lock back
  }
}

/**
 * Asks again and again instead of waiting inside PostgreSQL: a statement that waits holds a snapshot, for which the
 * migration of the other process might wait in turn (CREATE INDEX CONCURRENTLY).
 */
async function lock(client: pg.Client, key: number, log: Logger): Promise<void> {
  const deadline = Date.now() + LOCK_WAIT_MS
  let waiting = false
  for (;;) {
    const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [key])
    if (rows[0]?.locked === true) return
    if (Date.now() > deadline) throw new StartFault('Another process has been migrating this database for ten minutes.')
    if (!waiting) log.info('another process is migrating this database: waiting for it')
    waiting = true
    await sleep(LOCK_POLL_MS)
  }
}

interface HistoryRow {
  readonly migration_name: string
  readonly checksum: string
  readonly finished: boolean
}

async function readHistory(client: pg.Client): Promise<HistoryRow[]> {
  const table = await client.query<{ present: boolean }>(
    "SELECT to_regclass('public._prisma_migrations') IS NOT NULL AS present",
  )
  if (table.rows[0]?.present !== true) return []
  const { rows } = await client.query<HistoryRow>(
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished
       FROM public._prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at, migration_name`,
  )
  return rows
}

async function applyMigrations(client: pg.Client, url: string, migrationsDir: string, log: Logger): Promise<string[]> {
  const migrationsList = readMigrations(migrationsDir)
  const names = migrationNames(migrationsList)
  const newest = names.at(-1)
  if (newest === undefined)
    throw new Error(`There are no migrations in ${migrationsDir}: the installation is incomplete.`)
  const history = await readHistory(client)
  const unknown = history.filter((row) => !names.includes(row.migration_name)).at(-1)
  if (unknown !== undefined) {
    throw new StartFault(
      `The database is newer than this code: it has ${unknown.migration_name}, the code ends at ${newest}.`,
      'Update Cadre, or use another database.',
    )
  }
  const scripts = new Map(
    migrationsList.migrationDirectories.map(({ path, migrationFile: { content } }) => [path, content.value]),
  )
  const checksums = new Map([...scripts].map(([name, script]) => [name, checksum(script)]))
  for (const row of history) {
    if (!row.finished) {
      log.warn({ migration: row.migration_name }, 'a migration was interrupted and left nothing behind: it runs again')
      await client.query(
        `UPDATE public._prisma_migrations SET rolled_back_at = now()
          WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL`,
        [row.migration_name],
      )
    } else if (row.checksum !== checksums.get(row.migration_name)) {
      log.warn({ migration: row.migration_name }, 'this migration was changed after it was applied to the database')
    }
  }
  if (names.every((name) => history.some((row) => row.finished && row.migration_name === name))) return []
  const running: { name?: string; script: string; refusal?: pg.DatabaseError } = { script: '' }
  try {
    const { appliedMigrationNames } = await withSchemaEngine(
      url,
      (engine) => engine.applyMigrations({ migrationsList, filters: { externalTables: [], externalEnums: [] } }),
      {
        rewriteScript(script) {
          const name = names.find((candidate) => scripts.get(candidate) === script && candidate !== running.name)
          if (name === undefined) return script
          running.name = name
          running.script = script
          return `${HOLD_SCRIPT_LOCK}${script}\n;${markFinished(name)}`
        },
        onRefused: (refusal) => {
          running.refusal = refusal
        },
      },
    )
    return appliedMigrationNames
  } catch (err) {
    if (running.name === undefined || running.refusal === undefined) throw err
    throw migrationFailed(running.name, running.script, running.refusal)
  }
}

/** Runs in the migration's own transaction. */
function markFinished(name: string): string {
  return `UPDATE public._prisma_migrations SET finished_at = now()
           WHERE migration_name = '${name.replaceAll("'", "''")}' AND finished_at IS NULL AND rolled_back_at IS NULL`
}

function migrationFailed(name: string, script: string, refusal: pg.DatabaseError): StartFault {
  const position = Number(refusal.position)
  const line = Number.isInteger(position)
    ? ` (line ${script.slice(0, position - HOLD_SCRIPT_LOCK.length).split('\n').length})`
    : ''
  const detail = refusal.detail === undefined ? '' : ` ${refusal.detail}`
  return new StartFault(
    `The migration ${name} failed${line}: ${refusal.message}.${detail}`,
    'Nothing of it was kept. What it says must be put right, in the database or in the migration; then start again.',
    refusal,
  )
}

function checksum(script: string): string {
  return createHash('sha256').update(script).digest('hex')
}
