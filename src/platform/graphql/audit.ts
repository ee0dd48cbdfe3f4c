// The log as an audit trail: whether it still says what was written into it.

import { type ChainFaultReason, type ChainVerification, formatHead, parseHead, verifyChain } from '../events/audit.ts'
import { invalidInput } from '../lib/errors.ts'
import { builder } from './builder.ts'
import { describeEnum } from './enum.ts'
import { Event, findEvent } from './event.ts'

const MAX_EVENTS = 20_000
/** So that an operation verifies so many events and not as many again. */
const EVENTS_PER_COST = 3

const FaultReason = describeEnum<ChainFaultReason>('AuditFaultReason', 'What is wrong with the log.', {
  CONTENT: 'The event tells something else than when it was logged, or nothing, and nobody asked for its erasure.',
  CHAIN: 'Who did it, when or to what was changed; or events before it were changed, put in or taken out.',
  HEAD: 'What was the head of the log once is not in it any more: the log was cut off, or made anew.',
})

type Fault = NonNullable<ChainVerification['fault']>

const AuditFault = builder.objectRef<Fault>('AuditFault').implement({
  permission: 'EVENTS_READ',
  description: 'Where the log is not as it was written.',
  fields: (t) => ({
    reason: t.field({ type: FaultReason, description: 'What is wrong.', resolve: ({ reason }) => reason }),
    event: t.field({
      type: Event,
      nullable: true,
      description: 'At which event it was found; null for a head that is gone.',
      resolve: ({ outboxId }, _args, ctx) => (outboxId === null ? null : findEvent(String(outboxId), ctx)),
    }),
  }),
})

const AuditVerification = builder.objectRef<ChainVerification>('AuditVerification').implement({
  permission: 'EVENTS_READ',
  description: 'What came of looking at the log, event by event.',
  fields: (t) => ({
    intact: t.boolean({
      description: 'Whether every event that was looked at is as it was written.',
      resolve: ({ fault }) => fault === null,
    }),
    events: t.exposeInt('events', { description: 'How many events are as they were written.' }),
    erased: t.exposeInt('erased', {
      description:
        'How many of these were erased at somebody’s request: what they told is gone, who did what to which thing, and ' +
        'when, is as it was written.',
    }),
    unchained: t.exposeInt('unchained', {
      description: 'Events from before there was a chain: nothing vouches for them, whatever `intact` says.',
    }),
    complete: t.exposeBoolean('complete', {
      description: 'Whether the end of the log was reached; else go on after `head`.',
    }),
    head: t.string({
      nullable: true,
      description:
        'The place that was reached, to go on from. Note it somewhere else: `after` proves later that it still stands.',
      resolve: ({ head }) => (head === null ? null : formatHead(head)),
    }),
    fault: t.field({
      type: AuditFault,
      nullable: true,
      description: 'Where the log is not as it was written; nothing after that was looked at.',
      resolve: ({ fault }) => fault,
    }),
  }),
})

builder.queryField('verifyAuditLog', (t) =>
  t.field({
    type: AuditVerification,
    description:
      'Looks whether the log still says what was written into it: computes anew the chain of digests (SHA-256) that ' +
      'goes through all events of the workspace.',
    args: {
      after: t.arg.string({
        description:
          'A `head` of before: it must still stand, and what follows it is looked at. Not what comes before it.',
      }),
      first: t.arg.int({ defaultValue: MAX_EVENTS, description: `How many events, at most ${MAX_EVENTS}.` }),
    },
    complexity: ({ first }) => 1 + Math.ceil(Math.max(0, first ?? MAX_EVENTS) / EVENTS_PER_COST),
    resolve: async (_root, { after, first }, ctx) => {
      const limit = first ?? MAX_EVENTS
      if (limit < 1 || limit > MAX_EVENTS) {
        const code = limit < 1 ? 'TOO_SMALL' : 'TOO_LARGE'
        throw invalidInput([{ path: ['first'], code, message: `Between 1 and ${MAX_EVENTS}.` }])
      }
      await ctx.feed.ownChangesLogged()
      return verifyChain(ctx.db, ctx.workspaceId, {
        after: after == null ? undefined : parseHead(after),
        limit,
        signal: ctx.signal,
      })
    },
  }),
)
