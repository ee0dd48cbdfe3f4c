import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Envelope, openSecret, rewrap, SealBroken, sealSecret } from './envelope.ts'

const key = { id: 'one', bytes: randomBytes(32) }
const other = { id: 'two', bytes: randomBytes(32) }
const place = { workspaceId: '0193-a', purpose: 'MAIL_SERVER' }
const beside = ['smtp.acme.example', '465']
const sealed = (secret = 'correct horse') => sealSecret(key, place, secret, beside)

test('a secret opens where it was sealed, and two seals of one have nothing in common', () => {
  const [one, two] = [sealed(), sealed()]
  expect(openSecret(key, place, one, beside)).toBe('correct horse')
  expect(openSecret(key, place, sealed('ünï cødé 🔑'), beside)).toBe('ünï cødé 🔑')
  expect(one.sealed.equals(two.sealed)).toBe(false)
  expect(one.wrappedKey.equals(two.wrappedKey)).toBe(false)
  expect(one.sealed.includes('correct horse')).toBe(false)
})

test('it opens nowhere else: not in another workspace, for another purpose, beside another value or with another key', () => {
  const envelope = sealed()
  expect(() => openSecret(key, { ...place, workspaceId: '0193-b' }, envelope, beside)).toThrow(SealBroken)
  expect(() => openSecret(key, { ...place, purpose: 'OTHER' }, envelope, beside)).toThrow(SealBroken)
  expect(() => openSecret(key, place, envelope, ['smtp.evil.example', '465'])).toThrow(SealBroken)
  expect(() => openSecret(key, place, envelope, ['smtp.acme.example', '46', '5'])).toThrow(SealBroken)
  expect(() => openSecret(other, place, envelope, beside)).toThrow(SealBroken)
  expect(() => openSecret({ ...other, id: 'one' }, place, envelope, beside)).toThrow(SealBroken)
})

test('with any one byte changed, cut off or too many it does not open', () => {
  const envelope = sealed()
  for (const part of ['sealed', 'wrappedKey'] as const) {
    const whole = envelope[part]
    const broken = (bytes: Buffer): Envelope => ({ ...envelope, [part]: bytes })
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => openSecret(key, place, broken(changed), beside)).toThrow(SealBroken)
      expect(() => openSecret(key, place, broken(whole.subarray(0, at)), beside)).toThrow(SealBroken)
    }
    expect(() => openSecret(key, place, broken(Buffer.concat([whole, Buffer.of(0)])), beside)).toThrow(SealBroken)
  }
  const second = sealed()
  expect(() => openSecret(key, place, { ...envelope, wrappedKey: second.wrappedKey }, beside)).toThrow(SealBroken)
})

test('wrapped for another key it opens with that one alone, and what it holds was not sealed anew', () => {
  const envelope = sealed()
  const moved = rewrap(key, other, place, envelope)
  expect(moved.keyId).toBe('two')
  expect(moved.sealed).toBe(envelope.sealed)
  expect(openSecret(other, place, moved, beside)).toBe('correct horse')
  expect(() => openSecret(key, place, moved, beside)).toThrow(SealBroken)
  expect(() => rewrap(key, other, { ...place, workspaceId: '0193-b' }, envelope)).toThrow(SealBroken)
})
