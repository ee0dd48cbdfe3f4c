import type { DBOSConfig } from '@dbos-inc/dbos-sdk'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observability/logger.ts'

export type DbosLogger = NonNullable<DBOSConfig['logger']>

const REPEAT_AFTER_MS = 30_000
const DIGITS_AND_IDS = /[0-9a-f]{8}-[0-9a-f-]{27}|\d+(\.\d+)?/gi

/**
 * Gives DBOS our log to write to, and nothing else: what it does is debug, its warnings and errors stay what they are.
 * In an outage of the database each of a thousand workflows says the same in its own numbers: of one sentence only the
 * first in 30 s is a warning.
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
  const at = (level: 'warn' | 'error', entry: unknown, err?: unknown): void => {
    const message = `DBOS: ${String(entry)}`
    const fields = err === undefined ? {} : { err }
    log[isRepeat(message) ? 'debug' : level](fields, message)
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
