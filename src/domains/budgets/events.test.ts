import { expect, test } from 'vitest'
import { sentenceOf } from '../../../test/support/event-sentence.ts'
import { budgetEvents } from './events.ts'

test('a budget that is used up says how much it was, and for which day, as far as that is known', async () => {
  const data = { limitMicros: '5000000', day: '2026-11-25' }
  expect(await sentenceOf(budgetEvents.exhausted, { data })).toBe('The budget of $5.00 for 2026-11-25 is used up')
  expect(await sentenceOf(budgetEvents.exhausted)).toBe('The budget for the day is used up')
})
