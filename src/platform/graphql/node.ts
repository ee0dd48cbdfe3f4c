// Things with an id: how a type gets its `id`, and how one thing is loaded by it.
//
// Whatever names a thing by its row id (a query's argument, a mutation's outcome, an event, a conflict) loads it here,
// with exactly the columns and relations that the client selected. A foreign, unknown or malformed id is null.

import { getRefFromModel, type PrismaObjectRef, queryFromInfo } from '@pothos/plugin-prisma'
import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import { type Kysely, sql as sqlText } from 'kysely'
import type PrismaTypes from '../../generated/pothos-types.ts'
import { hasPermission, requirePermission } from '../auth/permissions.ts'
import type { Permission } from '../auth/viewer.ts'
import type { Tables } from '../db/tables.ts'
import type { NodeRef } from '../lib/errors.ts'
import { notFound } from '../lib/errors.ts'
import { encodeId, isUuid } from '../lib/ids.ts'
import { builder, registerKind, type Types } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import { filledUp } from './fill-up.ts'
import { fieldPath } from './selection.ts'

export type Model = keyof PrismaTypes & string

/** The key columns of a row as they are in every tenant table; `RunStep` and `Workspace` say their own. */
interface Key {
  readonly id: string
  readonly workspaceId: string
}

interface NodeType {
  readonly model: Model
  readonly kind: string
  readonly typename: string
  readonly name: string | undefined
  /** Prisma's unique `where`; undefined when the text cannot be an id. */
  where(id: string, ctx: GraphQLContext): object | undefined
  /** The part of a row's public id behind the prefix. */
  idOf(row: object): string
}

const byKind = new Map<string, NodeType>()
const byTypename = new Map<string, NodeType>()

interface NodeOptions {
  /** The prefix of its ids: `deal`. */
  readonly kind: string
  /** The column that people call it by; summaries and actors show it. */
  readonly name?: string
  /** The GraphQL type's name where it is not the model's. */
  readonly typename?: string
}

interface OwnKey<Row> {
  /** The columns the id is made of. */
  readonly select: { readonly [Column in keyof Row]: true }
  /** The part of the public id behind the prefix. */
  id(row: Row): string
  /** Prisma's unique `where` for it; undefined when the text cannot be one. */
  where(id: string, workspaceId: string): object | undefined
}

/**
 * The options that make a Prisma model a Node with ids `kind_<uuid>`: spread them into `builder.prismaNode`.
 *
 * ```ts
 * builder.prismaNode('Deal', { ...node('Deal', { kind: 'deal', name: 'name' }), description, fields })
 * ```
 */
export function node<Name extends Model, Row extends object = Key>(
  model: Name,
  options: NodeOptions,
  key?: OwnKey<Row>,
) {
  const typename = options.typename ?? model
  const type: NodeType = {
    model,
    kind: options.kind,
    typename,
    name: options.name,
    where: (id, ctx) => {
      if (key !== undefined) return key.where(id, ctx.workspaceId)
      return isUuid(id) ? { workspaceId_id: { workspaceId: ctx.workspaceId, id: id.toLowerCase() } } : undefined
    },
    idOf: (row) => (key === undefined ? (row as Key).id : key.id(row as Row)),
  }
  byKind.set(type.kind, type)
  byTypename.set(typename, type)
  registerKind(typename, type.kind)
  const columns = (key?.select ?? { id: true, workspaceId: true }) as { [Column in keyof Row]: true }
  return {
    name: typename,
    nullable: true,
    select: columns,
    id: { resolve: (row: Row) => type.idOf(row) },
    findUnique: (id: string, ctx: GraphQLContext) => type.where(id, ctx) as PrismaTypes[Name]['WhereUnique'] & object,
  } as const
}

/** The kind and row id in a public id; undefined when no type has such ids. */
export function parseNodeId(publicId: string): NodeRef | undefined {
  const split = publicId.startsWith('step_') ? 'step'.length : publicId.lastIndexOf('_')
  const kind = publicId.slice(0, Math.max(split, 0))
  return byKind.has(kind) || others.has(kind) ? { kind, id: publicId.slice(split + 1) } : undefined
}

/** Looks up today's names of things of one kind, on a connection bound to the workspace. */
export type NamesOf = (sql: Kysely<Tables>, ids: readonly string[]) => Promise<ReadonlyMap<string, string>>

/** For each kind whose `node()` names a column: how its things are called today. */
export function declaredNames(): Record<string, NamesOf> {
  const names: Record<string, NamesOf> = {}
  for (const { kind, model, name } of byKind.values()) {
    if (name === undefined) continue
    const table = `${model[0]?.toLowerCase()}${model.slice(1)}` as 'deal'
    names[kind] = async (sql, ids) => {
      const rows = await sql
        .selectFrom(table)
        .select(['id', sqlText.ref<string>(name).as('name')])
        .where('id', 'in', ids)
        .execute()
      return new Map(rows.map((row) => [row.id, row.name]))
    }
  }
  return names
}

/** The GraphQL type of a model, also of another domain's: `type: typeOf('Deal')`. */
export const typeOf = <Name extends Model>(model: Name): PrismaObjectRef<Types, PrismaTypes[Name]> =>
  getRefFromModel(model, builder, 'object') as unknown as PrismaObjectRef<Types, PrismaTypes[Name]>

interface Delegate {
  findFirst(args: object): Promise<object | null>
  findUnique(args: object): Promise<object | null>
  findMany(args: object): Promise<object[]>
}

/** The workspace's Prisma delegate of a model, for helpers that do not know the model's type. */
export function delegateOf(model: Model, ctx: GraphQLContext): Delegate {
  const name = `${model[0]?.toLowerCase()}${model.slice(1)}`
  return (ctx.db.prisma(ctx.workspaceId) as unknown as Record<string, Delegate>)[name] as Delegate
}

/** A loaded row as a field of its type resolves to; it holds the key and whatever was selected. */
export type Loaded<Name extends Model> = Pick<PrismaTypes[Name]['Shape'], 'id' & keyof PrismaTypes[Name]['Shape']>

/** The row with this id and what the field selects of it; null when there is none in the workspace. */
export async function loadById<Name extends Model>(
  model: Name,
  id: string,
  ctx: GraphQLContext,
  info: GraphQLResolveInfo,
): Promise<PrismaTypes[Name]['Shape'] | null> {
  return (await loadBatched(typeOfModel(model), id, ctx, info)) as PrismaTypes[Name]['Shape'] | null
}

/** The row that a unique key names, e.g. `{ workspaceId_slug: { workspaceId: ctx.workspaceId, slug } }`. */
export async function loadBy<Name extends Model>(
  model: Name,
  where: PrismaTypes[Name]['WhereUnique'],
  ctx: GraphQLContext,
  info: GraphQLResolveInfo,
): Promise<PrismaTypes[Name]['Shape'] | null> {
  const type = typeOfModel(model)
  const query = queryFromInfo({ context: ctx, info, typeName: type.typename })
  const row = await delegateOf(model, ctx).findUnique({ ...query, where: where as object })
  return row === null ? null : (branded(row, type) as unknown as PrismaTypes[Name]['Shape'])
}

/** `loadById` for ids that must exist: the outcome of a mutation, the subject of an event. Throws NOT_FOUND. */
export async function getById<Name extends Model>(
  model: Name,
  id: string,
  ctx: GraphQLContext,
  info: GraphQLResolveInfo,
): Promise<PrismaTypes[Name]['Shape']> {
  const row = await loadById(model, id, ctx, info)
  if (row === null) throw notFound(typeOfModel(model).typename, encodeId(typeOfModel(model).kind, id))
  return row
}

/** The thing behind a public id the caller wrote; null for a wrong kind, an unknown or a foreign id. */
export async function loadByPublicId<Name extends Model>(
  model: Name,
  publicId: string,
  ctx: GraphQLContext,
  info: GraphQLResolveInfo,
): Promise<PrismaTypes[Name]['Shape'] | null> {
  const ref = parseNodeId(publicId)
  if (ref === undefined || ref.kind !== typeOfModel(model).kind) return null
  return await loadById(model, ref.id, ctx, info)
}

function typeOfModel(model: Model): NodeType {
  for (const type of byKind.values()) if (type.model === model) return type
  throw new Error(`${model} is not declared as a node`)
}

/** Node's type is found by it. */
const branded = (row: object, type: NodeType) => ({ ...row, __typename: type.typename })

/**
 * The things that equal fields of an answer lead to (the subjects of 25 events) in one statement for each type. They
 * have one path but for the indexes of lists, and so one selection.
 */
async function loadBatched(
  type: NodeType,
  id: string,
  ctx: GraphQLContext,
  info: GraphQLResolveInfo,
): Promise<{ readonly __typename: string } | null> {
  const where = type.where(id, ctx)
  if (where === undefined) return null
  const loader = ctx.loaders.get(`${type.typename} of ${ctx.workspaceId} at ${fieldPath(info)}`, () => {
    const query = queryFromInfo({ context: ctx, info, typeName: type.typename })
    return new DataLoader<object, { readonly __typename: string } | null, string>(
      async (wheres) => {
        const rows = await delegateOf(type.model, ctx).findMany({ ...query, where: anyOfKeys(wheres) })
        const found = new Map(rows.map((row) => [type.idOf(row).toLowerCase(), branded(row, type)]))
        return wheres.map((unique) => found.get(idIn(unique, type)) ?? null)
      },
      { cacheKeyFn: (unique) => JSON.stringify(unique) },
    )
  })
  return await loader.load(where)
}

/** `{ workspaceId_id: { workspaceId, id } }` as the columns it stands for. */
const columnsOf = (unique: object): Record<string, unknown> => {
  const [value] = Object.values(unique) as unknown[]
  return (typeof value === 'object' && value !== null ? value : unique) as Record<string, unknown>
}

const idIn = (unique: object, type: NodeType): string => type.idOf(columnsOf(unique)).toLowerCase()

function anyOfKeys(uniques: readonly object[]): object {
  const columns = uniques.map(columnsOf)
  const [first] = columns
  if (columns.length === 1 && first !== undefined) return first
  const onlyIds = columns.every((key) => Object.keys(key).every((name) => name === 'id' || name === 'workspaceId'))
  return onlyIds ? { id: { in: filledUp(columns.map((key) => key.id)) } } : { OR: filledUp(columns) }
}

/** Types of things that are not Prisma models (the event) say how they are loaded. */
interface OtherNode {
  readonly typename: string
  load(id: string, ctx: GraphQLContext): Promise<object | null>
}

const others = new Map<string, OtherNode>()

export function registerOtherNode(kind: string, other: OtherNode): void {
  others.set(kind, other)
  registerKind(other.typename, kind)
}

/** The thing a reference names, for fields of the type Node. Checks what its type's records need. */
export async function loadNode(
  ref: NodeRef,
  ctx: GraphQLContext,
  info: GraphQLResolveInfo,
): Promise<{ readonly __typename: string } | null> {
  const type = byKind.get(ref.kind)
  const other = others.get(ref.kind)
  const typename = type?.typename ?? other?.typename
  if (typename === undefined) return null
  const permission = permissionOf(typename)
  if (permission !== undefined) requirePermission(ctx.viewer, permission)
  if (type === undefined) {
    const loaded = await other?.load(ref.id, ctx)
    return loaded === null || loaded === undefined ? null : { ...loaded, __typename: typename }
  }
  return await loadBatched(type, ref.id, ctx, info)
}

/** Whether the viewer may see things of this kind. */
export function maySee(kind: string, ctx: GraphQLContext): boolean {
  const typename = byKind.get(kind)?.typename ?? others.get(kind)?.typename
  const permission = typename === undefined ? undefined : permissionOf(typename)
  return permission === undefined || hasPermission(ctx.viewer, permission)
}

/** What a viewer needs to see records of a type. */
export function permissionOf(typename: string): Permission | undefined {
  const options = builder.configStore.getTypeConfig(typename).pothosOptions as { permission?: Permission }
  return options.permission
}
