import { hasPermission } from '../../platform/auth/permissions.ts'
import { type MemberRole, ROLE_PERMISSIONS } from '../../platform/auth/roles.ts'
import { PERMISSIONS, storedActor } from '../../platform/auth/viewer.ts'
import { Actor } from '../../platform/graphql/actor.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { PermissionEnum } from '../../platform/graphql/errors.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import * as comparators from '../../platform/graphql/filter-comparators.ts'
import { Money } from '../../platform/graphql/money.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { getById, node } from '../../platform/graphql/node.ts'
import { byIdField, eventNode, nodeField, optionalEventNode } from '../../platform/graphql/node-field.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { Viewer } from '../../platform/graphql/viewer.ts'
import { unauthenticated } from '../../platform/lib/errors.ts'
import { settingsOf, updateSettingsInput } from '../settings/model.ts'
import { Role } from './enums.ts'
import { memberEvents, workspaceEvents } from './events.ts'
import { removeMember, updateMember } from './members.ts'
import { removeMemberInput, updateMemberInput, updateWorkspaceInput } from './model.ts'
import { updateWorkspace } from './service.ts'
import { updateWorkspaceSettings } from './settings.ts'
import { settingInputs, settingsVersions, WorkspaceSettings } from './settings-schema.ts'

const Workspace = builder.prismaNode('Workspace', {
  ...node(
    'Workspace',
    { kind: 'workspace', name: 'name' },
    {
      select: { id: true },
      id: (workspace: { id: string }) => workspace.id,
      where: (id, workspaceId) => (id === workspaceId ? { id } : undefined),
    },
  ),
  description: 'One company’s own world: everything belongs to exactly one, and nothing leads to another.',
  fields: (t) => ({
    name: t.exposeString('name'),
    slug: t.exposeString('slug'),
    timeZone: t.exposeString('timeZone'),
    currency: t.expose('currency', { type: 'CurrencyCode' }),
    dailyBudget: t.field({
      type: Money,
      nullable: true,
      permission: 'WORKSPACE_READ',
      description: 'What a day of model calls may cost; null is no limit.',
      select: { dailyBudgetMicros: true },
      resolve: ({ dailyBudgetMicros: micros }) => (micros === null ? null : { micros, currency: 'USD' }),
    }),
    settings: t.field({
      type: WorkspaceSettings,
      description: 'How the workspace is set.',
      select: { settings: true, settingsVersion: true },
      resolve: ({ settings, settingsVersion }) => ({ version: settingsVersion, settings: settingsOf(settings) }),
    }),
    settingsVersions: t.field(settingsVersions()),
    version: t.exposeInt('version'),
  }),
})

const Member = builder.prismaNode('Member', {
  ...node('Member', { kind: 'member', name: 'name' }),
  permission: 'WORKSPACE_READ',
  description: 'A person of the workspace.',
  fields: (t) => ({
    name: t.exposeString('name'),
    email: t.expose('email', { type: 'EmailAddress', nullable: true }),
    role: t.expose('role', { type: Role, description: 'What they are in the workspace.' }),
    permissions: t.field({
      type: [PermissionEnum],
      description:
        'What their role holds; nothing once they are removed, and while they are suspended. Each of their keys may so much at most.',
      select: { role: true, removedAt: true, suspendedAt: true },
      resolve: ({ role, removedAt, suspendedAt }) => {
        const held = removedAt === null && suspendedAt === null ? ROLE_PERMISSIONS[role as MemberRole] : undefined
        return PERMISSIONS.filter((permission) => held?.has(permission) === true)
      },
    }),
    signsIn: t.boolean({
      description: 'Whether a person signs in as them. Who never did can be invited to, by `inviteMember`.',
      select: { accountId: true },
      resolve: ({ accountId }) => accountId !== null,
    }),
    removedAt: t.expose('removedAt', { type: 'DateTime', nullable: true }),
    suspendedAt: t.expose('suspendedAt', { type: 'DateTime', nullable: true }),
    erasedAt: t.expose('erasedAt', { type: 'DateTime', nullable: true }),
    version: t.exposeInt('version'),
    timeline: t.field(timeline('member', 'What happened to them as a member, oldest first.')),
  }),
})

Viewer.implement({
  description: 'Who is asking.',
  fields: (t) => ({
    actor: t.field({
      type: Actor,
      nullable: true,
      description: 'You, as events show you; null while you are in no workspace.',
      resolve: (ctx) => (ctx.viewer.kind === 'account' ? null : storedActor(ctx.viewer)),
    }),
    workspace: t.field({
      type: Workspace,
      nullable: true,
      description: 'The workspace you are in; null for who has signed in and is in none.',
      resolve: (_viewer, _args, ctx, info) =>
        ctx.viewer.kind === 'account' ? null : getById('Workspace', ctx.workspaceId, ctx, info),
    }),
    permissions: t.field({
      type: [PermissionEnum],
      description: 'What you may do.',
      resolve: (_viewer, _args, ctx) => PERMISSIONS.filter((permission) => hasPermission(ctx.viewer, permission)),
    }),
  }),
})

// ------------------------------------------------------------------ queries

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    description: 'Who is asking, where, and with what permissions.',
    resolve: (_root, _args, ctx) => {
      if (ctx.viewer.kind === 'anonymous') throw unauthenticated()
      return ctx
    },
  }),
)

const removed: by.FilterField<'removedAt'> = {
  columns: ['removedAt'],
  description: 'By whether they were removed. Unless this is asked, those who were are left out.',
  type: comparators.booleanComparator,
  compile: ({ eq, isNull }, scope) => [
    ...(typeof eq === 'boolean' ? [comparators.isNull(scope.column('removedAt'), !eq)] : []),
    // There is always an answer to it.
    ...(isNull === true ? [comparators.FALSE] : []),
  ],
}

const memberFilter = by.filterOf('Member', 'member', {
  id: by.id('member', { description: 'By their id.' }),
  role: by.oneOf('role', Role, { description: 'By their role.' }),
  removed,
})

const memberList = listOf('Member', {
  table: 'member',
  model: 'Member',
  type: Member,
  filter: memberFilter,
  defaultOrder: [{ column: 'id', direction: 'ASC' }],
})

builder.queryField('members', (t) =>
  t.field(
    memberList.all({
      description: 'The people of the workspace, in the order in which they joined.',
      where: ({ filter }) => ((filter as { removed?: unknown } | null)?.removed == null ? PRESENT : undefined),
    }),
  ),
)
const PRESENT = { removed: { eq: false } }
builder.queryField('member', (t) => t.field(byIdField('Member', 'A person of the workspace by id.')))

// ------------------------------------------------------------------ mutations

const IF_VERSION = 'Refuse when it is not at this version.'

mutation('updateWorkspace', {
  description: 'Changes the workspace. What is left out stays as it is, null clears.',
  permission: 'WORKSPACE_WRITE',
  input: (t) => ({
    ifVersion: t.int({ description: IF_VERSION }),
    name: t.string({ description: 'What people call it. Cannot be cleared.' }),
    timeZone: t.string({ description: 'IANA name of the zone in which its people think. Cannot be cleared.' }),
    currency: t.field({
      type: 'CurrencyCode',
      description:
        'What amounts are in when nothing else is said; amounts that are there keep theirs. Cannot be cleared.',
    }),
    dailyBudget: t.field({
      type: 'Decimal',
      description:
        'What a day of model calls may cost, in US dollars; null is no limit. With more than before, the runs that wait for ' +
        'it go on.',
    }),
  }),
  parse: updateWorkspaceInput,
  verb: async (tx, input) => ({ workspaceId: (await updateWorkspace(tx, input)).id }),
  payload: (t) => ({
    workspace: t.field(
      nodeField('Workspace', 'The workspace as it is now.', ({ workspaceId }: { workspaceId: string }) => workspaceId),
    ),
  }),
})

mutation('updateWorkspaceSettings', {
  description:
    'Changes how the workspace is set. What is left out stays as it is, null is what holds unless set. It holds from the ' +
    'next act on.',
  permission: 'WORKSPACE_WRITE',
  input: (t) => ({
    ifVersion: t.int({ description: 'Refuse when the settings are not at this version.' }),
    ...settingInputs(t),
  }),
  parse: updateSettingsInput,
  verb: async (tx, input) => ({ workspaceId: (await updateWorkspaceSettings(tx, input)).id }),
  payload: (t) => ({
    workspace: t.field(
      nodeField('Workspace', 'The workspace as it is now.', ({ workspaceId }: { workspaceId: string }) => workspaceId),
    ),
  }),
})

const memberPayload = nodeField(
  'Member',
  'The member as they are now.',
  ({ memberId }: { memberId: string }) => memberId,
)

mutation('updateMember', {
  description: 'Changes a member’s name or role. Their keys may what the new role holds within two seconds.',
  permission: 'MEMBERS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The member.' }),
    ifVersion: t.int({ description: IF_VERSION }),
    name: t.string({ description: 'Their name. Cannot be cleared.' }),
    role: t.field({
      type: Role,
      description:
        'What they are from now on. To make an owner or to change one needs OWNERS_WRITE; the last one stays.',
    }),
  }),
  parse: updateMemberInput,
  verb: async (tx, input) => ({ memberId: (await updateMember(tx, input)).id }),
  payload: (t) => ({ member: t.field(memberPayload) }),
  errors: ['NOT_FOUND'],
})

mutation('removeMember', {
  description: 'Removes a member and revokes all their keys. What they did keeps their name.',
  permission: 'MEMBERS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The member. An owner needs OWNERS_WRITE; the last one stays.' }),
    ifVersion: t.int({ description: IF_VERSION }),
  }),
  parse: removeMemberInput,
  verb: async (tx, input) => ({ memberId: (await removeMember(tx, input)).id }),
  payload: (t) => ({ member: t.field(memberPayload) }),
  errors: ['NOT_FOUND'],
})

// ------------------------------------------------------------------ events

const ofWorkspace = eventDetails(workspaceEvents, {
  updated: (t) => ({ workspace: t.field(eventNode('Workspace', 'The workspace.')) }),
  settingsChanged: (t) => ({
    workspace: t.field(eventNode('Workspace', 'The workspace.')),
    version: t.int({
      description: 'The version of the settings that it made.',
      resolve: ({ event }) => Number(event.data.version),
    }),
  }),
})
const ofMembers = eventDetails(memberEvents, {
  joined: (t) => ({ member: t.field(eventNode('Member', 'Who joined.')) }),
  left: (t) => ({ member: t.field(eventNode('Member', 'Who left.')) }),
  updated: (t) => ({ member: t.field(eventNode('Member', 'The member.')) }),
  removed: (t) => ({ member: t.field(eventNode('Member', 'Who was removed.')) }),
  suspended: (t) => ({ member: t.field(eventNode('Member', 'Whose account was suspended.')) }),
  restored: (t) => ({ member: t.field(eventNode('Member', 'Whose account was restored.')) }),
  erasureRequested: (t) => ({
    member: t.field(eventNode('Member', 'What is left of the member.')),
    erasure: t.field(optionalEventNode('Erasure', 'The erasure.', (event) => event.data.erasureId)),
  }),
  erased: (t) => ({
    member: t.field(eventNode('Member', 'What is left of the member.')),
    erasure: t.field(
      optionalEventNode('Erasure', 'The erasure, with its certificate.', (event) => event.data.erasureId),
    ),
    digest: t.string({
      description: 'The certificate’s digest, as the log vouches for it.',
      resolve: ({ event }) => String(event.data.digest),
    }),
  }),
})

topic('workspaceUpdated', ofWorkspace.updated, { description: 'Changes of the workspace itself.' })
topic('workspaceSettingsChanged', ofWorkspace.settingsChanged, { description: 'Changes of the workspace’s settings.' })
topic('memberJoined', ofMembers.joined, { description: 'People who sign in as members for the first time.' })
topic('memberUpdated', ofMembers.updated, { description: 'Members whose name or role is changed.' })
topic('memberRemoved', ofMembers.removed, { description: 'Members who are removed.' })
topic('memberSuspended', ofMembers.suspended, { description: 'Members whose account is suspended.' })
topic('memberRestored', ofMembers.restored, { description: 'Members whose account is restored.' })
topic('memberErased', ofMembers.erased, {
  description: 'Members who had themselves erased, when the last of it is done.',
})
