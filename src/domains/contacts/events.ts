import { defineEvents } from '../../platform/events/event.ts'

export const contactEvents = defineEvents({
  created: {
    type: 'contact.created',
    description: 'A person became known.',
    subject: 'contact',
    keptUnless: [],
    summary: async (event, names) =>
      `${await names.actor(event.actor)} added the contact ${await names.of('contact', event.subject.id)}`,
  },
  updated: {
    type: 'contact.updated',
    description: 'What is known of a person was changed or completed.',
    subject: 'contact',
    summary: async (event, names) => {
      const fields = event.changes.map((change) => change.field).join(', ')
      return `${await names.actor(event.actor)} changed ${await names.of('contact', event.subject.id)}: ${fields}`
    },
  },
})
