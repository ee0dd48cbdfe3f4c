import { createEventTypes } from '../platform/events/registry.ts'
import type { NamesOf } from '../platform/graphql/node.ts'
import { approvalEvents } from './approvals/events.ts'
import { budgetEvents } from './budgets/events.ts'
import { contactEvents } from './contacts/events.ts'
import { contactNames } from './contacts/loaders.ts'
import { dealEvents } from './deals/events.ts'
import { employeeEvents } from './employees/events.ts'
import { formEvents } from './forms/events.ts'
import { formNames } from './forms/loaders.ts'
import { goalEvents } from './goals/events.ts'
import { inboxEvents } from './inbox/events.ts'
import { keyEvents } from './keys/events.ts'
import { mailServerEvents } from './mail/events.ts'
import { effectEvents, runEvents, stepEvents } from './runs/events.ts'
import { submissionEvents } from './submissions/events.ts'
import { submissionNames } from './submissions/loaders.ts'
import { inviteEvents, memberEvents, workspaceEvents } from './workspaces/events.ts'
import { inviteNames } from './workspaces/loaders.ts'

/** Every type of event there is. A new domain adds its own here. */
export const eventTypes = createEventTypes([
  employeeEvents,
  goalEvents,
  formEvents,
  submissionEvents,
  contactEvents,
  dealEvents,
  runEvents,
  stepEvents,
  effectEvents,
  approvalEvents,
  budgetEvents,
  inboxEvents,
  workspaceEvents,
  memberEvents,
  inviteEvents,
  keyEvents,
  mailServerEvents,
])

/** How things are called whose name is not simply one of their columns. */
export const namesOfThings: Readonly<Record<string, NamesOf>> = {
  contact: contactNames,
  form: formNames,
  invite: inviteNames,
  submission: submissionNames,
}
