import type { DBOSConfig } from '@dbos-inc/dbos-sdk'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observability/logger.ts'

export type DbosLogger = NonNullable<DBOSConfig['logger']>

const REPEAT_AFTER_MS = 30_000
const DIGITS_AND_IDS = /[0-9a-f]{8}-[0-9a-f-]{27}|\d+(\.\d+)?/gi

/** What it says when an execution is let go, which is our doing and told in our own words … */
const LET_GO =
  /no longer owned by this execution|Shutting down while|system database has been shut down|Cannot use a pool after calling end/
/** … and of the database being away, in a dozen voices: the heartbeat says it once. */
const OUTAGE =
  /ECONN|EPIPE|ETIMEDOUT|connection (failed|timeout|terminated|error)|terminating connection|timeout exceeded when trying to connect|the database system is|on a system database connection/i

/**
 * Gives DBOS our log to write to, and nothing else: what it does is debug, its warnings and errors stay what they are.
 * What
 * a thousand workflows say in their own numbers is a warning the first time in 30 s.
 */
export function dbosLogger(log: Logger, clock: Clock): DbosLogger {
  const lastSaidMs = new Map<string, number>()
  const isRepeat = (message: string): boolean => {
    const sentence = message.slice(0, 200).replace(DIGITS_AND_IDS, '#')
    const nowMs = clock.monotonicMs()
    const saidMs = lastSaidMs.get(sentence)
    if (saidMs !== undefined && nowMs - saidMs < REPEAT_AFTER_MS) return true
    if (lastSaidMs.size > 100) lastSaidMs.clear()
    lastSaidMs.set(sentence, nowMs)
    return false
  }
  const isQuiet = (message: string) => LET_GO.test(message) || OUTAGE.test(message) || isRepeat(message)
  const at = (level: 'warn' | 'error', entry: unknown, err?: unknown): void => {
    const message = `DBOS: ${String(entry)}`
    const fields = err === undefined ? {} : { err }
    log[isQuiet(message) ? 'debug' : level](fields, message)
  }
  return {
    debug: () => {},
    info: (entry) => log.debug(`DBOS: ${String(entry)}`),
    warn: (entry) => at('warn', entry),
    error: (entry, metadata) => at('error', entry, metadata?.error),
  }
}

/** For where DBOS has nothing to say that it does not also throw. */
export const silentDbosLogger: DbosLogger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
