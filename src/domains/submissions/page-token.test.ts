import { describe, expect, it } from 'vitest'
import { addressDigest, issuePageToken, networkOf, readPageToken } from './page-token.ts'

describe('a page token', () => {
  const openedAt = new Date('2026-11-20T10:00:00.123Z')
  const token = issuePageToken('secret', 'demo/book', openedAt)

  it('says when its page was opened', () => {
    expect(readPageToken('secret', 'demo/book', token)).toEqual(openedAt)
  })

  it.each([
    ['of another form', 'secret', 'demo/other', token],
    ['of another secret', 'other', 'demo/book', token],
    ['with another time', 'secret', 'demo/book', token.replace(/^./, '1')],
    ['with another signature', 'secret', 'demo/book', token.replace(/.$/, (c) => (c === 'A' ? 'Q' : 'A'))],
    ['that is none', 'secret', 'demo/book', ['x']],
    ['that is missing', 'secret', 'demo/book', undefined],
  ])('%s says nothing', (_what, secret, form, given) => {
    expect(readPageToken(secret, form, given)).toBeUndefined()
  })
})

describe('a network address', () => {
  it('is digested by workspace and secret, and cannot be read back', () => {
    const digest = addressDigest('secret', 'w1', '192.0.2.7')
    expect(digest).toBe(addressDigest('secret', 'w1', '::ffff:192.0.2.7'))
    expect(digest).not.toContain('192')
    expect(
      new Set([digest, addressDigest('other', 'w1', '192.0.2.7'), addressDigest('secret', 'w2', '192.0.2.7')]).size,
    ).toBe(3)
  })

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8::1', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
  ])('%s counts as %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})
