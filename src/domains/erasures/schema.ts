import type { StoredActor } from '../../platform/auth/viewer.ts'
import { Actor } from '../../platform/graphql/actor.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { loadNode, maySee, node } from '../../platform/graphql/node.ts'
import { byIdField, nodeField } from '../../platform/graphql/node-field.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { type Counts, countList, type ErasureStatus, eraseContactInput } from './model.ts'
import { eraseContact } from './service.ts'

const Status = describeEnum<ErasureStatus>('ErasureStatus', 'How far an erasure is.', {
  QUEUED: 'Asked for; the person’s own record is empty already.',
  RUNNING: 'What came of the person is being removed.',
  SUCCEEDED: 'Nothing is left; there is a certificate.',
})

export const ErasureCount = builder
  .objectRef<{ readonly table: string; readonly rows: number }>('ErasureCount')
  .implement({
    description: 'How many rows of a table an erasure emptied or removed.',
    fields: (t) => ({
      table: t.exposeString('table', { description: 'The table.' }),
      rows: t.exposeInt('rows', { description: 'How many rows.' }),
    }),
  })

interface CertificateRow {
  readonly id: string
  readonly subjectType: string
  readonly subjectId: string
  readonly requestedBy: unknown
  readonly requestedAt: Date
  readonly finishedAt: Date | null
  readonly counts: unknown
  readonly document: string | null
  readonly digest: string | null
}

/** What says who was erased, when and at whose request; the same on an erasure and on its certificate. */
const WHOSE = 'Whose data it is: what is left of the record.'

const Certificate = builder.objectRef<CertificateRow>('ErasureCertificate').implement({
  description: 'What proves an erasure: ids and figures, nothing of the person.',
  permission: 'CONTACTS_READ',
  fields: (t) => ({
    id: t.id({ description: 'The erasure’s id.', resolve: ({ id }) => encodeId('erasure', id) }),
    subject: t.field({
      type: builder.nodeInterfaceRef(),
      nullable: true,
      description: WHOSE,
      resolve: ({ subjectType: kind, subjectId: id }, _args, ctx, info) =>
        maySee(kind, ctx) ? loadNode({ kind, id }, ctx, info) : null,
    }),
    requestedBy: t.field({
      type: Actor,
      description: 'Who asked for it.',
      resolve: ({ requestedBy }) => requestedBy as StoredActor,
    }),
    requestedAt: t.field({ type: 'DateTime', description: 'When.', resolve: ({ requestedAt }) => requestedAt }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the last of it was removed.',
      resolve: ({ finishedAt }) => finishedAt,
    }),
    counts: t.field({
      type: [ErasureCount],
      description: 'How much was emptied or removed, by table.',
      resolve: ({ counts }) => countList(counts as Counts),
    }),
    document: t.string({
      description: 'All this as the text that `digest` is over.',
      resolve: ({ document }) => document ?? '',
    }),
    digest: t.string({
      description: 'SHA-256 of `document`, hexadecimal. It stands in the event CONTACT_ERASED or MEMBER_ERASED, too.',
      resolve: ({ digest }) => digest ?? '',
    }),
  }),
})

const Erasure = builder.prismaNode('Erasure', {
  ...node('Erasure', { kind: 'erasure' }),
  permission: 'CONTACTS_READ',
  description: 'The removal of a person’s data, and what came of it. One for each person.',
  fields: (t) => ({
    status: t.expose('status', { type: Status, description: 'How far it is.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why, in the words of who asked for it; forgotten at the end where it names the person.',
    }),
    subject: t.field({
      type: builder.nodeInterfaceRef(),
      nullable: true,
      description: WHOSE,
      select: { subjectType: true, subjectId: true },
      resolve: ({ subjectType: kind, subjectId: id }, _args, ctx, info) =>
        maySee(kind, ctx) ? loadNode({ kind, id }, ctx, info) : null,
    }),
    requestedBy: t.field({
      type: Actor,
      description: 'Who asked for it.',
      select: { requestedBy: true },
      resolve: ({ requestedBy }) => requestedBy as unknown as StoredActor,
    }),
    requestedAt: t.expose('requestedAt', { type: 'DateTime' }),
    attempts: t.exposeInt('attempts'),
    certificate: t.field({
      type: Certificate,
      nullable: true,
      description: 'What proves it; null while it is under way.',
      select: {
        id: true,
        subjectType: true,
        subjectId: true,
        requestedBy: true,
        requestedAt: true,
        finishedAt: true,
        counts: true,
        document: true,
        digest: true,
      },
      resolve: (erasure) => (erasure.finishedAt === null ? null : erasure),
    }),
  }),
})

const erasureList = listOf('Erasure', {
  table: 'erasure',
  model: 'Erasure',
  type: Erasure,
  order: { REQUESTED: { description: 'When it was asked for.', columns: [{ column: 'requestedAt' }] } },
  defaultOrder: [{ column: 'requestedAt', direction: 'DESC' }],
})

builder.queryField('erasures', (t) =>
  t.field(erasureList.all({ description: 'Erasures with their certificates, the newest first.' })),
)
builder.queryField('erasure', (t) => t.field(byIdField('Erasure', 'An erasure by its id.')))

mutation('eraseContact', {
  description:
    'Erases a person, for good: the contact’s fields at once, then what they sent, what was thought and done about it, ' +
    'mails, and what the log told of them. Ids, amounts and figures stay. Asking twice is asking once.',
  permission: 'PERSONAL_DATA_ERASE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The contact.' }),
    reason: t.string({ description: 'Why, for the record, 500 characters at most. Do not name the person.' }),
  }),
  parse: eraseContactInput,
  verb: async (tx, input) => ({ erasureId: (await eraseContact(tx, input)).id }),
  payload: (t) => ({
    erasure: t.field(
      nodeField('Erasure', 'The erasure as it is now.', ({ erasureId }: { erasureId: string }) => erasureId),
    ),
  }),
  errors: ['NOT_FOUND'],
})
