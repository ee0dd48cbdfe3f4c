import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { accountFor } from '../../src/platform/db/embedded-account.ts'
import type { EmbeddedBinaries } from '../../src/platform/db/embedded-binaries.ts'
import { createPrivateFolder, writePrivateFile } from '../../src/platform/db/embedded-place.ts'
import { runProgram, startPostmaster, stopPostmaster } from '../../src/platform/db/embedded-postmaster.ts'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import type { TestPostgres } from './postgres.ts'
import { runSql } from './sql.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

const HOME = '/usr/lib/postgresql/15'
const PASSWORD = 'for-tests-only'

/** Whether Debian's PostgreSQL 15, the oldest version we support, is on this machine. */
export function hasPostgres15(): boolean {
  return existsSync(join(HOME, 'bin', 'initdb'))
}

/**
 * Starts a PostgreSQL 15 in a temporary folder. Its `url` is for `owner`, who owns the database `owned` and may create
 * databases but no roles, unless `superuser` makes it one.
 */
export async function startDebianPostgres15(options: {
  readonly superuser: boolean
}): Promise<TestPostgres & { adminUrl: string }> {
  const binaries: EmbeddedBinaries = {
    home: HOME,
    initdb: join(HOME, 'bin', 'initdb'),
    pgCtl: join(HOME, 'bin', 'pg_ctl'),
    version: '15',
    major: 15,
  }
  const dir = openTemporaryFolder('cadre-test-postgres15-')
  const dataDir = join(dir, 'data')
  const account = accountFor(dataDir)
  createPrivateFolder(dataDir, account)
  const passwordFile = join(dir, 'password')
  writePrivateFile(passwordFile, PASSWORD, account)
  const args = ['-D', dataDir, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync']
  const made = await runProgram(binaries.initdb, [...args, '--encoding=UTF8', '--locale=C.UTF-8'], account)
  if (made.exitCode !== 0) throw new Error(made.output)
  const port = await findFreePort()
  const outcome = await startPostmaster({ binaries, account, dataDir, port, maxConnections: 200, durable: false })
  if (outcome !== 'started') throw new Error(`PostgreSQL 15 did not start: ${outcome}`)
  const adminUrl = `postgresql://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`
  const rights = options.superuser ? 'SUPERUSER' : 'NOSUPERUSER CREATEDB NOCREATEROLE'
  await runSql(adminUrl, `CREATE ROLE owner LOGIN ${rights} PASSWORD '${PASSWORD}'`)
  await runSql(adminUrl, 'CREATE DATABASE owned OWNER owner')
  return {
    url: `postgresql://owner:${PASSWORD}@127.0.0.1:${port}/owned`,
    adminUrl,
    async stop() {
      await stopPostmaster(binaries, account, dataDir)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
