import { defineEvents, type Names, type StoredEvent } from '../../platform/events/event.ts'

const titleOf = (event: StoredEvent, names: Names): Promise<string> => names.of('approval', event.subject.id)
const actorOf = (event: StoredEvent, names: Names): Promise<string> => names.actor(event.actor)

export const approvalEvents = defineEvents({
  requested: {
    type: 'approval.requested',
    description: 'An employee asks whether it may act; its run waits.',
    subject: 'approval',
    keptUnless: [],
    summary: async (event, names) => `${await actorOf(event, names)} asks: ${await titleOf(event, names)}`,
  },
  approved: {
    type: 'approval.approved',
    description: 'Somebody allowed an act, perhaps with other arguments.',
    subject: 'approval',
    keptUnless: [],
    summary: async (event, names) => {
      const edited = event.data.edited === true ? ' with changes' : ''
      return `${await actorOf(event, names)} approved${edited}: ${await titleOf(event, names)}`
    },
  },
  rejected: {
    type: 'approval.rejected',
    description: 'Somebody said no; the employee reads the reason and goes on without the act.',
    subject: 'approval',
    keptUnless: [],
    summary: async (event, names) => `${await actorOf(event, names)} rejected: ${await titleOf(event, names)}`,
  },
  expired: {
    type: 'approval.expired',
    description: 'Nobody decided in time, or the run ended first; the act is not done.',
    subject: 'approval',
    keptUnless: [],
    summary: async (event, names) => `Nobody decided: ${await titleOf(event, names)}`,
  },
  stale: {
    type: 'approval.stale',
    description: 'What the approver was shown has changed since; the act is not done.',
    subject: 'approval',
    keptUnless: [],
    summary: async (event, names) => `Overtaken by changes: ${await titleOf(event, names)}`,
  },
  executed: {
    type: 'approval.executed',
    description: 'The approved act was done.',
    subject: 'approval',
    keptUnless: [],
    summary: async (event, names) => `${await actorOf(event, names)} did: ${await titleOf(event, names)}`,
  },
  failed: {
    type: 'approval.failed',
    description: 'The approved act was tried and failed, or nobody knows whether it happened.',
    subject: 'approval',
    keptUnless: [],
    summary: async (event, names) => `${await actorOf(event, names)} could not: ${await titleOf(event, names)}`,
  },
})
