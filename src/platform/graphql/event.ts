// The event as clients see it: one concrete type for every kind of change, and a type of detail for each kind.

import type { FieldMap } from '@pothos/core'
import DataLoader from 'dataloader'
import type { EventType, FieldChange, Names } from '../events/event.ts'
import type { FeedItem } from '../events/log-rows.ts'
import { withArticle } from '../events/names.ts'
import { detailName, enumName } from '../events/registry.ts'
import { Actor } from './actor.ts'
import { builder, type Types } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import { type DescribedEnum, describeEnum } from './enum.ts'
import { loadById, loadNode, maySee, registerOtherNode, typeOf } from './node.ts'

/** An event with its place in the log; what every event type in the schema resolves from. */
export type LoggedEvent = FeedItem

const declared = new Map<string, EventType>()
let typeEnum: DescribedEnum<string> | undefined

/** The enum of all event types; to be asked for while the schema is built, when every domain has declared its own. */
export function eventTypeEnum(): DescribedEnum<string> {
  typeEnum ??= describeEnum<string>(
    'EventType',
    'What happened. Names are past tense; new ones may be added.',
    Object.fromEntries(
      [...declared.values()]
        .map(({ type, description }) => [enumName(type), description] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  )
  return typeEnum
}

/** The names in the log of values of the enum. */
export const logTypes = (values: readonly string[]): string[] =>
  [...declared.keys()].filter((type) => values.includes(enumName(type)))

export const FieldChangeType = builder.objectRef<FieldChange>('FieldChange').implement({
  description: 'One field that changed, as it was and as it became.',
  fields: (t) => ({
    field: t.exposeString('field', { description: 'Which field.' }),
    from: t.exposeString('from', { nullable: true, description: 'Its value before, as a person would write it.' }),
    to: t.exposeString('to', { nullable: true, description: 'Its value after.' }),
  }),
})

const EventOrigin = builder.objectRef<LoggedEvent['event']['origin']>('EventOrigin').implement({
  description: 'From where something was done.',
  permission: 'EVENTS_READ',
  fields: (t) => ({
    requestId: t.string({
      nullable: true,
      description: 'The request; everything that it did has the same.',
      resolve: ({ requestId }) => requestId ?? null,
    }),
    address: t.string({
      nullable: true,
      permission: 'MEMBERS_WRITE',
      description:
        'The caller’s network address; null for strangers, of whom none is kept, and for the server’s own work.',
      resolve: ({ address }) => address ?? null,
    }),
  }),
})

export const EventDetail = builder.interfaceRef<LoggedEvent>('EventDetail')

export const Event = builder.objectRef<LoggedEvent>('Event')

EventDetail.implement({
  description: 'What is special about a kind of event, typed: `... on DealStageChanged { from { name } to { name } }`.',
  permission: 'EVENTS_READ',
  resolveType: ({ event }) => {
    if (event.erasedAt !== null) return 'Erased'
    return declared.has(event.type) ? detailName(event.type) : undefined
  },
  fields: (t) => ({
    event: t.field({ type: Event, description: 'The event itself.', resolve: (item) => item }),
  }),
})

builder.objectRef<LoggedEvent>('Erased').implement({
  description: 'In place of the details of an event whose content was erased together with the person it told of.',
  permission: 'EVENTS_READ',
  interfaces: [EventDetail],
  fields: (t) => ({
    at: t.field({ type: 'DateTime', nullable: true, description: 'When.', resolve: ({ event }) => event.erasedAt }),
  }),
})

/** What may not be read is not told either: EVENTS_READ says that something happened, and to which thing. */
const changesSeenBy = (ctx: GraphQLContext, { subject, changes }: LoggedEvent['event']): readonly FieldChange[] =>
  maySee(subject.kind, ctx) ? changes : changes.map(({ field }) => ({ field, from: null, to: null }))

const namesSeenBy = (ctx: GraphQLContext): Names => ({
  of: async (kind, id) => (maySee(kind, ctx) ? await ctx.names.of(kind, id) : withArticle(kind)),
  actor: (actor) => ctx.names.actor(actor),
})

registerOtherNode('event', { typename: 'Event', load: findEvent })

/** The event with this id, looked up together with all that the answer asks for. */
export async function findEvent(id: string, ctx: GraphQLContext): Promise<LoggedEvent | null> {
  if (!/^\d{1,18}$/.test(id)) return null
  const loader = ctx.loaders.get(
    `events of ${ctx.workspaceId}`,
    () =>
      new DataLoader<bigint, LoggedEvent | null>(async (outboxIds) => {
        const found = await ctx.feed.findMany(ctx.workspaceId, outboxIds)
        return outboxIds.map((outboxId) => found.get(outboxId) ?? null)
      }),
  )
  return await loader.load(BigInt(id))
}

Event.implement({
  description:
    'One entry of the log, the same shape for every kind of change, so that a feed needs no fragments. ' +
    'What is special is in `detail`.',
  permission: 'EVENTS_READ',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({ description: 'Its id.', resolve: ({ event }) => `event_${event.outboxId}` }),
    cursor: t.expose('cursor', { type: 'Cursor', description: 'Its position in the log: resume after it.' }),
    type: t.field({
      type: eventTypeEnum(),
      description: 'What happened.',
      resolve: ({ event }) => enumName(event.type),
    }),
    occurredAt: t.field({ type: 'DateTime', description: 'When.', resolve: ({ event }) => event.occurredAt }),
    actor: t.field({ type: Actor, description: 'Who did it.', resolve: ({ event }) => event.actor }),
    origin: t.field({
      type: EventOrigin,
      description: 'From where it was done; empty once it was erased.',
      resolve: ({ event }) => event.origin,
    }),
    summary: t.string({
      description:
        'One sentence a person understands, with today’s names: `Ava moved Acme renewal from Proposal to Won`. What the ' +
        'caller may not read is called by its kind: `a deal`.',
      resolve: ({ event }, _args, ctx) =>
        ctx.eventTypes.summarize({ ...event, changes: changesSeenBy(ctx, event) }, namesSeenBy(ctx)),
    }),
    subject: t.field({
      type: builder.nodeInterfaceRef(),
      nullable: true,
      description: 'The thing it happened to, as it is now.',
      resolve: ({ event }, _args, ctx, info) =>
        maySee(event.subject.kind, ctx) ? loadNode(event.subject, ctx, info) : null,
    }),
    changes: t.field({
      type: [FieldChangeType],
      description:
        'Which fields changed, before and after; without the values where the caller may not read the subject.',
      resolve: ({ event }, _args, ctx) => [...changesSeenBy(ctx, event)],
    }),
    run: t.field({
      type: typeOf('Run'),
      nullable: true,
      description: 'The run in which an employee did it.',
      resolve: ({ event }, _args, ctx, info) => (event.runId === null ? null : loadById('Run', event.runId, ctx, info)),
    }),
    cause: t.field({
      type: Event,
      nullable: true,
      description: 'The event that led to it.',
      resolve: ({ event }, _args, ctx) => (event.causeId === null ? null : findEvent(String(event.causeId), ctx)),
    }),
    erasedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When its content was erased, together with the person it told of; null when it was not. Who did what to which ' +
        'thing, and when, stays.',
      resolve: ({ event }) => event.erasedAt,
    }),
    detail: t.field({
      type: EventDetail,
      description: 'What is special about this kind of event.',
      resolve: (item) => item,
    }),
  }),
})

type DetailFields = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, LoggedEvent>) => FieldMap

/** An event type in the schema; `topic` follows it. */
export interface Detail {
  readonly ref: PothosSchemaTypes.ObjectRef<Types, LoggedEvent>
  readonly definition: EventType
}

/**
 * Declares the detail types of a domain's events, one for each: `deal.stage_changed` becomes `DealStageChanged`, with
 * `event` and the fields given. What they resolve from is `{ event, cursor }`.
 *
 * ```ts
 * export const dealDetails = eventDetails(dealEvents, {
 *   created: (t) => ({ deal: t.field(eventNode('Deal', 'The deal.')) }),
 *   stageChanged: (t) => ({
 *     deal: t.field(eventNode('Deal', 'The deal that was moved.')),
 *     from: t.field(eventNode('Stage', 'Where it was.', (event) => event.data.from)),
 *     to: t.field(eventNode('Stage', 'Where it is now.', (event) => event.data.to)),
 *   }),
 * })
 * ```
 */
export function eventDetails<Definitions extends Readonly<Record<string, EventType>>>(
  definitions: Definitions,
  fields: { readonly [Name in keyof Definitions]: DetailFields },
): { readonly [Name in keyof Definitions]: Detail } {
  const made = Object.entries(definitions).map(([name, definition]) => {
    declared.set(definition.type, definition)
    const ref = builder.objectRef<LoggedEvent>(detailName(definition.type))
    ref.implement({
      description: definition.description,
      permission: 'EVENTS_READ',
      interfaces: [EventDetail],
      fields: (t) => fields[name]?.(t) ?? {},
    })
    return [name, { ref, definition }] as const
  })
  return Object.fromEntries(made) as unknown as { readonly [Name in keyof Definitions]: Detail }
}
