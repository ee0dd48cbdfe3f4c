// What events are narrowed down by, in the list and in the subscription alike.

import type { StoredActor } from '../auth/viewer.ts'
import type { EventFilter } from '../events/log-reader.ts'
import { invalidInput } from '../lib/errors.ts'
import { isUuid } from '../lib/ids.ts'
import { ActorKind, kindOfActorNode } from './actor.ts'
import { builder, type Moment } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import { eventTypeEnum, logTypes } from './event.ts'
import { type Comparison, dateTimeComparator } from './filter-comparators.ts'
import { momentOf } from './filter-conditions.ts'
import { parseNodeId } from './node.ts'

interface EventFilterInput {
  readonly types?: readonly string[] | null | undefined
  readonly subject?: { readonly eq?: string | null | undefined } | null | undefined
  readonly run?: string | null | undefined
  readonly actor?:
    | { readonly eq?: string | null | undefined; readonly kind?: StoredActor['kind'] | null | undefined }
    | null
    | undefined
  readonly occurredAt?: unknown
  readonly requestId?: string | null | undefined
}

const EventSubjectComparator = builder.inputType('EventSubjectComparator', {
  description: 'Compares the thing that events happened to.',
  fields: (t) => ({ eq: t.id({ description: 'Exactly this.' }) }),
})

const EventActorComparator = builder.inputType('EventActorComparator', {
  description: 'Compares who did something: both conditions must hold.',
  fields: (t) => ({
    eq: t.id({ description: 'Exactly this member, employee or key.' }),
    kind: t.field({ type: ActorKind, description: 'Somebody of this kind.' }),
  }),
})

/** Narrows events down, in the list and in the subscription alike. */
export const EventFilterType = builder.inputType('EventFilter', {
  description: 'Narrows events down: every condition given must hold.',
  fields: (t) => ({
    types: t.field({ type: [eventTypeEnum()], description: 'One of these types.' }),
    subject: t.field({ type: EventSubjectComparator, description: 'By the thing they happened to.' }),
    run: t.id({ description: 'Done in this run.' }),
    actor: t.field({ type: EventActorComparator, description: 'By who did it.' }),
    occurredAt: t.field({
      type: dateTimeComparator(),
      description: 'By when it happened. For a subscription, relative moments are those of its beginning.',
    }),
    requestId: t.string({ description: 'Done by this request: see `Event.origin`.' }),
  }),
})

/** The feed's filter for what a client asked for. Throws INVALID_INPUT with the path of an id that cannot be one. */
export function feedFilter(
  given: EventFilterInput | null | undefined,
  { clock }: Pick<GraphQLContext, 'clock'>,
): EventFilter {
  const { types, subject, run, actor, occurredAt, requestId } = given ?? {}
  const wanted = types === null || types === undefined ? undefined : logTypes(types)
  return {
    ...(wanted === undefined ? {} : { types: wanted }),
    ...(subject?.eq == null ? {} : { subject: refOf(subject.eq, ['subject', 'eq']) }),
    ...(run == null ? {} : { runId: refOf(run, ['run'], 'run').id }),
    ...(actor?.eq == null ? {} : actorOf(actor.eq, actor.kind)),
    ...(actor?.eq == null && actor?.kind != null ? { actorKind: actor.kind } : {}),
    // No text in PostgreSQL holds it.
    ...(requestId == null ? {} : requestId.includes('\0') ? { types: [] } : { requestId }),
    ...(occurredAt == null ? {} : periodOf(occurredAt as Comparison, clock.now())),
  }
}

function refOf(publicId: string, path: readonly string[], kind?: string) {
  const ref = parseNodeId(publicId)
  if (ref === undefined || !isUuid(ref.id) || (kind !== undefined && ref.kind !== kind)) {
    const message = `${publicId.slice(0, 100)} is no ${kind ?? ''} id.`.replace('  ', ' ')
    throw invalidInput([{ path: ['filter', ...path], code: 'UNKNOWN_REFERENCE', message }])
  }
  return { kind: ref.kind, id: ref.id.toLowerCase() }
}

/** Who did it, by public id; with a kind that is not theirs nobody. */
function actorOf(publicId: string, kind: StoredActor['kind'] | null | undefined): EventFilter {
  const path = ['actor', 'eq']
  const ref = refOf(publicId, path)
  const actorKind = kindOfActorNode(ref.kind)
  if (actorKind === undefined) {
    const message = 'Somebody is a member, an employee or a key.'
    throw invalidInput([{ path: ['filter', ...path], code: 'UNKNOWN_REFERENCE', message }])
  }
  return kind != null && kind !== actorKind ? { types: [] } : { actorKind, actorId: ref.id }
}

const AFTER_MS = 1

/** Moments are whole milliseconds, so every comparison is a range from one on and before another. */
function periodOf(given: Comparison, now: Date): EventFilter {
  const scope = { now, path: ['filter', 'occurredAt'] }
  let since: number | undefined
  let until: number | undefined
  for (const [operator, value] of Object.entries(given)) {
    if (value === undefined) continue
    // Everything has happened at some moment.
    if (operator === 'isNull' || value === null) {
      if (operator === 'isNull' && value !== true) continue
      return { types: [] }
    }
    const at = momentOf(value as Moment, operator, scope).getTime()
    if (operator !== 'lt' && operator !== 'lte')
      since = Math.max(since ?? -Infinity, operator === 'gt' ? at + AFTER_MS : at)
    if (operator !== 'gt' && operator !== 'gte')
      until = Math.min(until ?? Infinity, operator === 'lt' ? at : at + AFTER_MS)
  }
  return {
    ...(since === undefined ? {} : { since: new Date(since) }),
    ...(until === undefined ? {} : { until: new Date(until) }),
  }
}
