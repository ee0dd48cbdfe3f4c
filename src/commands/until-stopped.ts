import type { App } from '../app.ts'
import type { Banner } from './banner.ts'
import type { Postgres } from './postgres.ts'

/**
 * Waits for SIGINT or SIGTERM and stops everything in order. A second signal ends the process at once, which is as safe:
 * what was under way is finished by the next start.
 */
export async function untilStopped(app: App, postgres: Postgres, banner?: Banner): Promise<void> {
  await new Promise<void>((resolve) => {
    let asked = false
    const onSignal = (): void => {
      if (asked) process.exit(130)
      asked = true
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
  banner?.stopping()
  try {
    const { unfinished } = await app.close()
    banner?.stopped(unfinished)
  } finally {
    await postgres.stop()
  }
}
