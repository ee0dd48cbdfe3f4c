import { defineEvents, type Names, type StoredEvent } from '../../platform/events/event.ts'

const sentence = async (event: StoredEvent, names: Names, verb: string): Promise<string> =>
  `${await names.actor(event.actor)} ${verb} the form ${await names.of('form', event.subject.id)}`

export const formEvents = defineEvents({
  created: {
    type: 'form.created',
    description: 'A form was made, as a draft.',
    subject: 'form',
    summary: (event, names) => sentence(event, names, 'created'),
  },
  updated: {
    type: 'form.updated',
    description: 'The draft or the settings of a form were changed.',
    subject: 'form',
    summary: async (event, names) =>
      `${await sentence(event, names, 'changed')}: ${event.changes.map((change) => change.field).join(', ')}`,
  },
  published: {
    type: 'form.published',
    description:
      'The draft of a form became its newest version; a form that was a draft takes submissions from now on.',
    subject: 'form',
    summary: async (event, names) => `${await sentence(event, names, 'published')}, version ${event.data.number}`,
  },
  paused: {
    type: 'form.paused',
    description: 'A form takes no submissions for the time being.',
    subject: 'form',
    summary: (event, names) => sentence(event, names, 'paused'),
  },
  resumed: {
    type: 'form.resumed',
    description: 'A form takes submissions again.',
    subject: 'form',
    summary: (event, names) => sentence(event, names, 'resumed'),
  },
  archived: {
    type: 'form.archived',
    description: 'A form takes no more submissions, for good.',
    subject: 'form',
    summary: (event, names) => sentence(event, names, 'archived'),
  },
})
