const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

/** Whether ISO 4217 knows a currency by this code: three capital letters, as `EUR`. */
export const isCurrency = (code: string): boolean => CURRENCIES.has(code)

/** How many digits follow the point in amounts as people write them; two where the currency is older than what this runtime knows. */
export function fractionDigits(currency: string): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  } catch {
    return 2
  }
}
