import { Duration } from 'luxon'

/**
 * An ISO 8601 duration as people write it (`P7D`, `PT30M`, `-P1M`); undefined when the text is none. Weeks, months and
 * years stay what they are: their length depends on the day they are counted from.
 */
export function parseDuration(text: string): Duration | undefined {
  if (text.length > 60 || !/^[+-]?P/.test(text)) return undefined
  const negative = text.startsWith('-')
  const duration = Duration.fromISO(text.replace(/^[+-]/, ''))
  if (!duration.isValid || text.endsWith('T') || /P$/.test(text)) return undefined
  return negative ? duration.negate() : duration
}

/** The moment `duration` away from `from`, counted in UTC; undefined when it is beyond what a date can say. */
export function addDuration(from: Date, duration: Duration): Date | undefined {
  const moment = new Date(from.getTime())
  const { years, months, weeks, days, hours, minutes, seconds, milliseconds } = duration.normalize().toObject()
  const wholeMonths = (years ?? 0) * 12 + (months ?? 0)
  if (wholeMonths !== 0) {
    // A month from 31 January is the last day of February, not some day in March.
    const day = moment.getUTCDate()
    moment.setUTCDate(1)
    moment.setUTCMonth(moment.getUTCMonth() + Math.trunc(wholeMonths))
    const lastDay = new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + 1, 0)).getUTCDate()
    moment.setUTCDate(Math.min(day, lastDay))
  }
  const ms =
    ((((weeks ?? 0) * 7 + (days ?? 0)) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 +
    (seconds ?? 0) * 1_000 +
    (milliseconds ?? 0)
  const result = new Date(moment.getTime() + ms)
  return Number.isNaN(result.getTime()) ? undefined : result
}
