import { expect, test } from 'vitest'
import { changed, sentenceOf } from '../../../test/support/event-sentence.ts'
import { submissionEvents } from './events.ts'

const { received, rejected, matched, routed, qualified, processed, needsReview, failed } = submissionEvents

test('a submission says through which form it came, who takes it, and when it is done', async () => {
  const data = { formId: 'f', employeeId: 'e' }
  expect(await sentenceOf(received, { data })).toBe('{form f} received {submission 1}')
  expect(await sentenceOf(routed, { data })).toBe('{employee e} took "{submission 1}" from {form f}')
  expect(await sentenceOf(processed, { data })).toBe('MEMBER is done with {submission 1}')
})

test.each([
  ['HONEYPOT', 'a program filled in the hidden field'],
  ['TOO_FAST', 'it was filled in faster than a person can'],
  ['ADDRESS_LIMIT', 'too many came from one network address'],
  ['EMAIL_LIMIT', 'too many came with one e-mail address'],
  ['DUPLICATE', 'the same had come a moment ago'],
  ['A_REASON_OF_TOMORROW', 'it looked like spam'],
])('a form that turns something away for %s says why in words', async (reason, words) => {
  expect(await sentenceOf(rejected, { data: { reason } })).toBe(`{form 1} turned a submission away: ${words}`)
})

test('a sender is told apart: new, or known already', async () => {
  const data = { contactId: 'c' }
  expect(await sentenceOf(matched, { data: { ...data, created: true } })).toBe(
    '{submission 1} came from a new contact, {contact c}',
  )
  expect(await sentenceOf(matched, { data })).toBe('{submission 1} came from {contact c}, who was known already')
})

test('a judgement says which way it went, and how well it fits where that was measured', async () => {
  expect(await sentenceOf(qualified, { data: { qualified: true, fit: 0.875 } })).toBe(
    'MEMBER qualified {submission 1}: fit 0.88',
  )
  expect(await sentenceOf(qualified, { data: { qualified: false } })).toBe('MEMBER disqualified {submission 1}')
})

test('what needs a person, and what failed, says why where that is known', async () => {
  const changes = [changed('statusReason', 'the mail came back')]
  expect(await sentenceOf(needsReview, { changes })).toBe('{submission 1} needs a person: the mail came back')
  expect(await sentenceOf(failed, { changes })).toBe('The work on {submission 1} failed: the mail came back')
  expect(await sentenceOf(failed)).toBe('The work on {submission 1} failed')
})
