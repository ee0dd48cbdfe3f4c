import { expect, test } from 'vitest'
import { isPublicAddress, locate } from './address.ts'

test.each([
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1'],
  ...['172.31.255.255', '192.168.1.1', '192.0.2.1', '198.18.0.1', '198.51.100.7', '203.0.113.9', '224.0.0.1'],
  ...['255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:93.184.216.34', 'fc00::1'],
  ...['fd12:3456::1', 'fe80::1', 'ff02::1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', '2001::1'],
])('%s is nobody’s in the world', (address) => expect(isPublicAddress(address)).toBe(false))

test.each(['1.1.1.1', '93.184.216.34', '172.32.0.1', '100.128.0.1', '192.167.255.255', '2606:4700::1', '2a00:1450::1'])(
  '%s may be anybody’s',
  (address) => expect(isPublicAddress(address)).toBe(true),
)

test('a host is where its name leads at that moment, and never in a private network unless that is allowed', async () => {
  const resolve = async (host: string) =>
    ({ inside: ['10.0.0.1'], mixed: ['127.0.0.1', '93.184.216.34'], outside: ['93.184.216.34'] })[host] ?? []
  expect(await locate('inside', false, resolve)).toEqual({ fault: 'PRIVATE_ADDRESS' })
  expect(await locate('inside', true, resolve)).toEqual({ address: '10.0.0.1', isPublic: false })
  expect(await locate('mixed', false, resolve)).toEqual({ address: '93.184.216.34', isPublic: true })
  expect(await locate('outside', false, resolve)).toEqual({ address: '93.184.216.34', isPublic: true })
  expect(await locate('nowhere', true, resolve)).toEqual({ fault: 'NO_SUCH_HOST' })
})

test('an address of this machine is seen through however it is written', async () => {
  for (const host of ['localhost', '127.0.0.1', '127.1', '2130706433', '0x7f000001', '::1']) {
    expect(await locate(host, false)).not.toHaveProperty('address')
  }
})
