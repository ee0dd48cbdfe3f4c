import DataLoader from 'dataloader'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import type { GraphQLContext } from '../../platform/graphql/context.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import { loadBy, loadById, loadByPublicId, node, typeOf } from '../../platform/graphql/node.ts'
import { settingsOf } from '../settings/model.ts'
import { FormDefinitionType } from './definition-types.ts'
import { AutonomyEnum, FormByInput, FormKindEnum, HandlerStrategyEnum } from './enums.ts'
import { FormLimitsType } from './limit-types.ts'
import {
  type FormDefinition,
  type FormLimits,
  type FormStatus,
  type HandlerStrategy,
  limitsOf,
  type OwnLimits,
} from './model.ts'
import './event-details.ts'
import './mutations.ts'

// ------------------------------------------------------------------ types

const FormStatusEnum = describeEnum<FormStatus>('FormStatus', 'Whether a form takes submissions.', {
  DRAFT: 'Being made; nobody outside sees it.',
  ACTIVE: 'Takes submissions.',
  PAUSED: 'Takes none for the time being.',
  ARCHIVED: 'Takes none any more.',
})

interface FormHandlers {
  readonly strategy: HandlerStrategy
  readonly employeeIds: readonly string[]
}

const FormHandlersType = builder.objectRef<FormHandlers>('FormHandlers').implement({
  description: 'Who takes what a form brings.',
  fields: (t) => ({
    strategy: t.expose('strategy', { type: HandlerStrategyEnum, description: 'How the next one is picked.' }),
    employees: t.field({
      type: [typeOf('Employee')],
      description: 'The employees, in their order; the first is the principal.',
      resolve: async ({ employeeIds }, _args, ctx, info) => {
        const employees = await Promise.all(employeeIds.map((id) => loadById('Employee', id, ctx, info)))
        return employees.filter((employee) => employee !== null)
      },
    }),
  }),
})

interface PublishedVersion {
  readonly number: number
  readonly definition: unknown
  readonly publishedAt: Date
}

const FormVersion = builder.objectRef<PublishedVersion>('FormVersion').implement({
  description: 'What was published, and never changes: submissions are kept by the version they answered.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'Counts up with each publishing.' }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When it was published.' }),
    definition: t.field({
      type: FormDefinitionType,
      description: 'What it asks, and what is done with the answers.',
      resolve: ({ definition }) => definition as FormDefinition,
    }),
  }),
})

const Form = builder.prismaNode('Form', {
  ...node('Form', { kind: 'form', name: 'name' }),
  permission: 'FORMS_READ',
  description: 'What people outside are asked, who takes what they send, and what protects it.',
  fields: (t) => ({
    name: t.exposeString('name'),
    slug: t.exposeString('slug'),
    path: t.string({
      description: 'Where it is shown and sent to, on this server: `/f/{workspace}/{form}`.',
      select: { slug: true },
      resolve: async ({ slug }, _args, ctx) => `/f/${await workspaceSlug(ctx)}/${slug}`,
    }),
    url: t.field({
      type: 'URL',
      description: 'Where people outside find it: its whole address.',
      select: { slug: true },
      resolve: async ({ slug }, _args, ctx) => `${ctx.baseUrl}/f/${await workspaceSlug(ctx)}/${slug}`,
    }),
    kind: t.expose('kind', { type: FormKindEnum, description: 'What it is for.' }),
    status: t.expose('status', { type: FormStatusEnum, description: 'Whether it takes submissions.' }),
    autonomy: t.expose('autonomy', {
      type: AutonomyEnum,
      description: 'How far employees go with what it brings; the least of it and their own holds.',
    }),
    handlers: t.field({
      type: FormHandlersType,
      nullable: true,
      description: 'Who takes what it brings; null when submissions wait for somebody.',
      select: {
        handlerGroup: {
          select: { strategy: true, members: { select: { employeeId: true }, orderBy: { position: 'asc' } } },
        },
      },
      resolve: ({ handlerGroup }) =>
        handlerGroup === null
          ? null
          : {
              strategy: handlerGroup.strategy as HandlerStrategy,
              employeeIds: handlerGroup.members.map((member) => member.employeeId),
            },
    }),
    pipeline: t.relation('pipeline', {
      nullable: true,
      description: 'Where deals begin that come of its submissions.',
    }),
    limits: t.field({
      type: FormLimitsType,
      description: 'What it turns away.',
      select: { limits: true },
      resolve: async ({ limits }, _args, ctx) => {
        const own = limits as OwnLimits
        return { own, inForce: limitsOf(own, await limitsByDefault(ctx)) }
      },
    }),
    draft: t.field({
      type: FormDefinitionType,
      description: 'What the next publishing makes a version of.',
      select: { draft: true },
      resolve: ({ draft }) => draft as unknown as FormDefinition,
    }),
    published: t.field({
      type: FormVersion,
      nullable: true,
      description: 'The version that new submissions answer; null before the first publishing.',
      select: {
        versions: {
          select: { number: true, definition: true, publishedAt: true },
          orderBy: { number: 'desc' },
          take: 1,
        },
      },
      resolve: ({ versions }) => versions[0] ?? null,
    }),
    version: t.exposeInt('version'),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When anything about it changed last.' }),
    timeline: t.field(timeline('form', 'What happened to it, oldest first; what it turned away, too.')),
  }),
})

const workspaceSlug = (ctx: GraphQLContext): Promise<string> =>
  ctx.loaders
    .get(
      'workspace slug',
      () =>
        new DataLoader<string, string>((ids) =>
          ctx.db.read(ctx.workspaceId, async (sql) => {
            const row = await sql.selectFrom('workspace').select('slug').executeTakeFirst()
            return ids.map(() => row?.slug ?? new Error('the workspace is gone'))
          }),
        ),
    )
    .load(ctx.workspaceId)

/** The workspace's, read anew for each payload: the mutation before it may have changed them. */
const limitsByDefault = (ctx: GraphQLContext): Promise<FormLimits> =>
  ctx.loaders
    .get(
      'form limits by default',
      () =>
        new DataLoader<string, FormLimits>(
          (ids) =>
            ctx.db.read(ctx.workspaceId, async (sql) => {
              const row = await sql.selectFrom('workspace').select('settings').executeTakeFirst()
              return ids.map(() => settingsOf(row?.settings ?? {}).formLimits)
            }),
          { cache: false },
        ),
    )
    .load(ctx.workspaceId)

// ------------------------------------------------------------------ queries

const formFilter = by.filterOf('Form', 'form', {
  id: by.id('form', { description: 'By its id.' }),
  name: by.text({ column: 'name', folded: 'nameFolded', search: 'form_ids' }, { description: 'By its name.' }),
  slug: by.exactText('slug', { description: 'By its part of its address.' }),
  pipeline: by.id('pipeline', { column: 'pipelineId', description: 'By the pipeline its deals go to.' }),
  createdAt: by.dateTime('createdAt', { description: 'By when it was made.' }),
})

const formList = listOf('Form', {
  table: 'form',
  model: 'Form',
  type: Form,
  filter: formFilter,
  order: {
    NAME: { description: 'Its name.', columns: [{ column: 'nameFolded' }] },
    CREATED: { description: 'When it was made.', columns: [{ column: 'createdAt' }] },
  },
  defaultOrder: [{ column: 'createdAt', direction: 'DESC' }],
})

builder.queryField('forms', (t) => t.field(formList.all({ description: 'Forms, the newest first.' })))

builder.queryField('form', (t) =>
  t.field({
    type: Form,
    nullable: true,
    description: 'A form; null when there is none.',
    args: { by: t.arg({ type: FormByInput, required: true, description: 'Which form.' }) },
    resolve: async (_root, { by: { id, slug, path } }, ctx, info) => {
      if (id != null) return await loadByPublicId('Form', id, ctx, info)
      const [workspace, own] = path == null ? [undefined, slug] : path.replace(/^\/?f\//, '').split('/')
      if (own == null || (workspace !== undefined && workspace !== (await workspaceSlug(ctx)))) return null
      return await loadBy('Form', { workspaceId_slug: { workspaceId: ctx.workspaceId, slug: own } }, ctx, info)
    },
  }),
)
