// A page of the log as a connection, whatever its events are told as.

import type { ObjectRef } from '@pothos/core'
import type { Permission } from '../auth/viewer.ts'
import type { EventPage } from '../events/feed.ts'
import { builder, type Types } from './builder.ts'
import { PER_ITEM } from './cost.ts'
import type { LoggedEvent } from './event.ts'

export interface EventConnectionOptions {
  /** What an event of the list is told as. */
  readonly node: ObjectRef<Types, LoggedEvent>
  readonly permission: Permission
  readonly descriptions: {
    readonly page: string
    readonly nodes: string
    readonly edges: string
    readonly edge: string
    readonly node: string
  }
}

const FREE_ITEMS = { complexity: { field: 0, multiplier: 1 }, extensions: PER_ITEM }

/** Declares `NameConnection` and `NameEdge`. */
export function eventConnection(name: string, { node, permission, descriptions }: EventConnectionOptions) {
  const edge = builder.objectRef<LoggedEvent>(`${name}Edge`).implement({
    permission,
    description: descriptions.edge,
    fields: (t) => ({
      node: t.field({ type: node, description: descriptions.node, resolve: (item) => item }),
      cursor: t.exposeString('cursor', { description: 'Its place in the list, for `after` and `before`.' }),
    }),
  })
  return builder.objectRef<EventPage>(`${name}Connection`).implement({
    permission,
    description: descriptions.page,
    fields: (t) => ({
      nodes: t.field({
        type: [node],
        description: descriptions.nodes,
        ...FREE_ITEMS,
        resolve: ({ items }) => [...items],
      }),
      edges: t.field({
        type: [edge],
        description: descriptions.edges,
        ...FREE_ITEMS,
        resolve: ({ items }) => [...items],
      }),
      pageInfo: t.field({
        type: builder.pageInfoRef(),
        description: 'Where this page lies in the whole list.',
        resolve: ({ items, hasNextPage, hasPreviousPage }) => ({
          hasNextPage,
          hasPreviousPage,
          startCursor: items[0]?.cursor ?? null,
          endCursor: items.at(-1)?.cursor ?? null,
        }),
      }),
    }),
  })
}
