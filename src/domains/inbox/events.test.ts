import { expect, test } from 'vitest'
import { sentenceOf } from '../../../test/support/event-sentence.ts'
import { inboxEvents } from './events.ts'

test('a message reads as a sentence when it is sent and when it is read', async () => {
  expect(await sentenceOf(inboxEvents.messageSent)).toBe('MEMBER wrote to you: {inbox_message 1}')
  expect(await sentenceOf(inboxEvents.messageRead)).toBe('MEMBER read: {inbox_message 1}')
})
