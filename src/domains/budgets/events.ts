import { defineEvents } from '../../platform/events/event.ts'

export const budgetEvents = defineEvents({
  exhausted: {
    type: 'budget.exhausted',
    description: "A workspace's budget for the day was used up; runs that need a model wait. Once a day at most.",
    subject: 'workspace',
    summary: (event) => {
      const { limitMicros, day } = event.data
      const limit = typeof limitMicros === 'string' ? `of $${(Number(limitMicros) / 1_000_000).toFixed(2)} ` : ''
      return `The budget ${limit}for ${typeof day === 'string' ? day : 'the day'} is used up`
    },
  },
})
