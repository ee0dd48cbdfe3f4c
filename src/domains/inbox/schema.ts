import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import * as by from '../../platform/graphql/filter.ts'
import * as comparators from '../../platform/graphql/filter-comparators.ts'
import { Money } from '../../platform/graphql/money.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { loadNode, node, parseNodeId } from '../../platform/graphql/node.ts'
import { byIdField, eventNode, nodeField } from '../../platform/graphql/node-field.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { decodeId } from '../../platform/lib/ids.ts'
import { parseMicros } from '../../platform/lib/money.ts'
import { inboxEvents } from './events.ts'
import { type InboxBlock, type InboxPriority, markInboxMessageReadInput } from './model.ts'
import { markInboxMessageRead } from './service.ts'

const Priority = describeEnum<InboxPriority>('InboxPriority', 'How soon a message wants to be read.', {
  LOW: 'Some time.',
  NORMAL: 'In the course of the day.',
  HIGH: 'Soon.',
  URGENT: 'Now.',
})

// ------------------------------------------------------------------ blocks

type Block<Type extends InboxBlock['type']> = Extract<InboxBlock, { type: Type }>

const TextBlock = builder.objectRef<Block<'text'>>('TextBlock').implement({
  description: 'Text.',
  fields: (t) => ({ text: t.exposeString('text', { description: 'Plain text; blank lines part paragraphs.' }) }),
})

const ListBlock = builder.objectRef<Block<'list'>>('ListBlock').implement({
  description: 'A list of points.',
  fields: (t) => ({
    title: t.string({ nullable: true, description: 'What it lists.', resolve: ({ title }) => title ?? null }),
    items: t.exposeStringList('items', { description: 'The points, in order.' }),
  }),
})

const StatBlock = builder.objectRef<Block<'stat'>>('StatBlock').implement({
  description: 'A figure.',
  fields: (t) => ({
    label: t.exposeString('label', { description: 'What it counts.' }),
    value: t.exposeString('value', { description: 'The figure, as it is to be shown.' }),
    change: t.string({
      nullable: true,
      description: 'Against before, as it is to be shown.',
      resolve: ({ change }) => change ?? null,
    }),
  }),
})

const TableRow = builder.objectRef<readonly string[]>('TableRow').implement({
  description: 'One row of a table.',
  fields: (t) => ({
    cells: t.stringList({ description: 'One text per column.', resolve: (cells) => [...cells] }),
  }),
})

const TableBlock = builder.objectRef<Block<'table'>>('TableBlock').implement({
  description: 'A table.',
  fields: (t) => ({
    columns: t.exposeStringList('columns', { description: 'What stands above each column.' }),
    rows: t.field({ type: [TableRow], description: 'The rows, in order.', resolve: ({ rows }) => rows }),
  }),
})

const LinkBlock = builder.objectRef<Block<'link'>>('LinkBlock').implement({
  description: 'A link: to a web address, or to a record.',
  fields: (t) => ({
    label: t.exposeString('label', { description: 'What it leads to.' }),
    url: t.field({ type: 'URL', nullable: true, description: 'The web address.', resolve: ({ url }) => url ?? null }),
    node: t.field({
      type: builder.nodeInterfaceRef(),
      nullable: true,
      description: 'The record; null when it is not there.',
      resolve: ({ node: publicId }, _args, ctx, info) => {
        const ref = publicId === undefined ? undefined : parseNodeId(publicId)
        return ref === undefined ? null : loadNode(ref, ctx, info)
      },
    }),
  }),
})

const CostBlock = builder.objectRef<Block<'cost'>>('CostBlock').implement({
  description: 'What something costs.',
  fields: (t) => ({
    label: t.exposeString('label', { description: 'What costs it.' }),
    cost: t.field({
      type: Money,
      description: 'How much.',
      resolve: ({ amount, currency }) => ({ micros: parseMicros(amount) ?? 0n, currency }),
    }),
  }),
})

const BLOCK_TYPES: Readonly<Record<InboxBlock['type'], string>> = {
  text: 'TextBlock',
  list: 'ListBlock',
  stat: 'StatBlock',
  table: 'TableBlock',
  link: 'LinkBlock',
  cost: 'CostBlock',
}

const InboxBlockUnion = builder.unionType('InboxBlock', {
  description: 'A part of a message, typed so that a screen can show a table as a table.',
  types: [TextBlock, ListBlock, StatBlock, TableBlock, LinkBlock, CostBlock],
  resolveType: (block) => BLOCK_TYPES[(block as InboxBlock).type],
})

// ------------------------------------------------------------------ the message

const InboxMessage = builder.prismaNode('InboxMessage', {
  ...node('InboxMessage', { kind: 'inbox_message', name: 'subject' }),
  permission: 'INBOX_READ',
  description: 'What an employee tells the people of its workspace, of its own accord.',
  fields: (t) => ({
    subject: t.exposeString('subject'),
    priority: t.expose('priority', { type: Priority, description: 'How soon it wants to be read.' }),
    blocks: t.field({
      type: [InboxBlockUnion],
      description: 'What it says, part by part.',
      select: { blocks: true },
      // Only parsed blocks are ever stored.
      resolve: ({ blocks }) => blocks as unknown as InboxBlock[],
    }),
    employee: t.relation('employee', { nullable: true, description: 'Who wrote it.' }),
    run: t.relation('run', { nullable: true, description: 'The run in which it was written.' }),
    sentAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    readAt: t.expose('readAt', { type: 'DateTime', nullable: true }),
  }),
})

// ------------------------------------------------------------------ queries

const unread: by.FilterField<'readAt'> = {
  columns: ['readAt'],
  description: 'By whether nobody has read it yet.',
  type: comparators.booleanComparator,
  compile: ({ eq, isNull }, scope) => [
    ...(typeof eq === 'boolean' ? [comparators.isNull(scope.column('readAt'), eq)] : []),
    // There is always an answer to it.
    ...(isNull === true ? [comparators.FALSE] : []),
  ],
}

const messageFilter = by.filterOf('InboxMessage', 'inboxMessage', {
  id: by.id('inbox_message', { description: 'By its id.' }),
  unread,
  priority: by.oneOf('priority', Priority, { description: 'By its priority.' }),
  employee: by.id('employee', { column: 'employeeId', description: 'By who wrote it.' }),
  sentAt: by.dateTime('createdAt', { description: 'By when it was written.' }),
})

const messageList = listOf('InboxMessage', {
  table: 'inboxMessage',
  model: 'InboxMessage',
  type: InboxMessage,
  filter: messageFilter,
  order: { SENT: { description: 'When it was written.', columns: [{ column: 'createdAt' }] } },
  defaultOrder: [{ column: 'createdAt', direction: 'DESC' }],
})

builder.queryField('inboxMessages', (t) =>
  t.field(messageList.all({ description: 'What employees wrote to the inbox, the newest first.' })),
)
builder.queryField('inboxMessage', (t) => t.field(byIdField('InboxMessage', 'A message of the inbox by its id.')))

// ------------------------------------------------------------------ mutations

mutation('markInboxMessageRead', {
  description: 'Marks a message as read. The first reading counts; later ones change nothing.',
  permission: 'INBOX_WRITE',
  input: (t) => ({ id: t.id({ required: true, description: 'The message.' }) }),
  parse: markInboxMessageReadInput,
  verb: async (tx, input) => ({ messageId: (await markInboxMessageRead(tx, input)).id }),
  payload: (t) => ({
    inboxMessage: t.field(
      nodeField('InboxMessage', 'The message as it is now.', ({ messageId }: { messageId: string }) => messageId),
    ),
  }),
  errors: ['NOT_FOUND'],
})

// ------------------------------------------------------------------ events

const details = eventDetails(inboxEvents, {
  messageSent: (t) => ({ message: t.field(eventNode('InboxMessage', 'The message.')) }),
  messageRead: (t) => ({ message: t.field(eventNode('InboxMessage', 'The message.')) }),
})

topic('inboxMessageSent', details.messageSent, {
  description: 'What employees write to the inbox.',
  args: (t) => ({ employee: t.id({ description: 'Only by this employee.' }) }),
  where: ({ employee }) => {
    if (employee == null) return {}
    const employeeId = decodeId('employee', employee, 'Employee')
    return { matches: (event) => event.data.employeeId === employeeId }
  },
})
