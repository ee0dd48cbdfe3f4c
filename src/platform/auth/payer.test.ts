import { expect, test } from 'vitest'
import { networkOf, payerOf } from './payer.ts'

test('a key pays for itself whatever secret it is sent with, and the server pays for nothing', () => {
  const key = { kind: 'apiKey', keyId: 'k1', memberId: 'm1', name: 'K', permissions: new Set<never>() } as const
  expect(payerOf({ ...key, prefix: 'cadre_test_a' }, '192.0.2.1')).toEqual({ key: 'k1', anonymous: false })
  expect(payerOf({ ...key, prefix: 'cadre_test_b' }, '192.0.2.2')).toEqual({ key: 'k1', anonymous: false })
  expect(payerOf({ kind: 'system' }, undefined)).toBeUndefined()
  expect(payerOf({ kind: 'employee', employeeId: 'e1', name: 'Ava', runId: 'r1' }, undefined)).toBeUndefined()
})

test('without a key an address pays, known or not', () => {
  expect(payerOf({ kind: 'anonymous' }, '192.0.2.1')).toEqual({ key: '192.0.2.1', anonymous: true })
  expect(payerOf({ kind: 'anonymous' }, undefined)).toEqual({ key: '', anonymous: true })
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
  ['192.0.2.1:5000', '192.0.2.1:5000'],
  ['x'.repeat(500), 'x'.repeat(64)],
])('of %s counts %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
