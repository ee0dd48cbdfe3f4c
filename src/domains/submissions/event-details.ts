import type { StoredEvent } from '../../platform/events/event.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import { eventNode, optionalEventNode } from '../../platform/graphql/node-field.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { decodeId } from '../../platform/lib/ids.ts'
import { submissionEvents } from './events.ts'
import type { RejectionReason } from './model.ts'

const RejectionReasonEnum = describeEnum<RejectionReason>('RejectionReason', 'Why a form turned something away.', {
  HONEYPOT: 'A field that people do not see was filled in.',
  TOO_FAST: 'The page was filled in faster than a person can.',
  ADDRESS_LIMIT: 'Too many came from one network address within an hour.',
  EMAIL_LIMIT: 'Too many came with one e-mail address within an hour.',
  DUPLICATE: 'The same had come from the same sender a moment before.',
})

const submission = eventNode('Submission', 'The submission.')

const statusReason = ({ event }: { readonly event: StoredEvent }): string | null =>
  event.changes.find((change) => change.field === 'statusReason')?.to ?? null

const details = eventDetails(submissionEvents, {
  received: (t) => ({
    submission: t.field(submission),
    form: t.field(optionalEventNode('Form', 'The form it came through.', (event) => event.data.formId)),
  }),
  rejected: (t) => ({
    form: t.field(eventNode('Form', 'The form that turned it away.')),
    reason: t.field({
      type: RejectionReasonEnum,
      description: 'Why.',
      resolve: ({ event }) => event.data.reason as RejectionReason,
    }),
  }),
  matched: (t) => ({
    submission: t.field(submission),
    contact: t.field(optionalEventNode('Contact', 'Who sent it.', (event) => event.data.contactId)),
    created: t.boolean({
      description: 'The contact became known with it.',
      resolve: ({ event }) => event.data.created === true,
    }),
  }),
  routed: (t) => ({
    submission: t.field(submission),
    employee: t.field(optionalEventNode('Employee', 'Who takes it.', (event) => event.data.employeeId)),
  }),
  qualified: (t) => ({
    submission: t.field(submission),
    qualified: t.boolean({
      description: 'Whether it was found to be worth going on with.',
      resolve: ({ event }) => event.data.qualified === true,
    }),
    fit: t.float({
      description: 'How well it fits the criteria, 0 to 1.',
      resolve: ({ event }) => Number(event.data.fit),
    }),
  }),
  processed: (t) => ({ submission: t.field(submission) }),
  needsReview: (t) => ({
    submission: t.field(submission),
    reason: t.string({ nullable: true, description: 'What is to be looked at.', resolve: statusReason }),
  }),
  failed: (t) => ({
    submission: t.field(submission),
    reason: t.string({ nullable: true, description: 'What went wrong.', resolve: statusReason }),
  }),
})

/** Of one form, where a client asks for that. */
function ofForm(form: string | null | undefined): { matches?: (event: StoredEvent) => boolean } {
  if (form == null) return {}
  const id = decodeId('form', form, 'Form')
  return { matches: (event) => event.data.formId === id }
}

topic('submissionReceived', details.received, {
  description: 'Submissions as they come in.',
  args: (t) => ({ form: t.id({ description: 'Only those of this form.' }) }),
  where: ({ form }) => ofForm(form),
})

topic('submissionQualified', details.qualified, {
  description: 'Submissions as they are judged by their form’s criteria.',
  args: (t) => ({ form: t.id({ description: 'Only those of this form.' }) }),
  where: ({ form }) => ofForm(form),
})
