import type { ObjectFieldsShape, OutputRef } from '@pothos/core'
import { type RawBuilder, sql } from 'kysely'
import { builder, type Types } from './builder.ts'
import { PER_ITEM } from './cost.ts'
import { describeEnum } from './enum.ts'
import { permissionOf } from './node.ts'
import type { Direction, OrderColumn } from './order.ts'
import type { Page } from './page.ts'

export const DirectionEnum = describeEnum<Direction>('Direction', 'Which way a list is ordered.', {
  ASC: 'The smallest, the earliest, the first in the alphabet comes first.',
  DESC: 'The greatest, the latest comes first.',
})

export interface OrderField<Column extends string> {
  readonly description: string
  /** Compared one after the other; rows without a value (`nullable`) come last. */
  readonly columns: readonly OrderColumn<Column>[]
}

/** What a connection's fields resolve from. */
export interface Connection {
  readonly nodes: readonly object[]
  readonly edges: readonly Edge[]
  readonly page: Page
  /** One statement over all rows of the list, whatever the page: `select(sql\`count(*)\`)`. */
  select<Result>(columns: RawBuilder<unknown>, groupBy?: RawBuilder<unknown>): Promise<Result[]>
}

interface Edge {
  readonly node: object
  readonly cursor: string
}

/** `<Name>Connection` and `<Name>Edge`; whoever may see the items may see the list. */
export function connectionType(
  name: string,
  type: OutputRef<unknown> & { readonly name: string },
  further: ObjectFieldsShape<Types, Connection> | undefined,
): OutputRef<Connection> {
  const permission = permissionOf(type.name)
  const guard = permission === undefined ? {} : { permission }
  const edge = builder.objectRef<Edge>(`${name}Edge`).implement({
    ...guard,
    description: `One ${name} of a list and its place there.`,
    fields: (t) => ({
      node: t.field({ type: type, description: 'The item.', resolve: (item) => item.node }),
      cursor: t.exposeString('cursor', { description: 'Its place in the list, for `after` and `before`.' }),
    }),
  })
  return builder.objectRef<Connection>(`${name}Connection`).implement({
    ...guard,
    description: `A page of a list of ${name}.`,
    fields: (t) => ({
      nodes: t.field({
        type: [type],
        description: 'The items.',
        complexity: { field: 0, multiplier: 1 },
        extensions: PER_ITEM,
        resolve: (connection) => [...connection.nodes],
      }),
      edges: t.field({
        type: [edge],
        description: 'The items with their places in the list.',
        complexity: { field: 0, multiplier: 1 },
        extensions: PER_ITEM,
        resolve: (connection) => [...connection.edges],
      }),
      pageInfo: t.field({
        type: builder.pageInfoRef(),
        description: 'Where this page lies in the whole list.',
        resolve: ({ edges, page }) => ({
          hasNextPage: page.hasNextPage,
          hasPreviousPage: page.hasPreviousPage,
          startCursor: edges[0]?.cursor ?? null,
          endCursor: edges.at(-1)?.cursor ?? null,
        }),
      }),
      totalCount: t.int({
        description: 'How many there are in the whole list. Counted only when asked for.',
        complexity: 10,
        resolve: async (connection) => {
          const [row] = await connection.select<{ count: bigint }>(sql`count(*) as count`)
          return Number(row?.count ?? 0)
        },
      }),
      ...further?.(t),
    }),
  })
}

/** `<Name>Order` and `<Name>OrderField`. */
export function orderInputType(name: string, order: Readonly<Record<string, OrderField<string>>>) {
  const field = describeEnum(
    `${name}OrderField`,
    `What a list of ${name} can be ordered by.`,
    Object.fromEntries(Object.entries(order).map(([value, { description }]) => [value, description])),
  )
  return builder.inputType(`${name}Order`, {
    description: `One key of the order of a list of ${name}.`,
    fields: (t) => ({
      field: t.field({ type: field, required: true, description: 'What is compared.' }),
      direction: t.field({
        type: DirectionEnum,
        required: true,
        defaultValue: 'ASC',
        description: 'Which way.',
      }),
    }),
  })
}
