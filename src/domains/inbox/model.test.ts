import { expect, test } from 'vitest'
import { z } from 'zod'
import { inboxBlock, inboxMessageContent } from './model.ts'

const fieldsOf = (input: unknown) => inboxBlock.safeParse(input).error?.issues.map((issue) => issue.path.join('.'))

test('each kind of block is taken as it is', () => {
  const blocks = [
    { type: 'text', text: 'Kite & Co came in.' },
    { type: 'list', title: 'Why', items: ['budget', 'team of 40'] },
    { type: 'stat', label: 'Fit', value: '0.82', change: '+0.1' },
    { type: 'table', columns: ['a', 'b'], rows: [['1', '2']] },
    { type: 'link', label: 'The deal', node: 'deal_0192f3a4-7c3e-7000-8000-000000000001' },
    { type: 'link', label: 'Their page', url: 'https://example.com/a' },
    { type: 'cost', label: 'So far', amount: '0.42', currency: 'USD' },
  ]
  expect(inboxMessageContent.parse({ priority: 'NORMAL', subject: 'A lead', blocks }).blocks).toEqual(blocks)
})

test.each([
  [{ type: 'video' }, ['type']],
  [{ type: 'table', columns: ['a', 'b'], rows: [['1', '2'], ['1']] }, ['rows.1']],
  [{ type: 'link', label: 'x' }, ['url']],
  [{ type: 'link', label: 'x', url: 'javascript:alert(1)' }, ['url']],
  [{ type: 'link', label: 'x', url: 'https://a.example', node: 'deal_1' }, ['url']],
  [{ type: 'cost', label: 'x', amount: '-1', currency: 'USD' }, ['amount']],
  [{ type: 'cost', label: 'x', amount: '1', currency: 'XQQ' }, ['currency']],
])('the block %j is refused and what is wrong is named', (block, fields) => expect(fieldsOf(block)).toEqual(fields))

test('a block of more than 4 KB is refused, counted in bytes', () => {
  expect(fieldsOf({ type: 'text', text: 'ü'.repeat(2_100) })).toEqual([''])
  expect(fieldsOf({ type: 'text', text: 'u'.repeat(2_100) })).toBeUndefined()
})

test('a message of more than 10 KB is refused even when each block is small enough', () => {
  const blocks = Array.from({ length: 3 }, () => ({ type: 'text', text: 'u'.repeat(3_900) }))
  const { error } = inboxMessageContent.safeParse({ priority: 'LOW', subject: 'Long', blocks })
  expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual(['blocks'])
})

test('the model is told the shape of every block', () => {
  const schema = z.toJSONSchema(inboxMessageContent, { io: 'input' })
  expect(JSON.stringify(schema)).toContain('"const":"table"')
})
