import { expect, test } from 'vitest'
import type { Outgoing } from '../../platform/tools/tool.ts'
import { hashOf, isSameContent } from './fingerprint.ts'

const mail: Outgoing = { target: 'kim@nimbus.example', content: { subject: 'Hello', text: 'Hi Kim' }, changes: [] }
const { target, content } = mail

test('a hash is that of what is said, in whatever order it comes back from the database', () => {
  expect(hashOf({ text: 'Hi Kim', subject: 'Hello' })).toBe(hashOf(content))
  expect(hashOf({ ...content, text: 'Hi, Kim' })).not.toBe(hashOf(content))
})

test('what was put down to be sent is the same only with the same target and the same content', () => {
  const contentHash = hashOf(content)
  expect(isSameContent({ target, contentHash }, mail)).toBe(true)
  expect(isSameContent({ target: 'eve@nimbus.example', contentHash }, mail)).toBe(false)
  expect(isSameContent({ target, contentHash }, { ...mail, content: { ...content, text: 'Pay now' } })).toBe(false)
})

test('a repetition of what failed is still the same, whichever it is', () => {
  const repetition = (n: number) => hashOf([hashOf(content), n])
  expect(isSameContent({ target, contentHash: repetition(1) }, mail)).toBe(true)
  expect(isSameContent({ target, contentHash: repetition(100) }, mail)).toBe(true)
  expect(isSameContent({ target: 'eve@nimbus.example', contentHash: repetition(1) }, mail)).toBe(false)
})
