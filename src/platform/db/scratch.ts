// A PostgreSQL for one task (a test run, a comparison of schemas) in a temporary folder, gone afterwards. The embedded
// server outlives a killed process by design, so a scratch server notes whose it is, and the next one that is started
// removes those whose process is no more.

import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../observability/logger.ts'
import { startEmbedded } from './embedded.ts'
import { isIdentityAlive, processIdentity } from './process-identity.ts'

const PREFIX = 'cadre-scratch-'
const OWNER_FILE = 'owner'

export interface ScratchPostgres {
  /** For a user who owns the database `cadre` and may create roles and databases. */
  readonly url: string
  readonly adminUrl: string
  /** Stops the server and removes its folder. */
  stop(): Promise<void>
}

/** Starts an empty embedded PostgreSQL that does not survive a power cut, and is quick for it. */
export async function startScratchPostgres(log: Logger): Promise<ScratchPostgres> {
  await removeAbandoned(log)
  const dir = mkdtempSync(join(tmpdir(), PREFIX))
  // Open, so that PostgreSQL's user can enter it when we are root; the data folder inside is closed.
  chmodSync(dir, 0o755)
  writeFileSync(join(dir, OWNER_FILE), processIdentity(process.pid))
  try {
    const { url, adminUrl, stop } = await startEmbedded({ dir, log, durable: false })
    return {
      url,
      adminUrl,
      async stop() {
        await stop()
        rmSync(dir, { recursive: true, force: true })
      },
    }
  } catch (err) {
    rmSync(dir, { recursive: true, force: true })
    throw err
  }
}

async function removeAbandoned(log: Logger): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const dir = join(tmpdir(), name)
    const owner = readOwner(join(dir, OWNER_FILE))
    if (owner === undefined || isIdentityAlive(owner)) continue
    // Its server may run: adopting it is the one way to stop it that cannot hit another.
    const { stop } = await startEmbedded({ dir, log, durable: false })
    await stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Undefined while the folder is being made or removed, and where it is another user's. */
function readOwner(file: string): string | undefined {
  try {
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  } catch {
    return undefined
  }
}
