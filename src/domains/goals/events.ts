import { defineEvents, type StoredEvent } from '../../platform/events/event.ts'

const figure = (value: unknown): string => (typeof value === 'number' ? String(value) : 'nothing')

const unitOf = (event: StoredEvent): string => (typeof event.data.unit === 'string' ? ` ${event.data.unit}` : '')

/** `: reason`, where the status was given one. */
function because(event: StoredEvent): string {
  const reason = event.changes.find((change) => change.field === 'statusReason')?.to
  return reason === undefined || reason === null ? '' : `: ${reason}`
}

const statusAfter = (event: StoredEvent): string | undefined =>
  event.changes.find((change) => change.field === 'status')?.to ?? undefined

const STANDINGS: Readonly<Record<string, string>> = {
  ON_TRACK: ', back on track',
  AT_RISK: ', now at risk',
  BREACHED: ', which breaches it',
}

export const goalEvents = defineEvents({
  created: {
    type: 'goal.created',
    description: 'An employee was given a goal.',
    subject: 'goal',
    summary: async (event, names) => {
      const employee = await names.of('employee', String(event.data.employeeId))
      return `${await names.actor(event.actor)} gave ${employee} the goal ${await names.of('goal', event.subject.id)}`
    },
  },
  updated: {
    type: 'goal.updated',
    description: 'A goal was changed, or can be worked on again.',
    subject: 'goal',
    summary: async (event, names) => {
      const who = await names.actor(event.actor)
      const goal = await names.of('goal', event.subject.id)
      if (event.changes.some((change) => change.field === 'status' && change.from === 'BLOCKED')) {
        return `${who} unblocked the goal ${goal}`
      }
      return `${who} changed the goal ${goal}: ${event.changes.map((change) => change.field).join(', ')}`
    },
  },
  progressed: {
    type: 'goal.progressed',
    description: 'A goal was measured.',
    subject: 'goal',
    summary: async (event, names) => {
      const goal = await names.of('goal', event.subject.id)
      const from = typeof event.data.from === 'number' ? ` from ${figure(event.data.from)}` : ''
      const standing = STANDINGS[statusAfter(event) ?? ''] ?? ''
      const who = await names.actor(event.actor)
      return `${who} measured ${goal}${from} to ${figure(event.data.to)}${unitOf(event)}${standing}`
    },
  },
  achieved: {
    type: 'goal.achieved',
    description: 'A goal was reached.',
    subject: 'goal',
    summary: async (event, names) =>
      `${await names.actor(event.actor)} marked the goal ${await names.of('goal', event.subject.id)} as achieved`,
  },
  missed: {
    type: 'goal.missed',
    description: 'A goal was not reached.',
    subject: 'goal',
    summary: async (event, names) =>
      `${await names.actor(event.actor)} marked the goal ${await names.of('goal', event.subject.id)} as missed`,
  },
  blocked: {
    type: 'goal.blocked',
    description: 'A goal cannot be worked on at the moment.',
    subject: 'goal',
    summary: async (event, names) =>
      `${await names.actor(event.actor)} blocked the goal ${await names.of('goal', event.subject.id)}${because(event)}`,
  },
  abandoned: {
    type: 'goal.abandoned',
    description: 'A goal was given up.',
    subject: 'goal',
    summary: async (event, names) =>
      `${await names.actor(event.actor)} gave up the goal ${await names.of('goal', event.subject.id)}${because(event)}`,
  },
})
