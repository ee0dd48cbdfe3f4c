// The log as a list: `Query.events` and the timelines of things. The same items in the same order as the subscription.

import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import { type Kysely, type SqlBool, sql } from 'kysely'
import type { Tables } from '../db/tables.ts'
import type { EventPage } from '../events/feed.ts'
import { type EventFilter, type EventScope, pickByScopes } from '../events/log-reader.ts'
import { invalidInput } from '../lib/errors.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import { Event } from './event.ts'
import { eventConnection } from './event-connection.ts'
import { EventFilterType, feedFilter } from './event-filter.ts'
import { TRUE } from './filter-comparators.ts'
import {
  LIST_ALIAS,
  MAX_PAGE_SIZE,
  type PageArguments,
  type PageQuery,
  type PageRequest,
  pageSize,
  pickPages,
  readPageArguments,
} from './page.ts'
import { fieldPath } from './selection.ts'

const EventConnection = eventConnection('Event', {
  node: Event,
  permission: 'EVENTS_READ',
  descriptions: {
    page: 'A page of events, in the order of the log.',
    nodes: 'The events.',
    edges: 'The events with their places in the list.',
    edge: 'One event of a list and its place there.',
    node: 'The event.',
  },
})

/** The arguments of a page of events. */
export const eventPageArgs = () =>
  builder.args((t) => ({
    first: t.int({ defaultValue: 25, description: 'How many, at most 100; from the beginning or after `after`.' }),
    after: t.string({ description: 'Those that follow this paging cursor.' }),
    last: t.int({ description: 'How many from the end or before `before`, instead of `first`; at most 100.' }),
    before: t.string({ description: 'Those that come before this paging cursor.' }),
  }))

/** What a page of them counts as. */
export const eventPageCost = (args: object) => ({ field: 1, multiplier: Math.max(1, pageSize(args as PageArguments)) })

/** Which parts of the log belong to things of a kind, by row id, in few statements for all of them. */
export type ScopesOf = (sql: Kysely<Tables>, ids: readonly string[]) => Promise<ReadonlyMap<string, EventScope[]>>

/**
 * Options for `t.field` of a type whose ids are of this kind: its events, oldest first. `scopesOf` says which events
 * belong to it beside its own.
 */
export const timeline = (kind: string, description: string, scopesOf?: ScopesOf) => ({
  type: EventConnection,
  description,
  args: eventPageArgs(),
  complexity: eventPageCost,
  select: { id: true } as const,
  resolve: async (
    { id }: { readonly id: string },
    args: PageArguments,
    ctx: GraphQLContext,
    info: GraphQLResolveInfo,
  ): Promise<EventPage> => {
    const own: EventScope = kind === 'run' ? { runId: id } : { subject: { kind, id } }
    const scopes = scopesOf === undefined ? undefined : [own, ...(await scopesLoader(kind, scopesOf, ctx).load(id))]
    const continued = [args.after, args.before].some((cursor) => cursor !== null && cursor !== undefined)
    if (continued) return readEvents(args, scopes === undefined ? own : {}, ctx, scopes)
    const path = fieldPath(info)
    const request = readPageArguments(args, 'events', LOG_ORDER)
    await ctx.feed.ownChangesLogged()
    if (scopes === undefined) {
      return ctx.loaders
        .get(
          `timeline at ${path}`,
          () => new DataLoader<string, EventPage>((ids) => readTimelines(kind, ids, request, ctx)),
        )
        .load(id)
    }
    return ctx.loaders
      .get(
        `scoped timeline at ${path}`,
        () => new DataLoader<readonly EventScope[], EventPage>((lists) => readScopes(lists, request, ctx)),
      )
      .load(scopes)
  },
})

const scopesLoader = (kind: string, scopesOf: ScopesOf, ctx: GraphQLContext) =>
  ctx.loaders.get(
    `log scopes of ${kind}`,
    () =>
      new DataLoader<string, EventScope[]>(async (ids) => {
        const found = await ctx.db.read(ctx.workspaceId, (sql) => scopesOf(sql, ids))
        return ids.map((id) => found.get(id) ?? [])
      }),
  )

const LOG_ORDER = [{ column: 'position', direction: 'ASC' }] as const

/** The first or last events of several things, in two statements for all of them. */
async function readTimelines(
  kind: string,
  ids: readonly string[],
  request: PageRequest,
  ctx: GraphQLContext,
): Promise<EventPage[]> {
  const query: PageQuery = {
    table: 'eventLog',
    columns: ['outboxId', 'position'],
    keys: LOG_ORDER,
    condition: kind === 'run' ? TRUE : sql<SqlBool>`${sql.ref(`${LIST_ALIAS}.subjectType`)} = ${kind}`,
  }
  const pages = await pickPages(query, request, kind === 'run' ? 'runId' : 'subjectId', ids, ctx)
  const outboxIds = pages.flatMap(({ rows }) => rows.map((row) => row.outboxId as bigint))
  const found = outboxIds.length === 0 ? new Map<bigint, never>() : await ctx.feed.findMany(ctx.workspaceId, outboxIds)
  return pages.map(({ rows, hasNextPage, hasPreviousPage }) => ({
    items: rows.flatMap((row) => found.get(row.outboxId as bigint) ?? []),
    hasNextPage,
    hasPreviousPage,
  }))
}

/** The first or last events of several lists of scopes, in two statements for all of them. */
async function readScopes(
  lists: readonly (readonly EventScope[])[],
  { size, backwards }: PageRequest,
  ctx: GraphQLContext,
): Promise<EventPage[]> {
  const { workspaceId } = ctx
  const place = { workspaceId, above: 0n, from: backwards ? 'newest' : 'oldest', limit: size + 1 } as const
  const picked = await pickByScopes(ctx.db, place, lists)
  const kept = picked.map((events) =>
    backwards ? events.slice(Math.max(0, events.length - size)) : events.slice(0, size),
  )
  const found = await ctx.feed.findMany(
    workspaceId,
    kept.flatMap((events) => events.map(({ outboxId }) => outboxId)),
  )
  return picked.map(({ length }, index) => ({
    items: (kept[index] ?? []).flatMap(({ outboxId }) => found.get(outboxId) ?? []),
    hasNextPage: !backwards && length > size,
    hasPreviousPage: backwards && length > size,
  }))
}

/** A page of the workspace’s events for which a filter holds, or of several scopes. INVALID_INPUT for a page too large. */
export async function readEvents(
  args: PageArguments & { readonly from?: string | null | undefined; readonly to?: string | null | undefined },
  filter: EventFilter,
  ctx: GraphQLContext,
  scopes?: readonly EventScope[],
): Promise<EventPage> {
  const backwards = args.last !== null && args.last !== undefined
  const size = pageSize(args)
  if (size > MAX_PAGE_SIZE || size < 0) {
    const path = [backwards ? 'last' : 'first']
    throw invalidInput([
      size < 0
        ? { path, code: 'TOO_SMALL', message: 'A page cannot have fewer than 0 items.' }
        : { path, code: 'TOO_LARGE', message: `A page has at most ${MAX_PAGE_SIZE} items.` },
    ])
  }
  await ctx.feed.ownChangesLogged()
  return await ctx.feed.read({
    workspaceId: ctx.workspaceId,
    filter,
    scopes,
    ...(backwards ? { last: size } : { first: size }),
    after: args.after ?? undefined,
    before: args.before ?? undefined,
    from: args.from ?? undefined,
    to: args.to ?? undefined,
  })
}

builder.queryField('events', (t) =>
  t.field({
    type: EventConnection,
    description: 'The event log: the same items in the same order as the subscription of the same name.',
    args: {
      ...eventPageArgs(),
      from: t.arg({ type: 'Cursor', description: 'What came after this place in the log.' }),
      to: t.arg({ type: 'Cursor', description: 'What came up to and including this place in the log.' }),
      filter: t.arg({ type: EventFilterType, description: 'Only those for which this holds.' }),
    },
    complexity: eventPageCost,
    resolve: (_root, args, ctx) => readEvents(args, feedFilter(args.filter, ctx), ctx),
  }),
)
