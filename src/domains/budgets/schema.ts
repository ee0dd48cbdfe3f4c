import { builder } from '../../platform/graphql/builder.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import { Money } from '../../platform/graphql/money.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { budgetEvents } from './events.ts'
import { getBudget } from './service.ts'

type BudgetOfDay = Awaited<ReturnType<typeof getBudget>>

const dollars = (micros: bigint) => ({ micros, currency: 'USD' })

const Budget = builder.objectRef<BudgetOfDay>('Budget').implement({
  description: 'What the workspace may spend on model calls today, by UTC, and what became of it.',
  fields: (t) => ({
    day: t.expose('day', { type: 'Date', description: 'The day, by UTC.' }),
    limit: t.field({
      type: Money,
      nullable: true,
      description: 'What may be spent; null is no limit.',
      resolve: ({ limitMicros }) => (limitMicros === null ? null : dollars(limitMicros)),
    }),
    spent: t.field({
      type: Money,
      description: 'What was spent.',
      resolve: ({ settledMicros }) => dollars(settledMicros),
    }),
    held: t.field({
      type: Money,
      description: 'What calls in flight may cost at most.',
      resolve: ({ heldMicros }) => dollars(heldMicros),
    }),
    lost: t.field({
      type: Money,
      description: 'What calls may have cost whose end nobody saw. It counts as spent.',
      resolve: ({ lostMicros }) => dollars(lostMicros),
    }),
  }),
})

builder.queryField('budget', (t) =>
  t.field({
    type: Budget,
    permission: 'WORKSPACE_READ',
    description: 'The budget of today.',
    resolve: (_root, _args, ctx) => getBudget(ctx),
  }),
)

const details = eventDetails(budgetEvents, {
  exhausted: (t) => ({
    limit: t.field({
      type: Money,
      nullable: true,
      description: 'What could be spent.',
      resolve: ({ event }) => microsOf(event.data.limitMicros),
    }),
    spent: t.field({
      type: Money,
      nullable: true,
      description: 'What had been spent by then.',
      resolve: ({ event }) => microsOf(event.data.spentMicros),
    }),
  }),
})

const microsOf = (text: unknown) => (typeof text === 'string' && /^\d+$/.test(text) ? dollars(BigInt(text)) : null)

topic('budgetExhausted', details.exhausted, { description: 'The budget of a day is used up.' })
