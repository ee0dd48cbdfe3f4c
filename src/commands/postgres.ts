import type { Config } from '../config.ts'
import { connectDirect } from '../platform/db/connect.ts'
import { startEmbedded } from '../platform/db/embedded.ts'
import { StartFault } from '../platform/lib/start-fault.ts'
import type { Logger } from '../platform/observability/logger.ts'
import { shortPath } from './terminal-text.ts'

/** How this process reaches its database: each login by its purpose, and how to give an embedded server back. */
export interface Postgres {
  /** Owns the database and migrates it. */
  readonly ownerUrl: string
  readonly appUrl: string
  readonly systemUrl: string
  /** As `systemUrl`, but not through a transaction-mode pooler: for LISTEN, locks and the queue. */
  readonly systemDirectUrl: string
  /** For people: `PostgreSQL 18.4, embedded`. */
  readonly label: string
  /** For people: the data folder, or the server's name. */
  readonly place: string
  readonly embedded: boolean
  stop(): Promise<void>
}

/**
 * DATABASE_URL, which must answer, or the embedded PostgreSQL in the project's folder, started or adopted. Throws a
 * StartFault.
 */
export async function openPostgres(config: Config, log: Logger): Promise<Postgres> {
  const { url, appUrl, systemUrl, directUrl } = config.database
  if (url === undefined) {
    const embedded = await startEmbedded({ dir: config.dir, log })
    return {
      ownerUrl: embedded.url,
      appUrl: embedded.url,
      systemUrl: embedded.url,
      systemDirectUrl: embedded.url,
      label: `PostgreSQL ${embedded.version}, embedded`,
      place: shortPath(embedded.dataDir),
      embedded: true,
      stop: () => embedded.stop(),
    }
  }
  const ownerUrl = directUrl ?? url
  return {
    ownerUrl,
    appUrl: appUrl ?? url,
    systemUrl: systemUrl ?? url,
    systemDirectUrl: directUrl ?? systemUrl ?? url,
    label: `PostgreSQL ${await askVersion(ownerUrl, directUrl === undefined ? 'DATABASE_URL' : 'DATABASE_DIRECT_URL')}`,
    place: new URL(ownerUrl).host,
    embedded: false,
    stop: async () => {},
  }
}

async function askVersion(url: string, setting: string): Promise<string> {
  const client = await connectDirect(url, setting)
  try {
    const { rows } = await client.query<{ version: string }>("SELECT current_setting('server_version') AS version")
    // Packagers add their own words: `17.6 (Debian 17.6-1)`.
    return rows[0]?.version.split(' ', 1)[0] ?? ''
  } finally {
    await client.end()
  }
}

/** Commands that do not bring a database of their own need to be told one. */
export function requireDatabaseUrl(config: Config, command: string): void {
  if (config.database.url !== undefined) return
  throw new StartFault(`\`${command}\` needs DATABASE_URL.`, 'npm start brings its own PostgreSQL.')
}
