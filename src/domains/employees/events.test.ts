import { expect, test } from 'vitest'
import { changed, sentenceOf } from '../../../test/support/event-sentence.ts'
import { employeeEvents } from './events.ts'

test.each([
  ['created', 'MEMBER hired {employee 1}'],
  ['paused', 'MEMBER paused {employee 1}'],
  ['resumed', 'MEMBER resumed {employee 1}'],
  ['offboarded', 'MEMBER offboarded {employee 1}'],
] as const)('an employee who is %s reads as a sentence', async (name, sentence) => {
  expect(await sentenceOf(employeeEvents[name])).toBe(sentence)
})

test('a change of an employee names what changed, as one says it', async () => {
  const changes = [changed('tools', '2'), changed('email', null), changed('title', 'Head of Sales')]
  expect(await sentenceOf(employeeEvents.updated, { changes })).toBe(
    'MEMBER changed {employee 1}: its tools, its e-mail, title',
  )
})
