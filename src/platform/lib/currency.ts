const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

/** Whether ISO 4217 knows a currency by this code: three capital letters, as `EUR`. */
export const isCurrency = (code: string): boolean => CURRENCIES.has(code)
