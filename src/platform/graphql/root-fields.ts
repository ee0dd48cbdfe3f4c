// The fields every schema has: node and nodes, cursor, and the event log live.

import type { OnLag } from '../events/subscriber.ts'
import { invalidInput, unauthenticated } from '../lib/errors.ts'
import { builder } from './builder.ts'
import { describeEnum } from './enum.ts'
import { Event } from './event.ts'
import { EventFilterType, feedFilter } from './event-filter.ts'
import { loadNode, parseNodeId } from './node.ts'
import { resumeArguments, startOf, streamed, subscription } from './subscription.ts'

const MAX_NODES = 100

builder.queryField('node', (t) =>
  t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'Anything by its id; null when there is no such thing, or it is not yours.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (_root, { id }, ctx, info) => {
      if (ctx.viewer.kind === 'anonymous') throw unauthenticated()
      const ref = parseNodeId(id)
      return ref === undefined ? null : loadNode(ref, ctx, info)
    },
  }),
)

builder.queryField('nodes', (t) =>
  t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    description: 'Things by their ids, in the order of the ids; null for each that does not exist or is not yours.',
    args: { ids: t.arg.idList({ required: true, description: 'Their ids, at most 100.' }) },
    complexity: ({ ids }) => ({ field: 1, multiplier: Math.max(1, ids.length) }),
    resolve: (_root, { ids }, ctx, info) => {
      if (ctx.viewer.kind === 'anonymous') throw unauthenticated()
      if (ids.length > MAX_NODES) {
        throw invalidInput([{ path: ['ids'], code: 'TOO_LONG', message: `At most ${MAX_NODES} ids.` }])
      }
      return ids.map((id) => {
        const ref = parseNodeId(id)
        return ref === undefined ? null : loadNode(ref, ctx, info)
      })
    },
  }),
)

builder.queryField('cursor', (t) =>
  t.field({
    type: 'Cursor',
    description:
      'The log position that this answer contains at least; pass it to a subscription’s `after` ' +
      'and nothing is missed between the two.',
    resolve: (_root, _args, ctx) => {
      if (ctx.viewer.kind === 'anonymous') throw unauthenticated()
      return ctx.feed.cursor()
    },
  }),
)

const OnLagEnum = describeEnum<OnLag>('OnLag', 'What becomes of a subscriber that is slower than the events.', {
  COALESCE: 'It goes on at its own pace, from the log. Nothing is lost.',
  DISCONNECT: 'It gets what was buffered, then LIMIT_EXCEEDED: it resumes from its cursor when it likes.',
})

subscription('events', {
  type: Event,
  description:
    'Every change the viewer may see, in commit order: from `after`, else the `last` n and then on, else from now.',
  args: (t) => ({
    ...resumeArguments(t),
    filter: t.field({ type: EventFilterType, description: 'Only those for which this holds.' }),
    onLag: t.field({
      type: OnLagEnum,
      required: true,
      defaultValue: 'COALESCE',
      description: 'What happens when you are slower than the events.',
    }),
  }),
  stream: async (args, ctx) =>
    streamed(
      await ctx.feed.subscribe({
        workspaceId: ctx.workspaceId,
        ...startOf(args, ctx),
        filter: feedFilter(args.filter, ctx),
        onLag: args.onLag,
        signal: ctx.signal,
      }),
    ),
})
