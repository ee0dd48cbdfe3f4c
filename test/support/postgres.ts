import { startScratchPostgres } from '../../src/platform/db/scratch.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'

export interface TestPostgres {
  /** A user who owns its database and may create databases and roles. */
  readonly url: string
  /** The superuser, where the server is ours. */
  readonly adminUrl?: string
  /** Stops the server and removes its folder, where they are ours. */
  stop(): Promise<void>
}

/**
 * The PostgreSQL that tests run on: the one at TEST_DATABASE_URL (or DATABASE_URL), else an embedded one of this run's
 * own in a temporary folder.
 */
export async function startTestPostgres(): Promise<TestPostgres> {
  const given = process.env.TEST_DATABASE_URL || process.env.DATABASE_URL
  if (given !== undefined && given !== '') return { url: given, stop: async () => {} }
  return startScratchPostgres(createLogger({ level: 'error', format: 'json' }))
}
