import type { InputFieldMap } from '@pothos/core'
import { Actor } from '../../platform/graphql/actor.ts'
import { builder, type Types } from '../../platform/graphql/builder.ts'
import { FieldChangeType, type LoggedEvent } from '../../platform/graphql/event.ts'
import { eventConnection } from '../../platform/graphql/event-connection.ts'
import { eventPageArgs, eventPageCost, readEvents } from '../../platform/graphql/event-list.ts'
import { Money } from '../../platform/graphql/money.ts'
import { EmployeeRoleEnum } from '../employees/enums.ts'
import { FormLimitDefaultsInput, FormLimitsType } from '../forms/limit-types.ts'
import type { FormLimits } from '../forms/model.ts'
import {
  ALL_SETTINGS,
  isoDuration,
  type ModelOfRole,
  ownFormLimits,
  type SettingKind,
  type Settings,
} from '../settings/model.ts'
import { workspaceEvents } from './events.ts'

/** Settings with the version that they are. */
export interface VersionedSettings {
  readonly version: number
  readonly settings: Settings
}

const RoleModel = builder.objectRef<ModelOfRole>('RoleModel').implement({
  description: 'Which model employees of a role think with.',
  fields: (t) => ({
    role: t.expose('role', { type: EmployeeRoleEnum, description: 'The role.' }),
    model: t.exposeString('model', { description: 'The model’s name.' }),
  }),
})

const RoleModelInput = builder.inputType('RoleModelInput', {
  description: 'Which model employees of a role think with.',
  fields: (t) => ({
    role: t.field({ type: EmployeeRoleEnum, required: true, description: 'The role.' }),
    model: t.string({ required: true, description: 'The model’s name.' }),
  }),
})

type OutputFields = PothosSchemaTypes.ObjectFieldBuilder<Types, VersionedSettings>
type InputFields = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>

/** Each kind of setting as a field of the answer and of the input. */
const FIELDS: Readonly<
  Record<
    SettingKind,
    {
      output(t: OutputFields, description: string, value: (settings: Settings) => never): unknown
      input(t: InputFields, description: string): unknown
    }
  >
> = {
  DURATION: {
    output: (t, description, value) =>
      t.field({ type: 'Duration', description, resolve: ({ settings }) => isoDuration(value(settings)) }),
    input: (t, description) => t.field({ type: 'Duration', description }),
  },
  DOLLARS: {
    output: (t, description, value) =>
      t.field({
        type: Money,
        nullable: true,
        description,
        resolve: ({ settings }) => {
          const micros: bigint | null = value(settings)
          return micros === null ? null : { micros, currency: 'USD' }
        },
      }),
    input: (t, description) => t.field({ type: 'Decimal', description }),
  },
  INT: {
    output: (t, description, value) => t.int({ description, resolve: ({ settings }) => value(settings) }),
    input: (t, description) => t.int({ description }),
  },
  PERCENTAGES: {
    output: (t, description, value) => t.intList({ description, resolve: ({ settings }) => value(settings) }),
    input: (t, description) => t.intList({ description }),
  },
  TEXT: {
    output: (t, description, value) =>
      t.string({ nullable: true, description, resolve: ({ settings }) => value(settings) }),
    input: (t, description) => t.string({ description }),
  },
  EMAIL: {
    output: (t, description, value) =>
      t.field({ type: 'EmailAddress', nullable: true, description, resolve: ({ settings }) => value(settings) }),
    input: (t, description) => t.field({ type: 'EmailAddress', description }),
  },
  MODEL_OF_ROLES: {
    output: (t, description, value) =>
      t.field({ type: [RoleModel], description, resolve: ({ settings }) => value(settings) }),
    input: (t, description) => t.field({ type: [RoleModelInput], description }),
  },
  FORM_LIMITS: {
    output: (t, description, value) =>
      t.field({
        type: FormLimitsType,
        description,
        resolve: ({ settings }) => {
          const inForce: FormLimits = value(settings)
          return { inForce, own: ownFormLimits(inForce) }
        },
      }),
    input: (t, description) => t.field({ type: FormLimitDefaultsInput, description }),
  },
  ORIGINS: {
    output: (t, description, value) => t.stringList({ description, resolve: ({ settings }) => value(settings) }),
    input: (t, description) => t.stringList({ description }),
  },
}

/** One field of the input for each setting. */
export const settingInputs = (t: InputFields): InputFieldMap =>
  Object.fromEntries(
    ALL_SETTINGS.map(([name, { kind, description, bounds }]) => [
      name,
      FIELDS[kind].input(t, `${description} ${bounds} Null is what holds unless set.`),
    ]),
  ) as InputFieldMap

export const WorkspaceSettings = builder.objectRef<VersionedSettings>('WorkspaceSettings').implement({
  description: 'What the workspace has set, and what holds where it has not. A change holds from the next act on.',
  permission: 'WORKSPACE_READ',
  fields: (t) => ({
    version: t.exposeInt('version', {
      description: 'Counts up with every change of a setting; pass it as `ifVersion` to refuse a stale write.',
    }),
    ...(Object.fromEntries(
      ALL_SETTINGS.map(([name, { kind, description, bounds }]) => [
        name,
        FIELDS[kind].output(t, `${description} ${bounds}`, (settings) => settings[name] as never),
      ]),
    ) as Record<string, never>),
  }),
})

// ------------------------------------------------------------------ what they were

const WorkspaceSettingsVersion = builder.objectRef<LoggedEvent>('WorkspaceSettingsVersion').implement({
  description: 'One change of the settings, as the log tells it. Version 1, where nothing is set, stands in no log.',
  permission: 'WORKSPACE_READ',
  fields: (t) => ({
    version: t.int({ description: 'The version it made.', resolve: ({ event }) => Number(event.data.version) }),
    changedAt: t.field({ type: 'DateTime', description: 'When.', resolve: ({ event }) => event.occurredAt }),
    changedBy: t.field({ type: Actor, description: 'Who did it.', resolve: ({ event }) => event.actor }),
    changes: t.field({
      type: [FieldChangeType],
      description: 'Which settings, before and after.',
      resolve: ({ event }) => [...event.changes],
    }),
    cursor: t.expose('cursor', { type: 'Cursor', description: 'Its position in the log.' }),
  }),
})

const WorkspaceSettingsVersionConnection = eventConnection('WorkspaceSettingsVersion', {
  node: WorkspaceSettingsVersion,
  permission: 'WORKSPACE_READ',
  descriptions: {
    page: 'A page of versions, oldest first.',
    nodes: 'The versions.',
    edges: 'The versions with their places in the list.',
    edge: 'One version of a list and its place there.',
    node: 'The version.',
  },
})

/** Options for `Workspace.settingsVersions`. */
export const settingsVersions = () => ({
  type: WorkspaceSettingsVersionConnection,
  permission: 'WORKSPACE_READ' as const,
  description: 'Every change of the settings, oldest first: who changed what, and when.',
  args: eventPageArgs(),
  complexity: eventPageCost,
  select: { id: true } as const,
  resolve: ({ id }: { readonly id: string }, args: object, ctx: Parameters<typeof readEvents>[2]) =>
    readEvents(args, { types: [workspaceEvents.settingsChanged.type], subject: { kind: 'workspace', id } }, ctx),
})
