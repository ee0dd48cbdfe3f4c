import { defineEvents } from '../../platform/events/event.ts'
import { rowsErased } from '../erasures/model.ts'

export const workspaceEvents = defineEvents({
  updated: {
    type: 'workspace.updated',
    description: 'The workspace’s name, time zone, currency or daily budget was changed.',
    subject: 'workspace',
    summary: async (event, names) => {
      const fields = event.changes.map((change) => change.field).join(', ')
      return `${await names.actor(event.actor)} changed the workspace: ${fields}`
    },
  },
  settingsChanged: {
    type: 'workspace.settings_changed',
    description: 'Settings of the workspace were changed; `changes` says which, and how they were before.',
    subject: 'workspace',
    summary: async (event, names) => {
      const told = event.changes.map(({ field, from, to }) => `${field} from ${from ?? 'none'} to ${to ?? 'none'}`)
      return `${await names.actor(event.actor)} changed settings: ${told.join('; ')}`
    },
  },
})

export const inviteEvents = defineEvents({
  created: {
    type: 'invite.created',
    description: 'Somebody was invited into the workspace, or once more.',
    subject: 'invite',
    keptUnless: [],
    summary: async (event, names) => {
      const role = event.changes.find((change) => change.field === 'role')?.to
      const as = role == null ? '' : ` as ${role}`
      return `${await names.actor(event.actor)} invited ${await names.of('invite', event.subject.id)}${as}`
    },
  },
  revoked: {
    type: 'invite.revoked',
    description: 'An invite was taken back.',
    subject: 'invite',
    keptUnless: [],
    summary: async (event, names) =>
      `${await names.actor(event.actor)} took back the invite of ${await names.of('invite', event.subject.id)}`,
  },
})

export const memberEvents = defineEvents({
  joined: {
    type: 'member.joined',
    description: 'Somebody signed in as a member for the first time: they founded the workspace or were invited.',
    subject: 'member',
    keptUnless: [],
    summary: async (event, names) => {
      const role = event.changes.find((change) => change.field === 'role')?.to
      return `${await names.of('member', event.subject.id)} joined${role == null ? '' : ` as ${role}`}`
    },
  },
  left: {
    type: 'member.left',
    description: 'A member left the workspace, and with them all their keys.',
    subject: 'member',
    keptUnless: [],
    summary: async (event, names) => `${await names.of('member', event.subject.id)} left the workspace`,
  },
  updated: {
    type: 'member.updated',
    description: 'A member’s name, address or role was changed.',
    subject: 'member',
    keptUnless: ['name', 'email'],
    summary: async (event, names) => {
      const who = await names.actor(event.actor)
      const member = await names.of('member', event.subject.id)
      const role = event.changes.find((change) => change.field === 'role')
      if (role?.to != null) return `${who} made ${member} ${role.to}, who was ${role.from ?? 'nothing'}`
      return `${who} changed ${member}: ${event.changes.map((change) => change.field).join(', ')}`
    },
  },
  removed: {
    type: 'member.removed',
    description: 'A member was removed from the workspace, with all their keys.',
    subject: 'member',
    keptUnless: [],
    summary: async (event, names) =>
      `${await names.actor(event.actor)} removed ${await names.of('member', event.subject.id)} from the workspace`,
  },
  suspended: {
    type: 'member.suspended',
    description: 'Whoever runs the server suspended the account of a member: they and their keys do nothing here.',
    subject: 'member',
    keptUnless: [],
    summary: async (event, names) => `The account of ${await names.of('member', event.subject.id)} was suspended`,
  },
  restored: {
    type: 'member.restored',
    description:
      'Whoever runs the server restored the account of a member: they and their keys do again what they did.',
    subject: 'member',
    keptUnless: [],
    summary: async (event, names) => `The account of ${await names.of('member', event.subject.id)} was restored`,
  },
  erasureRequested: {
    type: 'member.erasure_requested',
    description: 'A person had their account erased: who they were as a member is not known from here on.',
    subject: 'member',
    keptUnless: [],
    summary: () => 'A member had themselves erased',
  },
  erased: {
    type: 'member.erased',
    description: 'The last of who a member was has been removed; the certificate says how much it was.',
    subject: 'member',
    keptUnless: [],
    summary: (event) => `A member was erased: ${rowsErased(event)} records emptied or removed`,
  },
})
