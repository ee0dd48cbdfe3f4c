import type { StoredEvent } from '../../src/platform/events/event.ts'

/** An event as the log has it: the first there is, by a member, about a thing; `rest` says what matters. */
export const storedEvent = (rest: Partial<StoredEvent>): StoredEvent => ({
  position: 1n,
  outboxId: 1n,
  workspaceId: '0197a000-0000-7000-8000-000000000000',
  type: 'thing.happened',
  subject: { kind: 'thing', id: '1' },
  subjectVersion: null,
  actor: { kind: 'MEMBER', id: 'm' },
  runId: null,
  causeId: null,
  depth: 0,
  data: {},
  changes: [],
  occurredAt: new Date(0),
  origin: {},
  erasedAt: null,
  ...rest,
})
