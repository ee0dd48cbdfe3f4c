/*
 * What is emitted when. A run: queued, started (first claim), waiting, resumed (the wait ended, or another process took
 * over), cancel_requested, finished. A step: finished, once per entry of the journal, when it reaches a status it may
 * stay in; started only for a call of a live model, which lasts. An effect: only acts outside the house; what an act
 * inside did is told by its own domain's event (`deal.created`), in the same transaction.
 * Every event is written, moved and kept: a lead of four turns and five acts comes to about twenty.
 */

import { defineEvents, type Names, type StoredEvent } from '../../platform/events/event.ts'

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const employeeOf = (event: StoredEvent, names: Names): Promise<string> => {
  const id = textOf(event.data.employeeId)
  return id === '' ? names.actor(event.actor) : names.of('employee', id)
}
const titleOf = (event: StoredEvent, names: Names): Promise<string> => names.of('run', event.subject.id)

const WAITS_FOR: Readonly<Record<string, string>> = {
  APPROVAL: 'an approval',
  PERSON: 'a person',
  TIME: 'its time',
  BUDGET: 'the budget',
}

const ENDED: Readonly<Record<string, string>> = {
  SUCCEEDED: 'finished',
  FAILED: 'could not finish',
  CANCELLED: 'was stopped',
  EXPIRED: 'ran out of time',
}

/** `send_email` as people read it. */
const spoken = (tool: unknown): string => textOf(tool).replaceAll('_', ' ')

const STEP_ENDED: Readonly<Record<string, string>> = {
  DONE: 'done',
  FAILED: 'failed',
  REFUSED: 'refused',
  WAITING: 'waits for approval',
  RUNNING: 'begun',
}

export const runEvents = defineEvents({
  queued: {
    type: 'run.queued',
    description: 'An employee was given something to do.',
    subject: 'run',
    keptUnless: [],
    summary: async (event, names) => `${await employeeOf(event, names)} was given: ${await titleOf(event, names)}`,
  },
  started: {
    type: 'run.started',
    description: 'An employee began to work on a run.',
    subject: 'run',
    keptUnless: [],
    summary: async (event, names) => `${await employeeOf(event, names)} began: ${await titleOf(event, names)}`,
  },
  waiting: {
    type: 'run.waiting',
    description: 'A run cannot go on before something happens: a decision, a person, a time, or more budget.',
    subject: 'run',
    keptUnless: [],
    summary: async (event, names) => {
      const member = textOf(event.data.memberId)
      const waitsFor = WAITS_FOR[textOf(event.data.kind)] ?? 'something'
      const whom = member === '' ? waitsFor : await names.of('member', member)
      return `${await employeeOf(event, names)} waits for ${whom}: ${await titleOf(event, names)}`
    },
  },
  resumed: {
    type: 'run.resumed',
    description: 'A run goes on: what it waited for has happened, or another process has taken it over.',
    subject: 'run',
    keptUnless: [],
    summary: async (event, names) => `${await employeeOf(event, names)} goes on: ${await titleOf(event, names)}`,
  },
  cancelRequested: {
    type: 'run.cancel_requested',
    description: 'Somebody wants a run that is being worked to stop; it ends with its next step.',
    subject: 'run',
    keptUnless: [],
    summary: async (event, names) =>
      `${await names.actor(event.actor)} stops ${await employeeOf(event, names)}: ${await titleOf(event, names)}`,
  },
  finished: {
    type: 'run.finished',
    description: 'A run ended, one way or the other; its status and reason say how.',
    subject: 'run',
    keptUnless: [],
    summary: async (event, names) => {
      const ended = ENDED[textOf(event.data.status)] ?? 'ended'
      return `${await employeeOf(event, names)} ${ended}: ${await titleOf(event, names)}`
    },
  },
})

export const stepEvents = defineEvents({
  started: {
    type: 'step.started',
    description: 'A call of a live model began; its text streams over `runProgress`.',
    subject: 'run',
    keptUnless: [],
    summary: async (event, names) => `${await names.actor(event.actor)} is thinking`,
  },
  finished: {
    type: 'step.finished',
    description: 'A run got one step further: a model turn, a tool call or a note was recorded or changed its status.',
    subject: 'run',
    keptUnless: [],
    summary: async (event, names) => {
      const who = await names.actor(event.actor)
      if (event.data.kind === 'MODEL_TURN') return `${who} thought`
      if (event.data.kind === 'NOTE') return `${who} made a note`
      return `${who}: ${spoken(event.data.tool)} ${STEP_ENDED[textOf(event.data.status)] ?? 'done'}`
    },
  },
})

export const effectEvents = defineEvents({
  confirmed: {
    type: 'effect.confirmed',
    description: 'An act outside the house went through.',
    subject: 'run',
    keptUnless: [],
    summary: async (event, names) => `${await names.actor(event.actor)} carried out: ${spoken(event.data.tool)}`,
  },
  failed: {
    type: 'effect.failed',
    description: 'An act outside the house did not happen.',
    subject: 'run',
    keptUnless: [],
    summary: async (event, names) => `${await names.actor(event.actor)}: ${spoken(event.data.tool)} did not go through`,
  },
  unknown: {
    type: 'effect.unknown',
    description:
      'A process stopped between sending and confirming: nobody knows whether the act happened. Not repeated.',
    subject: 'run',
    keptUnless: [],
    summary: (event) => `Nobody knows whether ${spoken(event.data.tool)} went through: it was not repeated`,
  },
})
