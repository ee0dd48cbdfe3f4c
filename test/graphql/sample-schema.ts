// A small schema over real tables, to test what the platform makes of declarations, without the domains.

import { z } from 'zod'
import { requirePermission } from '../../src/platform/auth/permissions.ts'
import { appendEvents } from '../../src/platform/events/append.ts'
import { defineEvents } from '../../src/platform/events/event.ts'
import { Actor, ownerOf } from '../../src/platform/graphql/actor.ts'
import { builder } from '../../src/platform/graphql/builder.ts'
import { listOf } from '../../src/platform/graphql/connection.ts'
import { describeEnum } from '../../src/platform/graphql/enum.ts'
import { eventDetails } from '../../src/platform/graphql/event.ts'
import { timeline } from '../../src/platform/graphql/event-list.ts'
import * as by from '../../src/platform/graphql/filter.ts'
import { Money } from '../../src/platform/graphql/money.ts'
import { mutation } from '../../src/platform/graphql/mutation.ts'
import { node } from '../../src/platform/graphql/node.ts'
import { byIdField, eventNode, nodeField } from '../../src/platform/graphql/node-field.ts'
import { publicId } from '../../src/platform/lib/parse.ts'
import '../../src/platform/graphql/root-fields.ts'
import { topic } from '../../src/platform/graphql/subscription.ts'
import { conflict, limitExceeded, notFound } from '../../src/platform/lib/errors.ts'
import { fold } from '../../src/platform/lib/fold.ts'
import { decodeId, encodeId, newId } from '../../src/platform/lib/ids.ts'
import { moneyOf } from '../../src/platform/lib/money.ts'

// ------------------------------------------------------------------ types

const StageKind = describeEnum<'OPEN' | 'WON' | 'LOST'>('StageKind', 'What a stage means.', {
  OPEN: 'Still being worked on.',
  WON: 'The customer said yes.',
  LOST: 'The customer said no.',
})

export const Stage = builder.prismaNode('Stage', {
  ...node('Stage', { kind: 'stage', name: 'name' }),
  permission: 'DEALS_READ',
  description: 'A column of a pipeline.',
  fields: (t) => ({
    name: t.exposeString('name'),
    kind: t.expose('kind', { type: StageKind, description: 'What it means.' }),
  }),
})

builder.prismaNode('Workspace', {
  ...node(
    'Workspace',
    { kind: 'workspace', name: 'name' },
    {
      select: { id: true },
      id: (workspace: { id: string }) => workspace.id,
      where: (id, workspaceId) => (id === workspaceId ? { id } : undefined),
    },
  ),
  permission: 'WORKSPACE_READ',
  description: 'The house.',
  fields: (t) => ({ name: t.exposeString('name') }),
})

builder.prismaNode('Member', {
  ...node('Member', { kind: 'member', name: 'name' }),
  permission: 'WORKSPACE_READ',
  description: 'A person.',
  fields: (t) => ({ name: t.exposeString('name') }),
})

const Run = builder.prismaNode('Run', {
  ...node('Run', { kind: 'run', name: 'title' }),
  permission: 'RUNS_READ',
  description: 'A piece of work.',
  fields: (t) => ({
    title: t.exposeString('title'),
    steps: t.field(stepList.of('runId', { description: 'Its steps.' })),
  }),
})

const Step = builder.prismaNode('RunStep', {
  ...node(
    'RunStep',
    { kind: 'step', typename: 'Step' },
    {
      select: { workspaceId: true, runId: true, seq: true },
      id: (step: { workspaceId: string; runId: string; seq: number }) => `${step.runId}_${step.seq}`,
      where: (id, workspaceId) => {
        const match = /^([0-9a-f-]{36})_(\d{1,9})$/.exec(id)
        return match === null
          ? undefined
          : { workspaceId_runId_seq: { workspaceId, runId: match[1], seq: Number(match[2]) } }
      },
    },
  ),
  permission: 'RUNS_READ',
  description: 'A step of a run.',
  fields: (t) => ({ title: t.exposeString('title'), index: t.exposeInt('seq', { description: 'From 0.' }) }),
})

const stepList = listOf('Step', {
  table: 'runStep',
  model: 'RunStep',
  type: Step,
  key: ['runId', 'seq'],
  defaultOrder: [{ column: 'seq', direction: 'ASC' }],
})

export const Deal = builder.prismaNode('Deal', {
  ...node('Deal', { kind: 'deal', name: 'name' }),
  permission: 'DEALS_READ',
  description: 'A possible sale.',
  fields: (t) => ({
    name: t.exposeString('name'),
    version: t.exposeInt('version'),
    stage: t.relation('stage', { description: 'Where it stands.' }),
    amount: t.field({
      type: Money,
      nullable: true,
      description: 'What it is worth.',
      select: { amountMicros: true, currency: true },
      resolve: (deal) => moneyOf(deal.amountMicros, deal.currency),
    }),
    owner: t.field({
      type: Actor,
      nullable: true,
      description: 'Who looks after it.',
      select: { ownerEmployeeId: true, ownerMemberId: true },
      resolve: ownerOf,
    }),
    timeline: t.field(timeline('deal', 'What happened to it.')),
    runs: t.field(runList.of('dealId', { description: 'What was done about it.' })),
    expectedCloseOn: t.expose('expectedCloseOn', { type: 'Date', nullable: true, description: 'When it may close.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
  }),
})

// ------------------------------------------------------------------ lists

by.filterOf('Stage', 'stage', {
  id: by.id('stage', { description: 'By its id.' }),
  kind: by.oneOf('kind', StageKind, { description: 'By what it means.' }),
})

const dealFilter = by.filterOf('Deal', 'deal', {
  id: by.id('deal', { description: 'By its id.' }),
  name: by.text({ column: 'name', folded: 'nameFolded', search: 'deal_ids' }, { description: 'By its name.' }),
  amount: by.money({ micros: 'amountMicros', currency: 'currency' }, { description: 'By its amount.' }),
  stage: by.relation('stageId', 'Stage', { description: 'By its stage.' }),
  owner: by.owner({ employee: 'ownerEmployeeId', member: 'ownerMemberId' }, { description: 'By its owner.' }),
  expectedCloseOn: by.day('expectedCloseOn', { description: 'By when it may close.' }),
  createdAt: by.dateTime('createdAt', { description: 'By when it was created.' }),
  version: by.integer('version', { description: 'By its version.' }),
})

const dealList = listOf('Deal', {
  table: 'deal',
  model: 'Deal',
  type: Deal,
  filter: dealFilter,
  order: {
    NAME: { description: 'Its name.', columns: [{ column: 'nameFolded' }] },
    AMOUNT: {
      description: 'Its amount, currency by currency.',
      columns: [
        { column: 'currency', nullable: true },
        { column: 'amountMicros', nullable: true },
      ],
    },
    CREATED: { description: 'When it was created.', columns: [{ column: 'createdAt' }] },
  },
  defaultOrder: [{ column: 'createdAt', direction: 'DESC' }],
})

const runList = listOf('Run', {
  table: 'run',
  model: 'Run',
  type: Run,
  defaultOrder: [{ column: 'createdAt', direction: 'ASC' }],
})

builder.queryField('deal', (t) => t.field(byIdField('Deal', 'A deal by its id.')))
builder.queryField('deals', (t) =>
  t.field(
    dealList.all({
      description: 'Deals, newest first.',
      args: (arg) => ({ stage: arg.id({ description: 'Only of this stage.' }) }),
      where: ({ stage }) => (stage === null || stage === undefined ? undefined : { stage: { id: { eq: stage } } }),
    }),
  ),
)

// ------------------------------------------------------------------ events

export const sampleEvents = defineEvents({
  created: {
    type: 'deal.created',
    description: 'A deal was created.',
    subject: 'deal',
    summary: async (event, names) =>
      `${await names.actor(event.actor)} created ${await names.of('deal', event.subject.id)}`,
  },
  stageChanged: {
    type: 'deal.stage_changed',
    description: 'A deal moved to another stage.',
    subject: 'deal',
    summary: async (event, names) =>
      `${await names.actor(event.actor)} moved ${await names.of('deal', event.subject.id)} to ${await names.of('stage', String(event.data.to))}`,
  },
})

const details = eventDetails(sampleEvents, {
  created: (t) => ({ deal: t.field(eventNode('Deal', 'The deal.')) }),
  stageChanged: (t) => ({
    deal: t.field(eventNode('Deal', 'The deal that was moved.')),
    from: t.field(eventNode('Stage', 'Where it was.', (event) => event.data.from)),
    to: t.field(eventNode('Stage', 'Where it is now.', (event) => event.data.to)),
  }),
})

topic('dealStageChanged', details.stageChanged, {
  description: 'Deals that move from stage to stage.',
  args: (t) => ({ deal: t.id({ description: 'Only this deal.' }) }),
  where: ({ deal }) =>
    deal === null || deal === undefined ? {} : { subject: { kind: 'deal', id: decodeId('deal', deal) } },
})

// ------------------------------------------------------------------ mutations

mutation('createDeal', {
  description: 'Creates a deal.',
  permission: 'DEALS_WRITE',
  input: (t) => ({
    id: t.id({ description: 'Made by you, if you like.' }),
    name: t.string({ required: true, description: 'What to call it.' }),
    stage: t.id({ required: true, description: 'Where it begins.' }),
    tags: t.stringList({ description: 'Words that go with it.' }),
  }),
  parse: z.object({
    id: publicId('deal').nullish(),
    name: z.string().trim().min(1).max(200),
    stage: publicId('stage'),
    tags: z.array(z.string().min(2)).max(3).nullish(),
  }),
  verb: async (tx, input) => {
    requirePermission(tx.viewer, 'DEALS_WRITE')
    if (input.name === 'too much') throw limitExceeded('QUOTA', 'No more deals today.', 60_000)
    const id = input.id ?? newId()
    await tx.sql
      .insertInto('deal')
      .values({
        workspaceId: tx.workspaceId,
        id,
        name: input.name,
        nameFolded: fold(input.name),
        stageId: input.stage,
        createdAt: tx.now,
      })
      .execute()
    appendEvents(tx, [{ type: 'deal.created', subject: { kind: 'deal', id }, subjectVersion: 1 }])
    return { dealId: id }
  },
  payload: (t) => ({ deal: t.field(nodeField('Deal', 'The new deal.', ({ dealId }: { dealId: string }) => dealId)) }),
  errors: ['NOT_FOUND'],
})

mutation('moveDeal', {
  description: 'Moves a deal to another stage.',
  permission: 'DEALS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The deal.' }),
    stage: t.id({ required: true, description: 'Where it goes.' }),
    ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
  }),
  parse: z.object({ id: publicId('deal'), stage: publicId('stage'), ifVersion: z.number().int().nullish() }),
  verb: async (tx, input) => {
    const deal = await tx.sql
      .selectFrom('deal')
      .select(['id', 'version', 'stageId'])
      .where('id', '=', input.id)
      .forUpdate()
      .executeTakeFirst()
    if (deal === undefined) throw notFound('Deal', encodeId('deal', input.id))
    if (input.ifVersion !== null && input.ifVersion !== undefined && input.ifVersion !== deal.version) {
      throw conflict('STALE_VERSION', 'It was changed meanwhile.', { kind: 'deal', id: deal.id })
    }
    await tx.sql
      .updateTable('deal')
      .set({ stageId: input.stage, version: deal.version + 1, updatedAt: tx.now })
      .where('id', '=', deal.id)
      .execute()
    appendEvents(tx, [
      {
        type: 'deal.stage_changed',
        subject: { kind: 'deal', id: deal.id },
        subjectVersion: deal.version + 1,
        data: { from: deal.stageId, to: input.stage },
      },
    ])
    return { dealId: deal.id }
  },
  payload: (t) => ({ deal: t.field(nodeField('Deal', 'The deal.', ({ dealId }: { dealId: string }) => dealId)) }),
  errors: ['NOT_FOUND'],
})

// ------------------------------------------------------------------ faults

builder.queryField('boom', (t) =>
  t.string({
    nullable: true,
    description: 'Fails.',
    resolve: () => {
      throw new Error('secret detail')
    },
  }),
)

builder.queryField('never', (t) =>
  t.string({ nullable: true, description: 'Takes for ever.', resolve: () => new Promise<string>(() => {}) }),
)
