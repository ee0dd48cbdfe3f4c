import { relative } from 'node:path'
import { type App, createApp } from '../app.ts'
import type { Config } from '../config.ts'
import { migrate } from '../platform/db/migrate.ts'
import { installDurable } from '../platform/durable/install.ts'
import { systemClock } from '../platform/lib/clock.ts'
import { StartFault } from '../platform/lib/start-fault.ts'
import { createLogger, type Logger } from '../platform/observability/logger.ts'
import { Banner } from './banner.ts'
import { openPostgres, type Postgres } from './postgres.ts'
import { DEMO_FORM_PATH, readDemoKey, seedDemo } from './seed.ts'
import { untilStopped } from './until-stopped.ts'

/**
 * `npm start`: PostgreSQL, migrations, the demo workspace when there is none, doors and worker in one process. Returns
 * when it was stopped. Throws a StartFault when it cannot start; nothing is left running then.
 */
export async function start(config: Config): Promise<void> {
  const log = createLogger(config.log)
  const banner = new Banner(process.stdout, config.log.format === 'pretty')
  banner.open(config.production)
  let postgres: Postgres | undefined
  let app: App | undefined
  try {
    postgres = await openPostgres(config, log)
    banner.step(postgres.label, postgres.embedded ? relative('.', config.dir) : '')
    const { applied } = await migrate({ url: postgres.ownerUrl, log, afterMigrate: [installDurable] })
    banner.step('Schema up to date', applied.length === 0 ? 'nothing to apply' : `${applied.length} applied`)
    const { keyFile, created } = await seed(config, postgres, log)
    if (keyFile !== null) {
      banner.step('Demo workspace', created ? '2 employees · 1 form · 1 pipeline' : 'as you left it')
    }
    app = await createApp({
      config,
      log,
      urls: postgres,
      serve: true,
      work: true,
      development: !config.production,
      ...(keyFile === null || config.production || !isLoopback(config.http.host)
        ? {}
        : { graphiqlKey: readDemoKey(config.dir) }),
    })
    banner.serving(app, { formPath: keyFile === null ? null : DEMO_FORM_PATH, keyFile })
    log.info({ url: app.url, model: app.mode }, 'serving')
  } catch (err) {
    await app?.close()
    await postgres?.stop()
    throw portTaken(err, config) ?? err
  }
  await untilStopped(app, postgres, banner)
}

async function seed(config: Config, postgres: Postgres, log: Logger) {
  const { createDatabase } = await import('../platform/db/database.ts')
  const db = createDatabase({ ...postgres, appConnections: 1, systemConnections: 1, log })
  try {
    const { sampleLeads } = config.demo
    return await seedDemo({ db, dir: config.dir, sampleLeads, bell: { ring: () => {} }, clock: systemClock, log })
  } finally {
    await db.close()
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')

/** A port that somebody else has, said in two lines. */
export function portTaken(err: unknown, config: Config): StartFault | undefined {
  if ((err as { code?: unknown }).code !== 'EADDRINUSE') return undefined
  const { port } = config.http
  return new StartFault(`Port ${port} is taken.`, `PORT=${port + 1} npm start`, err)
}
