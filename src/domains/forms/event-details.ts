import { eventDetails } from '../../platform/graphql/event.ts'
import { eventNode } from '../../platform/graphql/node-field.ts'
import { formEvents } from './events.ts'

eventDetails(formEvents, {
  created: (t) => ({ form: t.field(eventNode('Form', 'The new form.')) }),
  updated: (t) => ({ form: t.field(eventNode('Form', 'The form.')) }),
  published: (t) => ({
    form: t.field(eventNode('Form', 'The form.')),
    number: t.int({
      description: 'The number of the version that was published.',
      resolve: ({ event }) => Number(event.data.number),
    }),
  }),
  paused: (t) => ({ form: t.field(eventNode('Form', 'The form.')) }),
  resumed: (t) => ({ form: t.field(eventNode('Form', 'The form.')) }),
  archived: (t) => ({ form: t.field(eventNode('Form', 'The form.')) }),
})
