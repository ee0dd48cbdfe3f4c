import { defineEvents } from '../../platform/events/event.ts'

export const inboxEvents = defineEvents({
  messageSent: {
    type: 'inbox.message_sent',
    description: 'An employee wrote to the inbox.',
    subject: 'inbox_message',
    keptUnless: [],
    summary: async (event, names) =>
      `${await names.actor(event.actor)} wrote to you: ${await names.of('inbox_message', event.subject.id)}`,
  },
  messageRead: {
    type: 'inbox.message_read',
    description: 'Somebody read a message of the inbox first.',
    subject: 'inbox_message',
    keptUnless: [],
    summary: async (event, names) =>
      `${await names.actor(event.actor)} read: ${await names.of('inbox_message', event.subject.id)}`,
  },
})
