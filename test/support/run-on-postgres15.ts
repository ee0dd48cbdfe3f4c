// The suite on the oldest PostgreSQL there is to support, with no more rights than a hosted database gives: its user owns
// the database and may create others, which the tests clone, but is no superuser and creates no roles. Those an
// administrator granted beforehand, by the SQL that Cadre prints. Arguments are vitest's own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { migrate } from '../../src/platform/db/migrate.ts'
import { StartFault } from '../../src/platform/lib/start-fault.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { hasPostgres15, startDebianPostgres15 } from './postgres15.ts'
import { runSql } from './sql.ts'

const VITEST = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))

/** The SQL for an administrator, taken from the very message in which an operator finds it. */
async function printedSql(url: string): Promise<string> {
  try {
    await migrate({ url, log: createLogger({ level: 'error', format: 'json' }) })
  } catch (err) {
    const sql = err instanceof StartFault ? err.hint?.split('\n\n')[1] : undefined
    if (sql !== undefined) return sql
    throw err
  }
  throw new Error('the user may create roles: this would prove nothing')
}

const describeUser = async (url: string): Promise<string | undefined> =>
  (
    await runSql<{ text: string }>(
      url,
      `select format('PostgreSQL %s, as %s: superuser %s, creates roles %s, creates databases %s, changes into %s',
                current_setting('server_version'), rolname, rolsuper, rolcreaterole, rolcreatedb,
                (select string_agg(rolname, ', ') from pg_roles
                  where rolname like 'cadre%' and pg_has_role(current_user, oid, 'member'))) as text
         from pg_roles where rolname = current_user`,
    )
  )[0]?.text

async function main(): Promise<number> {
  if (!hasPostgres15()) throw new Error("Debian's postgresql-15 is not installed on this machine")
  const postgres = await startDebianPostgres15({ superuser: false })
  try {
    await runSql(postgres.adminUrl, await printedSql(postgres.url))
    process.stdout.write(`${await describeUser(postgres.url)}\n`)
    const suite = spawn(process.execPath, [VITEST, 'run', ...process.argv.slice(2)], {
      env: { ...process.env, DATABASE_URL: postgres.url, TEST_DATABASE_URL: '' },
      stdio: 'inherit',
    })
    // However often we are told to end (a terminal tells the suite as well): the suite first, then the server.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', (signal) => void suite.kill(signal))
    const [exitCode] = (await once(suite, 'exit')) as [number | null]
    return exitCode ?? 1
  } finally {
    await postgres.stop()
  }
}

process.exitCode = await main()
