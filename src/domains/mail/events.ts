import { defineEvents } from '../../platform/events/event.ts'

export const mailServerEvents = defineEvents({
  connected: {
    type: 'mail_server.connected',
    description:
      'The workspace’s mail leaves through a mail server of its own from now on. Its password is told nowhere.',
    subject: 'workspace',
    summary: async ({ actor, data }, names) => `${await names.actor(actor)} connected the mail server ${data.host}`,
  },
  disconnected: {
    type: 'mail_server.disconnected',
    description: 'The workspace has no mail server of its own any more; its password was removed.',
    subject: 'workspace',
    summary: async ({ actor, data }, names) => `${await names.actor(actor)} disconnected the mail server ${data.host}`,
  },
})
