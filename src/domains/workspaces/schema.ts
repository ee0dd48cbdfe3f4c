import { hasPermission } from '../../platform/auth/permissions.ts'
import { PERMISSIONS, storedActor } from '../../platform/auth/viewer.ts'
import { Actor } from '../../platform/graphql/actor.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import type { GraphQLContext } from '../../platform/graphql/context.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { PermissionEnum } from '../../platform/graphql/errors.ts'
import { getById, node } from '../../platform/graphql/node.ts'
import { byIdField } from '../../platform/graphql/node-field.ts'
import { unauthenticated } from '../../platform/lib/errors.ts'
import type { MemberRole } from './model.ts'

const Role = describeEnum<MemberRole>('Role', 'What a member of a workspace is, from most to least.', {
  OWNER: 'Does everything, and answers for the workspace.',
  ADMIN: 'Does everything.',
  MEMBER: 'Works with everything.',
  VIEWER: 'Sees everything and changes nothing.',
})

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
  }),
})

const Member = builder.prismaNode('Member', {
  ...node('Member', { kind: 'member', name: 'name' }),
  permission: 'WORKSPACE_READ',
  description: 'A person of the workspace.',
  fields: (t) => ({
    name: t.exposeString('name'),
    email: t.expose('email', { type: 'EmailAddress' }),
    role: t.expose('role', { type: Role, description: 'What they are in the workspace.' }),
  }),
})

builder.prismaNode('ApiKey', {
  ...node('ApiKey', { kind: 'api_key', name: 'name' }),
  permission: 'WORKSPACE_READ',
  description: 'A key with which a program speaks for a member. The key itself is shown once, when it is made.',
  fields: (t) => ({
    name: t.exposeString('name'),
    prefix: t.exposeString('prefix'),
    member: t.relation('member', { description: 'For whom it speaks.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it stops working; never, if null.',
    }),
  }),
})

const Viewer = builder.objectRef<GraphQLContext>('Viewer').implement({
  description: 'Who is asking.',
  fields: (t) => ({
    actor: t.field({ type: Actor, description: 'You, as events show you.', resolve: (ctx) => storedActor(ctx.viewer) }),
    workspace: t.field({
      type: Workspace,
      description: 'The workspace you are in.',
      resolve: (_viewer, _args, ctx, info) => getById('Workspace', ctx.workspaceId, ctx, info),
    }),
    permissions: t.field({
      type: [PermissionEnum],
      description: 'What you may do.',
      resolve: (_viewer, _args, ctx) => PERMISSIONS.filter((permission) => hasPermission(ctx.viewer, permission)),
    }),
  }),
})

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

const memberList = listOf('Member', {
  table: 'member',
  model: 'Member',
  type: Member,
  defaultOrder: [{ column: 'id', direction: 'ASC' }],
})

builder.queryField('members', (t) =>
  t.field(memberList.all({ description: 'The people of the workspace, in the order in which they joined.' })),
)
builder.queryField('member', (t) => t.field(byIdField('Member', 'A person of the workspace by id.')))
