// Subscriptions: fields whose items come from a stream.
//
// A stream yields items with the cursor to resume from. Each item is one execution with loaders of its own, and its
// cursor goes out as `extensions.cursor`. `extensions.after` of the request (or SSE's Last-Event-ID) beats the field's
// `after`: a stock client sends its first variables again when it reconnects.

import type { InputFieldMap, InputShapeFromFields, OutputRef } from '@pothos/core'
import type { Permission } from '../auth/viewer.ts'
import type { StoredEvent } from '../events/event.ts'
import type { EventFilter } from '../events/log-reader.ts'
import { builder, type Types } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import type { Detail, LoggedEvent } from './event.ts'

/** An item on its way to a subscriber. Without a cursor (best-effort text) the place to resume from stays. */
export interface Streamed<Item> {
  readonly item: Item
  readonly cursor?: string
}

type ArgBuilder = PothosSchemaTypes.InputFieldBuilder<Types, 'Arg'>

interface SubscriptionOptions<Item, Args extends InputFieldMap> {
  readonly type: OutputRef<Item>
  readonly description: string
  readonly permission?: Permission
  readonly args: (t: ArgBuilder) => Args
  /** Starts the stream. What it throws at once refuses the subscription; `ctx.signal` ends it. */
  readonly stream: (
    args: InputShapeFromFields<Args>,
    ctx: GraphQLContext,
  ) => Promise<AsyncIterable<Streamed<Item>>> | AsyncIterable<Streamed<Item>>
}

/** Declares a subscription field of any stream. Topics of single event types are simpler with `topic`. */
export function subscription<Item, const Args extends InputFieldMap>(
  name: string,
  options: SubscriptionOptions<Item, Args>,
): void {
  builder.subscriptionField(name, (t) =>
    t.field({
      type: options.type as never,
      description: options.description,
      ...(options.permission === undefined ? {} : { permission: options.permission }),
      args: builder.args(options.args as never) as InputFieldMap,
      subscribe: (async (_root: unknown, args: InputShapeFromFields<Args>, ctx: GraphQLContext) =>
        await options.stream(args, ctx)) as never,
      resolve: ((root: Streamed<Item>) => root.item) as never,
    }),
  )
}

/** Where a stream begins: what the request says beats what the field says. */
export function startOf(
  args: { readonly after?: string | null | undefined; readonly last?: number | null | undefined },
  ctx: GraphQLContext,
): { readonly after?: string; readonly last?: number } {
  const after = ctx.resumeAfter ?? args.after ?? undefined
  if (after !== undefined) return { after }
  return args.last === null || args.last === undefined ? {} : { last: args.last }
}

/** The arguments of every stream that can be resumed. */
export const resumeArguments = (t: ArgBuilder) => ({
  after: t.field({ type: 'Cursor', description: 'Everything after this position, then what happens.' }),
  last: t.int({ description: 'The last so many first (1,000 at most), then what happens. `after` beats it.' }),
})

interface TopicOptions<Args extends InputFieldMap> {
  readonly description: string
  /** What it can be narrowed by, e.g. `form: ID`. */
  readonly args?: (t: ArgBuilder) => Args
  /** What the arguments mean. `matches` must be pure. */
  readonly where?: (args: InputShapeFromFields<Args>) => {
    readonly subject?: EventFilter['subject']
    readonly runId?: string
    readonly matches?: (event: StoredEvent) => boolean
  }
}

/**
 * Declares a topic: the subscription of one event type, whose items are its details.
 *
 * ```ts
 * topic('dealStageChanged', dealDetails.stageChanged, {
 *   description: 'Deals that move from stage to stage.',
 *   args: (t) => ({ deal: t.id({ description: 'Only this deal.' }) }),
 *   where: ({ deal }) => (deal == null ? {} : { subject: { kind: 'deal', id: decodeId('deal', deal) } }),
 * })
 * ```
 */
export function topic<const Args extends InputFieldMap>(
  name: string,
  { ref, definition }: Detail,
  options: TopicOptions<Args>,
): void {
  subscription<LoggedEvent, Args>(name, {
    type: ref,
    description: options.description,
    args: ((t: ArgBuilder) => ({ ...options.args?.(t), ...resumeArguments(t) })) as unknown as (t: ArgBuilder) => Args,
    stream: async (args, ctx) => {
      const { matches, ...filter } = options.where?.(args) ?? {}
      const items = await ctx.feed.subscribe({
        workspaceId: ctx.workspaceId,
        ...startOf(args as { after?: string | null; last?: number | null }, ctx),
        filter: { types: [definition.type], ...filter },
        // What was erased has no details any more.
        matches: (event) => event.erasedAt === null && (matches === undefined || matches(event)),
        signal: ctx.signal,
      })
      return streamed(items)
    },
  })
}

/** Events of the feed as items of a subscription. */
export function streamed(items: AsyncIterableIterator<LoggedEvent>): AsyncIterableIterator<Streamed<LoggedEvent>> {
  // By hand and not as a generator: a generator that waits for its source cannot be returned before the source speaks.
  const wrap = (result: IteratorResult<LoggedEvent>): IteratorResult<Streamed<LoggedEvent>> =>
    result.done === true
      ? { done: true, value: undefined }
      : { value: { item: result.value, cursor: result.value.cursor } }
  return {
    next: async () => wrap(await items.next()),
    return: async () => {
      await items.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
