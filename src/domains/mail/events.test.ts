import { expect, test } from 'vitest'
import { sentenceOf } from '../../../test/support/event-sentence.ts'
import { mailServerEvents } from './events.ts'

test('a mail server that is connected and disconnected is called by its host', async () => {
  const data = { host: 'smtp.acme.example' }
  expect(await sentenceOf(mailServerEvents.connected, { data })).toBe(
    'MEMBER connected the mail server smtp.acme.example',
  )
  expect(await sentenceOf(mailServerEvents.disconnected, { data })).toBe(
    'MEMBER disconnected the mail server smtp.acme.example',
  )
})
