import { z } from 'zod'
import { isCurrency } from '../../platform/lib/currency.ts'
import { publicId } from '../../platform/lib/parse.ts'

/*
 * A message in the inbox: what an employee tells the people of its workspace, of its own accord. It is made of typed
 * blocks, so that a screen can show a table as a table. It is unread until somebody has read it first.
 */

export const INBOX_PRIORITIES = ['LOW', 'NORMAL', 'HIGH', 'URGENT'] as const
export type InboxPriority = (typeof INBOX_PRIORITIES)[number]

export const MAX_BLOCK_BYTES = 4 * 1024
export const MAX_MESSAGE_BYTES = 10 * 1024
const MAX_BLOCKS = 20

const line = z.string().trim().min(1).max(255)
const cell = z.string().max(500)

const textBlock = z.object({
  type: z.literal('text'),
  text: z.string().trim().min(1).max(4_000).describe('Plain text; blank lines part paragraphs.'),
})
const listBlock = z.object({
  type: z.literal('list'),
  title: line.optional(),
  items: z.array(z.string().trim().min(1).max(500)).max(50),
})
const statBlock = z.object({
  type: z.literal('stat'),
  label: line,
  value: line.describe('As it is to be shown: "12", "34 %".'),
  change: line.optional().describe('Against before, as it is to be shown: "+3".'),
})
const tableBlock = z.object({
  type: z.literal('table'),
  columns: z.array(line).min(1).max(12),
  rows: z.array(z.array(cell)).max(50).describe('As many cells in each row as there are columns.'),
})
const linkBlock = z.object({
  type: z.literal('link'),
  label: line,
  url: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional()
    .describe('A web address.'),
  node: z.string().max(100).optional().describe('Or the id of a record of ours: deal_…, contact_….'),
})
const costBlock = z.object({
  type: z.literal('cost'),
  label: line,
  amount: z
    .string()
    .regex(/^\d{1,12}(\.\d{1,6})?$/)
    .describe('A decimal number as text: "12.50".'),
  currency: z.string().refine(isCurrency, 'This is no currency of ISO 4217, as EUR is.').describe('ISO 4217 code.'),
})

/** One block of a message, told apart by `type`. */
export const inboxBlock = z
  .discriminatedUnion('type', [textBlock, listBlock, statBlock, tableBlock, linkBlock, costBlock])
  .superRefine((block, ctx) => {
    if (bytesOf(block) > MAX_BLOCK_BYTES) {
      ctx.addIssue({ code: 'custom', params: { code: 'TOO_LARGE' }, message: 'A block has at most 4 KB.' })
    }
    if (block.type === 'table') {
      block.rows.forEach((row, index) => {
        if (row.length === block.columns.length) return
        const message = `A row has one cell per column: ${block.columns.length}, not ${row.length}.`
        ctx.addIssue({ code: 'custom', path: ['rows', index], message })
      })
    }
    if (block.type === 'link' && (block.url === undefined) === (block.node === undefined)) {
      ctx.addIssue({ code: 'custom', path: ['url'], message: 'A link has a web address or the id of a record.' })
    }
  })
export type InboxBlock = z.output<typeof inboxBlock>

/** What a message says; the same for a tool and for a person's program. */
export const inboxMessageContent = z.object({
  priority: z.enum(INBOX_PRIORITIES).describe('HIGH and URGENT are for what should not wait.'),
  subject: line.describe('One line that says what it is about.'),
  blocks: z
    .array(inboxBlock)
    .min(1)
    .max(MAX_BLOCKS)
    .refine((blocks) => bytesOf(blocks) <= MAX_MESSAGE_BYTES, {
      message: 'A message has at most 10 KB.',
      params: { code: 'TOO_LARGE' },
    })
    .describe('What it says, block by block.'),
})
export type InboxMessageContent = z.output<typeof inboxMessageContent>

export const markInboxMessageReadInput = z.object({ id: publicId('inbox_message', 'Inbox message') })
export type MarkInboxMessageReadInput = z.output<typeof markInboxMessageReadInput>

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
