import { builder, type Types } from '../../platform/graphql/builder.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { eventDetails, type LoggedEvent } from '../../platform/graphql/event.ts'
import { Money } from '../../platform/graphql/money.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { budgetEvents } from './events.ts'
import type { PeriodKind } from './model.ts'
import { getBudget, getMonthBudget, type MonthBudget } from './service.ts'

type BudgetOfDay = Awaited<ReturnType<typeof getBudget>>

const dollars = (micros: bigint) => ({ micros, currency: 'USD' })

const BudgetPeriod = describeEnum<PeriodKind>('BudgetPeriod', 'What a budget is for.', {
  DAY: 'A day, by UTC.',
  MONTH: 'A month, by UTC.',
})

const BudgetOfMonth = builder.objectRef<MonthBudget>('MonthBudget').implement({
  description: 'What the workspace may spend on model calls this month, by UTC, and what became of it.',
  fields: (t) => ({
    from: t.expose('from', { type: 'Date', description: 'The first day of the month.' }),
    limit: t.field({
      type: Money,
      nullable: true,
      description: 'What may be spent; null is no limit. The setting `monthlyBudget`.',
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
    month: t.field({
      type: BudgetOfMonth,
      description: 'The budget of this month.',
      resolve: (_budget, _args, ctx) => getMonthBudget(ctx),
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

type EventFields = PothosSchemaTypes.ObjectFieldBuilder<Types, LoggedEvent>

const figures = (t: EventFields) => ({
  period: t.field({
    type: BudgetPeriod,
    description: 'Whether it is the budget of a day or of a month.',
    resolve: ({ event }): PeriodKind => (event.data.month === undefined ? 'DAY' : 'MONTH'),
  }),
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
})

const details = eventDetails(budgetEvents, {
  exhausted: figures,
  thresholdReached: (t) => ({
    ...figures(t),
    percent: t.int({
      description: 'The line, in percent of what could be spent.',
      resolve: ({ event }) => Number(event.data.percent),
    }),
  }),
})

const microsOf = (text: unknown) => (typeof text === 'string' && /^\d+$/.test(text) ? dollars(BigInt(text)) : null)

topic('budgetExhausted', details.exhausted, { description: 'The budget of a day or a month is used up.' })
topic('budgetThresholdReached', details.thresholdReached, {
  description: 'What was spent has come to a line of the setting `budgetAlerts`.',
})
