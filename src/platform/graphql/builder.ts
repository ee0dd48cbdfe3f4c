import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import type { Duration } from 'luxon'
import type PrismaTypes from '../../generated/pothos-types.ts'
import { getDatamodel } from '../../generated/pothos-types.ts'
import { encodeId } from '../lib/ids.ts'
import type { GraphQLContext } from './context.ts'
import PermissionPlugin from './permission-plugin.ts'
import { scalarTypes } from './scalars.ts'

/** A moment as a filter names it: fixed, or relative to now, read anew each time. */
export type Moment = { readonly at: Date } | { readonly fromNow: Duration }

/** Our types for Pothos: what scalars are in TypeScript, that fields are non-null unless they say otherwise. */
export interface SchemaTypes {
  Context: GraphQLContext
  PrismaTypes: PrismaTypes
  DefaultFieldNullability: false
  Scalars: {
    ID: { Input: string; Output: string | number | bigint }
    BigInt: { Input: bigint; Output: bigint | number }
    CurrencyCode: { Input: string; Output: string }
    Cursor: { Input: string; Output: string }
    Date: { Input: Date; Output: Date | string }
    DateTime: { Input: Date; Output: Date }
    DateTimeOrDuration: { Input: Moment; Output: Moment }
    Decimal: { Input: string; Output: string }
    Duration: { Input: string; Output: string }
    EmailAddress: { Input: string; Output: string }
    JSON: { Input: unknown; Output: unknown }
    URL: { Input: string; Output: string }
  }
}

const kinds = new Map<string, string>()

/** Ties a GraphQL type to the prefix of its ids; `node()` calls it. */
export function registerKind(typename: string, kind: string): void {
  kinds.set(typename, kind)
}

/** What happens to a query that Pothos planned and a resolver did not use: an N+1 in the making. */
let onUnusedQuery: (path: string) => void = (path) => {
  throw new Error(`the query planned for ${path} was not used`)
}

/** In production an unused query is reported instead of thrown. */
export function reportUnusedQueries(report: (path: string) => void): void {
  onUnusedQuery = report
}

/**
 * The one schema-builder. Domains describe their types, queries and mutations with it in their `schema.ts`, which
 * `src/schema.ts` imports; order does not matter.
 *
 * ```ts
 * export const Deal = builder.prismaNode('Deal', {
 *   ...node('Deal', { kind: 'deal', name: 'name' }),
 *   permission: 'DEALS_READ',
 *   description: 'A possible sale.',
 *   fields: (t) => ({
 *     name: t.exposeString('name'), // described by the `///` comment in schema.prisma
 *     stage: t.relation('stage', { description: 'Where it stands.' }),
 *   }),
 * })
 * ```
 */
export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [PermissionPlugin, ComplexityPlugin, RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  relay: {
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    cursorType: 'String',
    nodeTypeOptions: {
      name: 'Node',
      description: 'A thing with an id of its own. The id is the same for ever and tells the type.',
    },
    idFieldOptions: { description: 'Its id: the same for ever, and opaque.' },
    pageInfoTypeOptions: { description: 'Where this page lies in the whole list.' },
    hasNextPageFieldOptions: { description: 'Whether more items follow.' },
    hasPreviousPageFieldOptions: { description: 'Whether items come before.' },
    startCursorFieldOptions: { description: 'For `before`: the page before this one.' },
    endCursorFieldOptions: { description: 'For `after`: the page after this one.' },
    encodeGlobalID: (typename, id) => encodeId(kinds.get(typename) ?? typename.toLowerCase(), String(id)),
    decodeGlobalID: (id) => ({ typename: '', id }),
  },
  prisma: {
    client: (ctx) => ctx.db.prisma(ctx.workspaceId),
    dmmf: getDatamodel(),
    exposeDescriptions: { models: false, fields: true },
    onUnusedQuery: (info) => onUnusedQuery(`${info.parentType.name}.${info.fieldName}`),
  },
  complexity: { disabled: true },
})

/** What Pothos made of `SchemaTypes`; for types of helpers that take its refs and field builders. */
export type Types = (typeof builder)['$inferSchemaTypes']

builder.queryType({ description: 'What can be read.' })
builder.mutationType({ description: 'What can be changed.' })
builder.subscriptionType({ description: 'What can be followed live.' })

for (const [name, type] of Object.entries(scalarTypes)) {
  builder.addScalarType(name as keyof typeof scalarTypes, type)
}
