import type { App } from '../app.ts'
import type { Config } from '../config.ts'
import type { Banner } from './banner.ts'
import type { Postgres } from './postgres.ts'

/** A package manager in between hands on the Ctrl-C that the terminal has sent us already: one wish, told twice. */
const SAME_WISH_MS = 250

const PARENT_POLL_MS = 250

/**
 * Listens for SIGINT and SIGTERM from now on; resolves at the first. A second one ends the process at once, which is as
 * safe: what was under way is finished by the next start. Whoever was started by npm ends with it, too.
 */
export function untilStopped({ startedByNpm }: Pick<Config, 'startedByNpm'>, banner?: Banner): Promise<void> {
  let askedAt: number | undefined
  let resolve = (): void => {}
  const asked = new Promise<void>((done) => {
    resolve = done
  })
  const onSignal = (): void => {
    if (askedAt === undefined) {
      askedAt = performance.now()
      resolve()
    } else if (performance.now() - askedAt > SAME_WISH_MS) {
      banner?.stoppedAtOnce()
      process.exit(130)
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  if (startedByNpm) onParentGone(resolve)
  return asked
}

/** Where there is no terminal a signal reaches npm and its shell, which die of it and hand nothing on. */
function onParentGone(tell: () => void): void {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    tell()
  }, PARENT_POLL_MS)
  watch.unref()
}

/** Stops everything in order. */
export async function closeInOrder(app: App, postgres: Postgres, banner?: Banner): Promise<void> {
  banner?.stopping(app.working())
  try {
    const { unfinished } = await app.close()
    banner?.stopped(unfinished)
  } finally {
    await postgres.stop()
  }
}
