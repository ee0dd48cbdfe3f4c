import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../../src/platform/db/embedded.ts'
import { isIdentityAlive, processIdentity } from '../../src/platform/db/process-identity.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'

export interface TestPostgres {
  /** A user who owns its database and may create databases and roles. */
  readonly url: string
  /** The superuser, where the server is ours. */
  readonly adminUrl?: string
  /** Stops the server and removes its folder, where they are ours. */
  stop(): Promise<void>
}

const PREFIX = 'cadre-test-postgres-'
const OWNER_FILE = 'owner'

const log = createLogger({ level: 'error', format: 'json' })

/**
 * The PostgreSQL tests run on: the one at TEST_DATABASE_URL (or DATABASE_URL), else an embedded one of this run's own in
 * a temporary folder. Servers whose test run was killed are stopped and removed first.
 */
export async function startTestPostgres(): Promise<TestPostgres> {
  const given = process.env.TEST_DATABASE_URL || process.env.DATABASE_URL
  if (given !== undefined && given !== '') return { url: given, stop: async () => {} }
  await removeAbandoned()
  const dir = await openTemporaryFolder(PREFIX)
  writeFileSync(join(dir, OWNER_FILE), processIdentity(process.pid))
  const postgres = await startEmbedded({ dir, log, durable: false })
  return {
    url: postgres.url,
    adminUrl: postgres.adminUrl,
    async stop() {
      await postgres.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** A temporary folder that PostgreSQL's user can enter when the tests run as root. */
export async function openTemporaryFolder(prefix: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), prefix))
  await chmod(dir, 0o755)
  return dir
}

async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const dir = join(tmpdir(), name)
    const owner = join(dir, OWNER_FILE)
    if (!name.startsWith(PREFIX) || !existsSync(owner) || isIdentityAlive(readFileSync(owner, 'utf8'))) continue
    const postgres = await startEmbedded({ dir, log, durable: false })
    await postgres.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}
