/** An amount in one currency. `micros` are millionths of the currency's unit. */
export interface MoneyValue {
  readonly micros: bigint
  /** ISO 4217. */
  readonly currency: string
}

const MICROS_PER_UNIT = 1_000_000n
const DECIMAL = /^([+-])?(\d{1,15})(?:\.(\d{1,6})0*)?$/

/** Micros of a decimal number as text (`"1234.5"`); undefined when it is none, too large, or finer than a micro. */
export function parseMicros(decimal: string): bigint | undefined {
  const match = DECIMAL.exec(decimal.trim())
  if (match === null) return undefined
  const [, sign, whole = '0', fraction = ''] = match
  const micros = BigInt(whole) * MICROS_PER_UNIT + BigInt(fraction.padEnd(6, '0'))
  if (micros > 9_000_000_000_000_000_000n) return undefined
  return sign === '-' ? -micros : micros
}

/** Micros as a decimal number with at least two and no needless further places: `1234.50`, `0.000125`. */
export function formatMicros(micros: bigint): string {
  const absolute = micros < 0n ? -micros : micros
  const fraction = String(absolute % MICROS_PER_UNIT)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '')
  return `${micros < 0n ? '-' : ''}${absolute / MICROS_PER_UNIT}.${fraction}`
}

/** Money of a nullable pair of columns. */
export function moneyOf(micros: bigint | null, currency: string | null): MoneyValue | null {
  return micros === null || currency === null ? null : { micros, currency }
}

/**
 * The amount as people of the locale write it. An unknown locale or currency is written plainly instead of failing:
 * what is stored may be older than what this runtime knows.
 */
export function moneyText({ micros, currency }: MoneyValue, locale = 'en'): string {
  const amount = formatMicros(micros)
  try {
    // Below a cent the usual two places would hide the whole amount.
    const places = micros !== 0n && micros > -10_000n && micros < 10_000n ? { maximumSignificantDigits: 2 } : {}
    return new Intl.NumberFormat(locale, { style: 'currency', currency, ...places }).format(amount as `${number}`)
  } catch {
    return locale === 'en' ? `${currency} ${amount}` : moneyText({ micros, currency })
  }
}
