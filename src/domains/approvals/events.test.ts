import { expect, test } from 'vitest'
import { sentenceOf } from '../../../test/support/event-sentence.ts'
import { approvalEvents } from './events.ts'

test.each([
  ['requested', 'MEMBER asks: {approval 1}'],
  ['approved', 'MEMBER approved: {approval 1}'],
  ['rejected', 'MEMBER rejected: {approval 1}'],
  ['expired', 'Nobody decided: {approval 1}'],
  ['stale', 'Overtaken by changes: {approval 1}'],
  ['executed', 'MEMBER did: {approval 1}'],
  ['failed', 'MEMBER could not: {approval 1}'],
] as const)('an approval that is %s reads as a sentence', async (name, sentence) => {
  expect(await sentenceOf(approvalEvents[name])).toBe(sentence)
})

test('an act that was allowed otherwise than it was asked for says so', async () => {
  const sentence = await sentenceOf(approvalEvents.approved, { data: { edited: true } })
  expect(sentence).toBe('MEMBER approved with changes: {approval 1}')
})
