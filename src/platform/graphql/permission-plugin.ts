// Who may read what, declared once per type.
//
// A type says which permission its records need (`permission: 'DEALS_READ'`), a field may say so too. Every field that
// leads to such a type checks it before it is resolved, however one got there, so no edge can be forgotten: a nullable
// field answers null with FORBIDDEN at its path, a non-null one takes its parent with it. Payloads of mutations are the
// exception: they show the caller what it has just written. A filter that goes through a relation tells of the records
// behind it too, so it asks `permissionOfType` for the same permission.

import SchemaBuilder, {
  BasePlugin,
  type PothosOutputFieldConfig,
  type PothosTypeConfig,
  type SchemaTypes,
} from '@pothos/core'
import { type GraphQLField, type GraphQLFieldResolver, getNullableType, isListType } from 'graphql'
import { requirePermission } from '../auth/permissions.ts'
import type { Permission } from '../auth/viewer.ts'
import type { GraphQLContext } from './context.ts'

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      permission: PermissionPlugin<Types>
    }
    export interface BaseTypeOptions<Types extends SchemaTypes = SchemaTypes> {
      /** What a viewer needs to see a record of this type. */
      permission?: Permission
      /** For payloads: what they hold is shown without a further permission. */
      showsOwnWrite?: boolean
    }
    export interface FieldOptions {
      /** What a viewer needs to ask for this field, beside what its type needs. */
      permission?: Permission
    }
  }
}

const permissionsOfTypes = new Map<string, Permission | undefined>()

/**
 * What a viewer needs to see records of the type of this name; undefined for nothing. For whoever leads to a type by
 * other ways than a field. Throws for a type that the schema does not have: not knowing is no permission.
 */
export function permissionOfType(typename: string): Permission | undefined {
  if (permissionsOfTypes.has(typename)) return permissionsOfTypes.get(typename)
  throw new Error(`the schema has no type ${typename}`)
}

const needed = (options: object | undefined): Permission | undefined =>
  (options as { permission?: Permission } | undefined)?.permission

export class PermissionPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onTypeConfig(typeConfig: PothosTypeConfig): PothosTypeConfig {
    const permission = needed(typeConfig.pothosOptions)
    permissionsOfTypes.set(typeConfig.name, permission)
    return permission === undefined
      ? typeConfig
      : ({ ...typeConfig, extensions: { ...typeConfig.extensions, permission } } as PothosTypeConfig)
  }

  override onOutputFieldConfig(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const permission = needed(fieldConfig.pothosOptions)
    return permission === undefined
      ? fieldConfig
      : { ...fieldConfig, extensions: { ...fieldConfig.extensions, permission } }
  }

  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    fieldConfig: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    const permissions = this.#permissionsOf(fieldConfig)
    if (permissions.length === 0 || fieldConfig.kind === 'Subscription') return resolver
    return (parent, args, ctx, info) => {
      for (const permission of permissions) requirePermission((ctx as unknown as GraphQLContext).viewer, permission)
      return resolver(parent, args, ctx, info)
    }
  }

  override wrapSubscribe(
    subscriber: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
    fieldConfig: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> | undefined {
    const permissions = this.#permissionsOf(fieldConfig)
    if (permissions.length === 0 || subscriber === undefined) return subscriber
    return (parent, args, ctx, info) => {
      for (const permission of permissions) requirePermission((ctx as unknown as GraphQLContext).viewer, permission)
      return subscriber(parent, args, ctx, info)
    }
  }

  #permissionsOf(fieldConfig: PothosOutputFieldConfig<Types>): Permission[] {
    const own = needed(fieldConfig.pothosOptions)
    const parent = this.buildCache.getTypeConfig(fieldConfig.parentType)
    const { showsOwnWrite } = parent.pothosOptions as { showsOwnWrite?: boolean }
    const type = fieldConfig.type.kind === 'List' ? fieldConfig.type.type : fieldConfig.type
    const ofType =
      showsOwnWrite === true || type.kind === 'List'
        ? undefined
        : needed(this.buildCache.getTypeConfig(type.ref).pothosOptions)
    return [own, ofType].filter((permission) => permission !== undefined)
  }
}

/**
 * What a caller needs for a field of a built schema, as the plugin and `mutation` enforce it: for who documents it. `public`
 * or `session` for a mutation that says so; empty where nothing is said.
 */
export function permissionsOfField({
  extensions,
  type,
}: GraphQLField<unknown, unknown>): (Permission | 'public' | 'session')[] {
  const named = getNullableType(type)
  const own = extensions.permission as Permission | 'public' | 'session' | undefined
  const ofType = isListType(named) ? undefined : (named.extensions.permission as Permission | undefined)
  return [...new Set([own, ofType].filter((permission) => permission !== undefined))]
}

const pluginName = 'permission'
export default pluginName

SchemaBuilder.registerPlugin(pluginName, PermissionPlugin)
