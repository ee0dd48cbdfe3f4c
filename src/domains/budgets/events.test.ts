import { expect, test } from 'vitest'
import { sentenceOf } from '../../../test/support/event-sentence.ts'
import { budgetEvents } from './events.ts'

test('a budget that is used up says how much it was, and for which day, as far as that is known', async () => {
  const data = { limitMicros: '5000000', day: '2026-11-25' }
  expect(await sentenceOf(budgetEvents.exhausted, { data })).toBe('The budget of $5.00 for 2026-11-25 is used up')
  expect(await sentenceOf(budgetEvents.exhausted)).toBe('The budget for the day is used up')
})

test('a budget of which a part is spent says which part, of how much, and for when', async () => {
  const data = { limitMicros: '25000000', month: '2026-11', percent: 80 }
  expect(await sentenceOf(budgetEvents.thresholdReached, { data })).toBe(
    '80 % of the budget of $25.00 for 2026-11 is spent',
  )
  expect(await sentenceOf(budgetEvents.exhausted, { data })).toBe('The budget of $25.00 for 2026-11 is used up')
})
