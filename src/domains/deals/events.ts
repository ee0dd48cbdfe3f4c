import { defineEvents, type Names, type StoredEvent } from '../../platform/events/event.ts'
import { moneyText } from '../../platform/lib/money.ts'

/** ` · €18,000.00`, where the event knows an amount. */
function amountOf({ data }: StoredEvent): string {
  const { amountMicros, currency } = data
  if (typeof amountMicros !== 'string' || typeof currency !== 'string') return ''
  return ` · ${moneyText({ micros: BigInt(amountMicros), currency })}`
}

const stageOf = (id: unknown, names: Names): Promise<string> => names.of('stage', String(id))

export const dealEvents = defineEvents({
  created: {
    type: 'deal.created',
    description: 'A deal was opened.',
    subject: 'deal',
    keptUnless: [],
    summary: async (event, names) => {
      const deal = await names.of('deal', event.subject.id)
      return `${await names.actor(event.actor)} opened deal ${deal}${amountOf(event)} · ${await stageOf(event.data.stageId, names)}`
    },
  },
  updated: {
    type: 'deal.updated',
    description: 'What is known of a deal was changed.',
    subject: 'deal',
    keptUnless: ['name', 'nextStep'],
    summary: async (event, names) => {
      const fields = event.changes.map((change) => change.field).join(', ')
      return `${await names.actor(event.actor)} changed ${await names.of('deal', event.subject.id)}: ${fields}`
    },
  },
  stageChanged: {
    type: 'deal.stage_changed',
    description: 'A deal came to another stage.',
    subject: 'deal',
    keptUnless: ['lostReason'],
    summary: async (event, names) => {
      const { from, to } = event.data
      const deal = await names.of('deal', event.subject.id)
      return `${await names.actor(event.actor)} moved ${deal} from ${await stageOf(from, names)} to ${await stageOf(to, names)}`
    },
  },
  won: {
    type: 'deal.won',
    description: 'The customer said yes.',
    subject: 'deal',
    keptUnless: ['lostReason'],
    summary: async (event, names) =>
      `${await names.actor(event.actor)} won ${await names.of('deal', event.subject.id)}${amountOf(event)}`,
  },
  lost: {
    type: 'deal.lost',
    description: 'The customer said no.',
    subject: 'deal',
    keptUnless: ['lostReason'],
    summary: async (event, names) => {
      const reason = event.changes.find((change) => change.field === 'lostReason')?.to
      const why = reason === undefined || reason === null ? '' : `: ${reason}`
      return `${await names.actor(event.actor)} lost ${await names.of('deal', event.subject.id)}${why}`
    },
  },
  reopened: {
    type: 'deal.reopened',
    description: 'A deal that was won or lost is open again.',
    subject: 'deal',
    keptUnless: ['lostReason'],
    summary: async (event, names) => {
      const deal = await names.of('deal', event.subject.id)
      return `${await names.actor(event.actor)} reopened ${deal} in ${await stageOf(event.data.to, names)}`
    },
  },
})
