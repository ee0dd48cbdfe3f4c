import { defineEvents, type Names, type StoredEvent } from '../../platform/events/event.ts'
import type { RejectionReason } from './model.ts'

const name = (event: StoredEvent, names: Names): Promise<string> => names.of('submission', event.subject.id)

const because = (event: StoredEvent): string => {
  const reason = event.changes.find((change) => change.field === 'statusReason')?.to
  return reason ? `: ${reason}` : ''
}

const REASONS: Readonly<Record<RejectionReason, string>> = {
  HONEYPOT: 'a program filled in the hidden field',
  TOO_FAST: 'it was filled in faster than a person can',
  ADDRESS_LIMIT: 'too many came from one network address',
  EMAIL_LIMIT: 'too many came with one e-mail address',
  DUPLICATE: 'the same had come a moment ago',
}

export const submissionEvents = defineEvents({
  received: {
    type: 'submission.received',
    description: 'Somebody sent a form.',
    subject: 'submission',
    keptUnless: [],
    summary: async (event, names) =>
      `${await names.of('form', String(event.data.formId))} received ${await name(event, names)}`,
  },
  rejected: {
    type: 'submission.rejected',
    description: 'A form turned away what was sent to it; nothing but the reason was kept.',
    subject: 'form',
    keptUnless: [],
    summary: async (event, names) => {
      const reason = REASONS[event.data.reason as RejectionReason] ?? 'it looked like spam'
      return `${await names.of('form', event.subject.id)} turned a submission away: ${reason}`
    },
  },
  matched: {
    type: 'submission.matched',
    description: 'A submission was tied to the contact who sent it, known before or new.',
    subject: 'submission',
    keptUnless: [],
    summary: async (event, names) => {
      const contact = await names.of('contact', String(event.data.contactId))
      return event.data.created === true
        ? `${await name(event, names)} came from a new contact, ${contact}`
        : `${await name(event, names)} came from ${contact}, who was known already`
    },
  },
  routed: {
    type: 'submission.routed',
    description: 'A submission was given to an employee.',
    subject: 'submission',
    keptUnless: [],
    summary: async (event, names) => {
      const employee = await names.of('employee', String(event.data.employeeId))
      return `${employee} took "${await name(event, names)}" from ${await names.of('form', String(event.data.formId))}`
    },
  },
  qualified: {
    type: 'submission.qualified',
    description: "A submission was judged by its form's criteria, to be worth going on with or not.",
    subject: 'submission',
    keptUnless: [],
    summary: async (event, names) => {
      const verb = event.data.qualified === true ? 'qualified' : 'disqualified'
      const fit = typeof event.data.fit === 'number' ? `: fit ${event.data.fit.toFixed(2)}` : ''
      return `${await names.actor(event.actor)} ${verb} ${await name(event, names)}${fit}`
    },
  },
  processed: {
    type: 'submission.processed',
    description: 'A submission was worked to the end.',
    subject: 'submission',
    keptUnless: ['statusReason'],
    summary: async (event, names) => `${await names.actor(event.actor)} is done with ${await name(event, names)}`,
  },
  needsReview: {
    type: 'submission.needs_review',
    description: 'The work on a submission stopped short of an end; a person has to look.',
    subject: 'submission',
    keptUnless: ['statusReason'],
    summary: async (event, names) => `${await name(event, names)} needs a person${because(event)}`,
  },
  failed: {
    type: 'submission.failed',
    description: 'The work on a submission failed.',
    subject: 'submission',
    keptUnless: ['statusReason'],
    summary: async (event, names) => `The work on ${await name(event, names)} failed${because(event)}`,
  },
})
