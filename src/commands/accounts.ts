import { existsSync, readdirSync } from 'node:fs'
import type { Config } from '../config.ts'
import { type ListedAccount, listAccounts, restoreAccount, suspendAccount } from '../domains/accounts/suspension.ts'
import type { Ctx } from '../platform/context.ts'
import { connectDirect } from '../platform/db/connect.ts'
import { createDatabase, type Database } from '../platform/db/database.ts'
import type { Tx } from '../platform/db/transaction.ts'
import { systemClock } from '../platform/lib/clock.ts'
import { isAppError } from '../platform/lib/errors.ts'
import { StartFault } from '../platform/lib/start-fault.ts'
import { createLogger, type Logger } from '../platform/observability/logger.ts'
import { openPostgres } from './postgres.ts'
import { oneLine } from './terminal-text.ts'

/*
 * People who sign in, for whoever runs the server. It works on the database, whether servers run on it or not: they look
 * accounts up by themselves.
 */

const tell = (line: string): boolean => process.stdout.write(`${line}\n`)

/** Shows every account. With `json` as one array, and nothing else. */
export async function list(config: Config, { json = false }: { readonly json?: boolean }): Promise<void> {
  const found = await withDatabase(config, (db) => listAccounts({ db }))
  if (json) tell(JSON.stringify(found))
  else if (found.length === 0) tell('Nobody has an account here yet.')
  else for (const account of found) tell(lineOf(account))
}

/** Shuts a person out. Doing it again changes nothing, and says so. */
export async function suspend(config: Config, address: string): Promise<void> {
  const { email, changed, ownerless } = await change(config, address, suspendAccount)
  tell(
    changed
      ? `${email} is suspended: signed out everywhere, and their keys do nothing.`
      : `${email} was suspended already: nothing was changed.`,
  )
  for (const { slug, name } of ownerless) tell(oneLine(`  No active owner is left in ${name} (${slug}).`))
}

/** Lets a person in again. Doing it again changes nothing, and says so. */
export async function restore(config: Config, address: string): Promise<void> {
  const { email, changed } = await change(config, address, restoreAccount)
  tell(
    changed
      ? `${email} is restored: they sign in again, and their keys work.`
      : `${email} was not suspended: nothing was changed.`,
  )
}

async function change<Outcome>(
  config: Config,
  address: string,
  verb: (tx: Tx, email: string) => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await withDatabase(config, (db, log) =>
      db.inAccountTransaction(operatorContext(db, log), (tx) => verb(tx, address)),
    )
  } catch (err) {
    if (!isAppError(err) || err.code !== 'NOT_FOUND') throw err
    throw new StartFault(
      `Nobody has an account here with the e-mail address ${oneLine(address, 80)}.`,
      '`npm run accounts -- list` shows who has one.',
    )
  }
}

/** Of no workspace: what is done names its own. */
const operatorContext = (db: Database, log: Logger): Ctx => ({
  viewer: { kind: 'system' },
  workspaceId: '00000000-0000-0000-0000-000000000000',
  db,
  // The servers' own sequencers look by themselves.
  bell: { ring: () => {} },
  clock: systemClock,
  log,
  origin: { requestId: 'command-line' },
})

async function withDatabase<Result>(
  config: Config,
  work: (db: Database, log: Logger) => Promise<Result>,
): Promise<Result> {
  const level = config.log.level === 'debug' ? 'debug' : 'warn'
  // What was asked for stands alone on standard output.
  const log = createLogger({ ...config.log, level, stream: process.stderr })
  if (config.database.url === undefined && !hasEmbedded(config.dir)) {
    throw new StartFault(
      `There is no database in ${config.dir} yet.`,
      'Run it where `npm start` was run, or set DATABASE_URL.',
    )
  }
  const postgres = await openPostgres(config, log)
  try {
    await requireAccounts(postgres.ownerUrl)
    const db = createDatabase({ ...postgres, appConnections: 1, systemConnections: 2, log })
    try {
      return await work(db, log)
    } finally {
      await db.close()
    }
  } finally {
    await postgres.stop()
  }
}

/** A database is not made by asking who is in it. */
const hasEmbedded = (dir: string): boolean =>
  existsSync(dir) && readdirSync(dir).some((name) => /^postgres-\d+$/.test(name))

async function requireAccounts(url: string): Promise<void> {
  const client = await connectDirect(url)
  try {
    const { rows } = await client.query<{ ready: boolean }>(
      `select exists (select from information_schema.columns
                       where table_name = 'member' and column_name = 'suspended_at') as ready`,
    )
    if (rows[0]?.ready === true) return
    throw new StartFault(
      'The database is older than this code.',
      'Start a server of this version: it brings the database up to it.',
    )
  } finally {
    await client.end()
  }
}

function lineOf({ email, name, status, workspaces, lastUsedAt }: ListedAccount): string {
  const where = workspaces.map(({ slug, role }) => `${slug} (${role.toLowerCase()})`).join(', ')
  return oneLine(
    [
      email,
      name,
      status.toLowerCase(),
      where === '' ? 'in no workspace' : where,
      lastUsedAt === null ? 'never seen of late' : `last seen ${lastUsedAt.toISOString().slice(0, 16)}Z`,
    ].join(' · '),
  )
}
