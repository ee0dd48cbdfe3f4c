import { defineEvents } from '../../platform/events/event.ts'

const NAMES_OF_FIELDS: Readonly<Record<string, string>> = {
  tools: 'its tools',
  model: 'its model',
  email: 'its e-mail',
}

export const employeeEvents = defineEvents({
  created: {
    type: 'employee.created',
    description: 'An employee joined.',
    subject: 'employee',
    summary: async (event, names) => {
      const employee = await names.of('employee', event.subject.id)
      return `${await names.actor(event.actor)} hired ${employee}`
    },
  },
  updated: {
    type: 'employee.updated',
    description: "An employee's definition was changed: it has a new version.",
    subject: 'employee',
    summary: async (event, names) => {
      const fields = event.changes.map(({ field }) => NAMES_OF_FIELDS[field] ?? field).join(', ')
      return `${await names.actor(event.actor)} changed ${await names.of('employee', event.subject.id)}: ${fields}`
    },
  },
  paused: {
    type: 'employee.paused',
    description: 'An employee takes no work until it is resumed.',
    subject: 'employee',
    summary: async (event, names) =>
      `${await names.actor(event.actor)} paused ${await names.of('employee', event.subject.id)}`,
  },
  resumed: {
    type: 'employee.resumed',
    description: 'An employee works again.',
    subject: 'employee',
    summary: async (event, names) =>
      `${await names.actor(event.actor)} resumed ${await names.of('employee', event.subject.id)}`,
  },
  offboarded: {
    type: 'employee.offboarded',
    description: 'An employee left for good.',
    subject: 'employee',
    summary: async (event, names) =>
      `${await names.actor(event.actor)} offboarded ${await names.of('employee', event.subject.id)}`,
  },
})
