import { expect, test } from 'vitest'
import { changed, sentenceOf } from '../../../test/support/event-sentence.ts'
import { keyEvents } from './events.ts'

test.each([
  ['created', {}, 'MEMBER made the key {api_key 1}'],
  ['created', { data: { permissions: ['DEALS_READ'] } }, 'MEMBER made the key {api_key 1} with 1 permission'],
  ['updated', { changes: [changed('name', 'Board')] }, 'MEMBER changed the key {api_key 1}: name'],
  ['rotated', {}, 'MEMBER rotated the key {api_key 1}'],
  ['revoked', {}, 'MEMBER revoked the key {api_key 1}'],
  ['revoked', { data: { reason: 'MEMBER_REMOVED' } }, 'MEMBER revoked the key {api_key 1}, whose member was removed'],
] as const)('that a key was %s (%j) reads as a sentence', async (name, rest, sentence) => {
  expect(await sentenceOf(keyEvents[name], rest)).toBe(sentence)
})
