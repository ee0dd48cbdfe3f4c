import { defineEvents } from '../../platform/events/event.ts'

export const budgetEvents = defineEvents({
  exhausted: {
    type: 'budget.exhausted',
    description:
      "A workspace's budget for a day or a month was used up; runs that need a model wait. Once a day and a month at most.",
    subject: 'workspace',
    summary: ({ data }) => `The budget ${limitOf(data)}for ${periodOf(data)} is used up`,
  },
  thresholdReached: {
    type: 'budget.threshold_reached',
    description: 'What was spent has come to a line of the setting `budgetAlerts`, of a day or of a month.',
    subject: 'workspace',
    summary: ({ data }) => `${Number(data.percent)} % of the budget ${limitOf(data)}for ${periodOf(data)} is spent`,
  },
})

const limitOf = ({ limitMicros }: Readonly<Record<string, unknown>>): string =>
  typeof limitMicros === 'string' ? `of $${(Number(limitMicros) / 1_000_000).toFixed(2)} ` : ''

function periodOf({ day, month }: Readonly<Record<string, unknown>>): string {
  if (typeof month === 'string') return month
  return typeof day === 'string' ? day : 'the day'
}
