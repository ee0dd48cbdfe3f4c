import { Actor } from '../../platform/graphql/actor.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import { loadById, node, typeOf } from '../../platform/graphql/node.ts'
import { byIdField } from '../../platform/graphql/node-field.ts'
import type { Answers, FormDefinition } from '../forms/model.ts'
import { Answer, answersOf } from './answer-types.ts'
import { submissionScopes } from './loaders.ts'
import type { SubmissionStatus } from './model.ts'
import './event-details.ts'
import './mutations.ts'

// ------------------------------------------------------------------ types

const SubmissionStatusEnum = describeEnum<SubmissionStatus>('SubmissionStatus', 'What became of a submission.', {
  RECEIVED: 'Stored; no employee has it.',
  PROCESSING: 'An employee has it: a run is queued, works or waits.',
  PROCESSED: 'Worked to the end.',
  NEEDS_REVIEW: 'The employee did not come to an end with it; a person has to look.',
  FAILED: 'The work on it failed.',
  SPAM: 'Judged to be worth nothing.',
})

/** The columns that answers are read from. */
const answerColumns = { answers: true, formEdition: { select: { definition: true } } } as const

const given = (row: { readonly answers: unknown; readonly formEdition: { readonly definition: unknown } }) =>
  answersOf(row.formEdition.definition as FormDefinition, row.answers as Answers)

const Submission = builder.prismaNode('Submission', {
  ...node('Submission', { kind: 'submission' }),
  permission: 'SUBMISSIONS_READ',
  description: 'What somebody sent through a form, and what became of it.',
  fields: (t) => ({
    form: t.relation('form', { nullable: true, description: 'The form it came through.' }),
    formVersion: t.exposeInt('formVersion', { description: 'The number of the version it answered.' }),
    status: t.expose('status', { type: SubmissionStatusEnum, description: 'What became of it.' }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Why, where it was not simply worked to the end.',
    }),
    receivedAt: t.expose('receivedAt', { type: 'DateTime' }),
    firstResponseMs: t.int({
      nullable: true,
      description: 'How long the sender waited for the first answer; null as long as there is none.',
      select: { receivedAt: true, firstResponseAt: true },
      resolve: ({ receivedAt, firstResponseAt }) =>
        firstResponseAt === null ? null : firstResponseAt.getTime() - receivedAt.getTime(),
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the work on it ended.',
    }),
    answers: t.field({
      type: [Answer],
      description: 'The answers, in the order of the fields.',
      select: answerColumns,
      resolve: given,
    }),
    answer: t.field({
      type: Answer,
      nullable: true,
      description: 'One answer; null when the version has no such field.',
      args: { key: t.arg.string({ required: true, description: 'The key of the field.' }) },
      select: answerColumns,
      resolve: (row, { key }) => given(row).find((answer) => answer.field.key === key) ?? null,
    }),
    qualified: t.exposeBoolean('qualified', { nullable: true }),
    fit: t.exposeFloat('fit', { nullable: true }),
    reasons: t.exposeStringList('reasons', { description: 'Why it was judged as it was, in sentences.' }),
    contact: t.relation('contact', { nullable: true, description: 'Who sent it; null when it does not say.' }),
    deal: t.relation('deal', { nullable: true, description: 'The deal that came of it.' }),
    handler: t.field({
      type: Actor,
      nullable: true,
      description: 'Who has it; null when it waits for somebody.',
      select: { employeeId: true },
      resolve: ({ employeeId }) => (employeeId === null ? null : { kind: 'EMPLOYEE' as const, id: employeeId }),
    }),
    run: t.field({
      type: typeOf('Run'),
      nullable: true,
      description: 'The newest run that works on it.',
      select: { runs: { select: { id: true }, orderBy: [{ createdAt: 'desc' }, { id: 'desc' }], take: 1 } },
      resolve: ({ runs: [run] }, _args, ctx, info) => (run === undefined ? null : loadById('Run', run.id, ctx, info)),
    }),
    runs: t.relation('runs', {
      // One as a rule: a second only where it was processed again.
      complexity: { field: 1, multiplier: 2 },
      description: 'Every run that worked on it, the oldest first.',
      query: { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
    }),
    version: t.exposeInt('version', { description: 'Counts up with every change.' }),
    timeline: t.field(
      timeline(
        'submission',
        'What happened to it, to the runs that worked on it and to the deal that came of it, oldest first.',
        submissionScopes,
      ),
    ),
  }),
})

// ------------------------------------------------------------------ queries

const submissionFilter = by.filterOf('Submission', 'submission', {
  id: by.id('submission', { description: 'By its id.' }),
  form: by.relation('formId', 'Form', { description: 'By the form it came through.' }),
  contact: by.relation('contactId', 'Contact', { description: 'By who sent it.', nullable: true }),
  status: by.oneOf('status', SubmissionStatusEnum, { description: 'By what became of it.' }),
  receivedAt: by.dateTime('receivedAt', { description: 'By when it came in.' }),
})

const submissionList = listOf('Submission', {
  table: 'submission',
  model: 'Submission',
  type: Submission,
  filter: submissionFilter,
  order: { RECEIVED: { description: 'When it came in.', columns: [{ column: 'receivedAt' }] } },
  defaultOrder: [{ column: 'receivedAt', direction: 'DESC' }],
})

builder.queryField('submission', (t) => t.field(byIdField('Submission', 'A submission by its id.')))

builder.queryField('submissions', (t) =>
  t.field(
    submissionList.all({
      description: 'Submissions, the newest first.',
      args: (arg) => ({ form: arg.id({ description: 'Only those of this form.' }) }),
      where: ({ form }) => (form == null ? undefined : { form: { id: { eq: form } } }),
    }),
  ),
)

builder.prismaObjectField('Form', 'submissions', (t) =>
  t.field(submissionList.of('formId', { description: 'What came through it, the newest first.' })),
)

builder.prismaObjectField('Contact', 'submissions', (t) =>
  t.field(submissionList.of('contactId', { description: 'What this person sent, the newest first.' })),
)
