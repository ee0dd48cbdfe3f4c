import type { Config } from '../config.ts'
import { createLogger } from '../platform/observability/logger.ts'
import { Banner } from './banner.ts'
import { openPostgres, type Postgres } from './postgres.ts'
import { listenFault, requireFreePort } from './taken-port.ts'
import { closeInOrder, untilStopped } from './until-stopped.ts'

const COMMAND = 'npm start'

/**
 * `npm start`: PostgreSQL, migrations, the demo workspace when there is none, doors and worker in one process. Returns
 * when it was stopped. Throws a StartFault when it cannot start; nothing is left running then.
 */
export async function start(config: Config): Promise<void> {
  const log = createLogger(config.log)
  const banner = new Banner(process.stdout, config.log.format === 'pretty')
  banner.open(config.production)
  await requireFreePort(config, COMMAND)
  const stopped = untilStopped(config, banner)
  let isUp = false
  void stopped.then(() => isUp || banner.stoppingSoon())
  // Reading the program is work for this process, starting PostgreSQL is work for others: both at once.
  const loading = import('./bring-up.ts')
  loading.catch(() => {}) // told below, where it is needed
  let postgres: Postgres | undefined
  try {
    banner.begin()
    postgres = await openPostgres(config, log)
    banner.step(postgres.label, postgres.place)
    const { bringUp } = await loading
    banner.begin()
    const { app, story } = await bringUp({ config, log, postgres, banner })
    isUp = true
    await stopped
    await story.stop()
    // What is told from here on is one line, which news would break in two.
    if (banner.shown && log.level === 'info') log.level = 'warn'
    await closeInOrder(app, postgres, banner)
  } catch (err) {
    await postgres?.stop()
    throw (await listenFault(err, config.http, COMMAND)) ?? err
  }
}
