import type { Config } from '../config.ts'
import { migrate } from '../platform/db/migrate.ts'
import { installDurable } from '../platform/durable/install.ts'
import { createLogger } from '../platform/observability/logger.ts'
import { openPostgres } from './postgres.ts'

/** Brings the database to the state of this code and ends. Safe beside running servers: one process migrates at a time. */
export async function migrateOnly(config: Config): Promise<void> {
  const log = createLogger(config.log)
  const postgres = await openPostgres(config, log)
  try {
    const { applied } = await migrate({ url: postgres.ownerUrl, log, afterMigrate: [installDurable] })
    process.stdout.write(
      applied.length === 0 ? 'Schema up to date: nothing to apply.\n' : `Applied ${applied.join(', ')}.\n`,
    )
  } finally {
    await postgres.stop()
  }
}
