import { type App, createApp } from '../app.ts'
import type { Config } from '../config.ts'
import { migrate } from '../platform/db/migrate.ts'
import { installDurable } from '../platform/durable/install.ts'
import { createLogger } from '../platform/observability/logger.ts'
import { openPostgres, requireDatabaseUrl } from './postgres.ts'
import { listenFault, requireFreePort } from './taken-port.ts'
import { closeInOrder, untilStopped } from './until-stopped.ts'

/**
 * `server` opens the doors and works runs, `worker` only works runs; both on DATABASE_URL, which they migrate under a
 * lock, and neither seeds anything. Returns when stopped.
 */
export async function serve(config: Config, command: 'server' | 'worker'): Promise<void> {
  requireDatabaseUrl(config, command)
  const log = createLogger(config.log)
  const invocation = `npm run ${command}`
  if (command === 'server') await requireFreePort(config, invocation)
  const stopped = untilStopped(config)
  const postgres = await openPostgres(config, log)
  let app: App
  try {
    const { applied } = await migrate({ url: postgres.ownerUrl, log, afterMigrate: [installDurable] })
    if (applied.length > 0) log.info({ applied }, 'migrated')
    app = await createApp({
      config,
      log,
      urls: postgres,
      serve: command === 'server',
      work: true,
      development: !config.production,
    })
  } catch (err) {
    throw (await listenFault(err, config.http, invocation)) ?? err
  }
  log.info({ url: app.url, model: app.mode }, command === 'server' ? 'serving' : 'working')
  await stopped
  await closeInOrder(app, postgres)
}
