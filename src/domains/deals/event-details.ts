import { eventDetails } from '../../platform/graphql/event.ts'
import { eventNode } from '../../platform/graphql/node-field.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { decodeId } from '../../platform/lib/ids.ts'
import { dealEvents } from './events.ts'

const details = eventDetails(dealEvents, {
  created: (t) => ({
    deal: t.field(eventNode('Deal', 'The new deal.')),
    stage: t.field(eventNode('Stage', 'Where it began.', (event) => event.data.stageId)),
  }),
  updated: (t) => ({ deal: t.field(eventNode('Deal', 'The deal.')) }),
  stageChanged: (t) => ({
    deal: t.field(eventNode('Deal', 'The deal that was moved.')),
    from: t.field(eventNode('Stage', 'Where it was.', (event) => event.data.from)),
    to: t.field(eventNode('Stage', 'Where it came to.', (event) => event.data.to)),
  }),
  won: (t) => ({ deal: t.field(eventNode('Deal', 'The deal.')) }),
  lost: (t) => ({ deal: t.field(eventNode('Deal', 'The deal.')) }),
  reopened: (t) => ({
    deal: t.field(eventNode('Deal', 'The deal.')),
    stage: t.field(eventNode('Stage', 'Where it goes on.', (event) => event.data.to)),
  }),
})

topic('dealCreated', details.created, { description: 'Deals that are opened.' })

topic('dealStageChanged', details.stageChanged, {
  description: 'Deals that come to another stage.',
  args: (t) => ({ deal: t.id({ description: 'Only this deal.' }) }),
  where: ({ deal }) => (deal == null ? {} : { subject: { kind: 'deal', id: decodeId('deal', deal, 'Deal') } }),
})

topic('dealWon', details.won, { description: 'Deals that are won.' })
topic('dealLost', details.lost, { description: 'Deals that are lost.' })
