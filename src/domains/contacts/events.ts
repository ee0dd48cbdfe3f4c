import { defineEvents } from '../../platform/events/event.ts'
import { rowsErased } from '../erasures/model.ts'

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
  erasureRequested: {
    type: 'contact.erasure_requested',
    description: 'Somebody had a person erased: their record is empty from here on, what came of it follows.',
    subject: 'contact',
    keptUnless: [],
    summary: async (event, names) => `${await names.actor(event.actor)} had a person erased`,
  },
  erased: {
    type: 'contact.erased',
    description: 'The last of what was known of a person has been removed; the certificate says how much it was.',
    subject: 'contact',
    keptUnless: [],
    summary: (event) => `A person was erased: ${rowsErased(event)} records emptied or removed`,
  },
})
