import type { GraphQLResolveInfo } from 'graphql'
import type PrismaTypes from '../../generated/pothos-types.ts'
import type { StoredEvent } from '../events/event.ts'
import { notFound } from '../lib/errors.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import type { LoggedEvent } from './event.ts'
import { getById, loadById, loadByPublicId, type Model, typeOf } from './node.ts'

type Shape<Name extends Model> = PrismaTypes[Name]['Shape']

/** Options for `t.field`: the thing whose row id `idOf` tells; there must be one. For payloads. */
export const nodeField = <Parent, Name extends Model = Model>(
  model: Name,
  description: string,
  idOf: (parent: Parent) => string,
) => ({
  type: typeOf(model),
  description,
  resolve: (parent: Parent, _args: object, ctx: GraphQLContext, info: GraphQLResolveInfo): Promise<Shape<Name>> =>
    getById(model, idOf(parent), ctx, info),
})

/** As `nodeField`, where there may be none. */
export const optionalNodeField = <Parent, Name extends Model = Model>(
  model: Name,
  description: string,
  idOf: (parent: Parent) => string | null,
) => ({
  type: typeOf(model),
  description,
  nullable: true as const,
  resolve: async (
    parent: Parent,
    _args: object,
    ctx: GraphQLContext,
    info: GraphQLResolveInfo,
  ): Promise<Shape<Name> | null> => {
    const id = idOf(parent)
    return id === null ? null : await loadById(model, id, ctx, info)
  },
})

/** Options for `t.field` of a detail type: the event's subject, or the thing whose row id stands in its data. */
export const eventNode = <Name extends Model>(
  model: Name,
  description: string,
  idOf: (event: StoredEvent) => unknown = (event) => event.subject.id,
) =>
  nodeField<LoggedEvent, Name>(model, description, ({ event }) => {
    const id = idOf(event)
    if (typeof id !== 'string') throw notFound(model)
    return id
  })

/** As `eventNode`, where there may be none. */
export const optionalEventNode = <Name extends Model>(
  model: Name,
  description: string,
  idOf: (event: StoredEvent) => unknown,
) =>
  optionalNodeField<LoggedEvent, Name>(model, description, ({ event }) => {
    const id = idOf(event)
    return typeof id === 'string' ? id : null
  })

/** Options for `t.field` of a query: one thing by its public id; null when there is none. */
export const byIdField = <Name extends Model>(model: Name, description: string) => ({
  type: typeOf(model),
  description,
  nullable: true as const,
  args: builder.args((t) => ({ id: t.id({ required: true, description: 'Its id.' }) })),
  resolve: (
    _root: unknown,
    { id }: { readonly id: string },
    ctx: GraphQLContext,
    info: GraphQLResolveInfo,
  ): Promise<Shape<Name> | null> => loadByPublicId(model, id, ctx, info),
})
