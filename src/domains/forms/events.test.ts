import { expect, test } from 'vitest'
import { changed, sentenceOf } from '../../../test/support/event-sentence.ts'
import { formEvents } from './events.ts'

test.each([
  ['created', 'MEMBER created the form {form 1}'],
  ['paused', 'MEMBER paused the form {form 1}'],
  ['resumed', 'MEMBER resumed the form {form 1}'],
  ['archived', 'MEMBER archived the form {form 1}'],
] as const)('a form that is %s reads as a sentence', async (name, sentence) => {
  expect(await sentenceOf(formEvents[name])).toBe(sentence)
})

test('a form that was changed says what, and one that was published its version', async () => {
  const changes = [changed('name', 'Book a demo'), changed('definition', null)]
  expect(await sentenceOf(formEvents.updated, { changes })).toBe('MEMBER changed the form {form 1}: name, definition')
  const data = { number: 3 }
  expect(await sentenceOf(formEvents.published, { data })).toBe('MEMBER published the form {form 1}, version 3')
})
