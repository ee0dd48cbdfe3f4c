import { sql } from 'kysely'
import { Actor, ownerOf } from '../../platform/graphql/actor.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import { Money } from '../../platform/graphql/money.ts'
import { node } from '../../platform/graphql/node.ts'
import { byIdField } from '../../platform/graphql/node-field.ts'
import { moneyOf } from '../../platform/lib/money.ts'
import { daysInStage, type StageKind } from './model.ts'
import './event-details.ts'
import './mutations.ts'

// ------------------------------------------------------------------ types

const StageKindEnum = describeEnum<StageKind>('StageKind', 'What a stage means for its deals.', {
  OPEN: 'They are being worked on.',
  WON: 'The customer said yes.',
  LOST: 'The customer said no.',
})

const Pipeline = builder.prismaNode('Pipeline', {
  ...node('Pipeline', { kind: 'pipeline', name: 'name' }),
  permission: 'DEALS_READ',
  description: 'The way that deals of one kind go, stage by stage.',
  fields: (t) => ({
    name: t.exposeString('name'),
    stages: t.relation('stages', {
      description: 'Its stages, in the order of the columns.',
      query: { orderBy: { position: 'asc' } },
    }),
  }),
})

builder.prismaNode('Stage', {
  ...node('Stage', { kind: 'stage', name: 'name' }),
  permission: 'DEALS_READ',
  description: 'A column of a pipeline.',
  fields: (t) => ({
    name: t.exposeString('name'),
    kind: t.expose('kind', { type: StageKindEnum, description: 'What it means for its deals.' }),
    position: t.exposeInt('position'),
    probability: t.exposeFloat('probability'),
    pipeline: t.relation('pipeline', { description: 'The pipeline it belongs to.' }),
  }),
})

const Deal = builder.prismaNode('Deal', {
  ...node('Deal', { kind: 'deal', name: 'name' }),
  permission: 'DEALS_READ',
  description: 'A possible sale, on its way through the stages of a pipeline.',
  fields: (t) => ({
    name: t.exposeString('name'),
    amount: t.field({
      type: Money,
      nullable: true,
      description: 'What it is worth.',
      select: { amountMicros: true, currency: true },
      resolve: ({ amountMicros, currency }) => moneyOf(amountMicros, currency),
    }),
    stage: t.relation('stage', { description: 'Where it stands.' }),
    probability: t.float({
      description: '0 to 1: how likely it is won, by its stage.',
      select: { stage: { select: { probability: true } } },
      resolve: ({ stage }) => stage.probability,
    }),
    contact: t.relation('contact', { nullable: true, description: 'The person it is with.' }),
    submission: t.relation('submission', { nullable: true, description: 'The submission it comes of.' }),
    owner: t.field({
      type: Actor,
      nullable: true,
      description: 'Who looks after it.',
      select: { ownerEmployeeId: true, ownerMemberId: true },
      resolve: ownerOf,
    }),
    expectedCloseOn: t.expose('expectedCloseOn', {
      type: 'Date',
      nullable: true,
      description: 'When it is expected to be decided.',
    }),
    closedAt: t.expose('closedAt', { type: 'DateTime', nullable: true }),
    lostReason: t.exposeString('lostReason', { nullable: true }),
    nextStep: t.exposeString('nextStep', { nullable: true }),
    daysInStage: t.int({
      description: 'For how many full days it has stood in its stage.',
      select: { stageChangedAt: true },
      resolve: ({ stageChangedAt }, _args, ctx) => daysInStage(stageChangedAt, ctx.clock.now()),
    }),
    version: t.exposeInt('version'),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was opened.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When anything about it changed last.' }),
    timeline: t.field(timeline('deal', 'What happened to it, oldest first.')),
  }),
})

// ------------------------------------------------------------------ lists

by.filterOf('Stage', 'stage', {
  id: by.id('stage', { description: 'By its id.' }),
  pipeline: by.id('pipeline', { column: 'pipelineId', description: 'By its pipeline.' }),
  kind: by.oneOf('kind', StageKindEnum, { description: 'By what it means for its deals.' }),
})

const dealFilter = by.filterOf('Deal', 'deal', {
  id: by.id('deal', { description: 'By its id.' }),
  name: by.text({ column: 'name', folded: 'nameFolded', search: 'deal_ids' }, { description: 'By its name.' }),
  amount: by.money({ micros: 'amountMicros', currency: 'currency' }, { description: 'By what it is worth.' }),
  stage: by.relation('stageId', 'Stage', { description: 'By where it stands.' }),
  contact: by.relation('contactId', 'Contact', { description: 'By the person it is with.', nullable: true }),
  owner: by.owner({ employee: 'ownerEmployeeId', member: 'ownerMemberId' }, { description: 'By who looks after it.' }),
  expectedCloseOn: by.day('expectedCloseOn', { description: 'By when it is expected to be decided.' }),
  createdAt: by.dateTime('createdAt', { description: 'By when it was opened.' }),
  updatedAt: by.dateTime('updatedAt', { description: 'By when anything about it changed last.' }),
})

const dealList = listOf('Deal', {
  table: 'deal',
  model: 'Deal',
  type: Deal,
  filter: dealFilter,
  order: {
    NAME: { description: 'Its name.', columns: [{ column: 'nameFolded' }] },
    AMOUNT: {
      description: 'What it is worth, currency by currency; deals without an amount come last.',
      columns: [
        { column: 'currency', nullable: true },
        { column: 'amountMicros', nullable: true },
      ],
    },
    EXPECTED_CLOSE: {
      description: 'When it is expected to be decided; deals without a day come last.',
      columns: [{ column: 'expectedCloseOn', nullable: true }],
    },
    CREATED: { description: 'When it was opened.', columns: [{ column: 'createdAt' }] },
    UPDATED: { description: 'When anything about it changed last.', columns: [{ column: 'updatedAt' }] },
  },
  defaultOrder: [{ column: 'createdAt', direction: 'DESC' }],
  fields: (t) => ({
    totalAmount: t.field({
      type: [Money],
      description: 'What all deals of the list are worth: one entry per currency, nothing is converted.',
      complexity: 10,
      resolve: async (connection) => {
        const sums = await connection.select<{ readonly currency: string | null; readonly micros: string | null }>(
          sql`currency, sum(amount_micros)::text as micros`,
          sql`currency`,
        )
        return sums
          .flatMap(({ currency, micros }) =>
            currency === null || micros === null ? [] : [{ currency, micros: BigInt(micros) }],
          )
          .sort((a, b) => (a.currency < b.currency ? -1 : 1))
      },
    }),
  }),
})

const pipelineList = listOf('Pipeline', {
  table: 'pipeline',
  model: 'Pipeline',
  type: Pipeline,
  defaultOrder: [{ column: 'createdAt', direction: 'ASC' }],
})

// ------------------------------------------------------------------ queries

builder.queryField('deals', (t) => t.field(dealList.all({ description: 'Deals, the newest first.' })))
builder.queryField('deal', (t) => t.field(byIdField('Deal', 'A deal by its id.')))
builder.queryField('pipelines', (t) => t.field(pipelineList.all({ description: 'Pipelines, the oldest first.' })))
builder.queryField('pipeline', (t) => t.field(byIdField('Pipeline', 'A pipeline by its id.')))
builder.prismaObjectField('Contact', 'deals', (t) =>
  t.field({
    ...dealList.of('contactId', { description: 'Deals with this person, the newest first.' }),
    nullable: true,
  }),
)
