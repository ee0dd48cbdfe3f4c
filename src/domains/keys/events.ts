import { defineEvents } from '../../platform/events/event.ts'

/** What is told of a key never holds its secret, nor a digest of it. */
export const keyEvents = defineEvents({
  created: {
    type: 'api_key.created',
    description: 'A key was made.',
    subject: 'api_key',
    keptUnless: ['name'],
    summary: async (event, names) => {
      const count = Array.isArray(event.data.permissions) ? event.data.permissions.length : 0
      const may = count === 0 ? '' : ` with ${count} ${count === 1 ? 'permission' : 'permissions'}`
      return `${await names.actor(event.actor)} made the key ${await names.of('api_key', event.subject.id)}${may}`
    },
  },
  updated: {
    type: 'api_key.updated',
    description: 'A key’s name or the end of its time was changed.',
    subject: 'api_key',
    keptUnless: ['name'],
    summary: async (event, names) => {
      const fields = event.changes.map((change) => change.field).join(', ')
      return `${await names.actor(event.actor)} changed the key ${await names.of('api_key', event.subject.id)}: ${fields}`
    },
  },
  rotated: {
    type: 'api_key.rotated',
    description: 'A key was given a new secret.',
    subject: 'api_key',
    keptUnless: [],
    summary: async (event, names) =>
      `${await names.actor(event.actor)} rotated the key ${await names.of('api_key', event.subject.id)}`,
  },
  revoked: {
    type: 'api_key.revoked',
    description: 'A key was revoked: it works no more.',
    subject: 'api_key',
    keptUnless: [],
    summary: async (event, names) => {
      const why = event.data.reason === 'MEMBER_REMOVED' ? ', whose member was removed' : ''
      return `${await names.actor(event.actor)} revoked the key ${await names.of('api_key', event.subject.id)}${why}`
    },
  },
})
