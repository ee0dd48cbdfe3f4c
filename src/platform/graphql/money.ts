import { formatMicros, type MoneyValue, moneyText } from '../lib/money.ts'
import { builder } from './builder.ts'

/** An amount; resolvers hand over `moneyOf(micros, currency)` of `lib/money.ts`. */
export const Money = builder.objectRef<MoneyValue>('Money').implement({
  description: 'An amount in one currency. Nothing is ever converted silently.',
  fields: (t) => ({
    amount: t.field({
      type: 'Decimal',
      description: 'The exact amount.',
      resolve: ({ micros }) => formatMicros(micros),
    }),
    value: t.float({ description: 'For charts, not for sums.', resolve: ({ micros }) => Number(micros) / 1_000_000 }),
    micros: t.expose('micros', { type: 'BigInt', description: 'Millionths of the unit: exact, for sums.' }),
    currency: t.expose('currency', { type: 'CurrencyCode', description: 'Its currency.' }),
    text: t.string({
      description: 'As people write it.',
      args: {
        locale: t.arg.string({ description: 'In the manner of this locale, e.g. `de-DE`; English unless told.' }),
      },
      resolve: (money, { locale }) => moneyText(money, locale ?? undefined),
    }),
  }),
})
