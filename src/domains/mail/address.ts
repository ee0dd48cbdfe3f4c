// Where a mail server that somebody else has named may be. A name leads anywhere, also into this server's own network; so it is
// resolved first, the addresses are looked at, and the connection goes to one of those and not to what the name says by then.

import { lookup } from 'node:dns/promises'
import { BlockList, isIPv6 } from 'node:net'

/** What is nobody's in the world at large, by RFC 6890 and its registries. */
const PRIVATE = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4')
}
/** Of IPv6 what is handed out to the world, but for ways into IPv4 and what is for examples. */
const PUBLIC_6 = new BlockList()
PUBLIC_6.addSubnet('2000::', 3, 'ipv6')
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6')
}

/** Whether an address is one that anybody in the world may have. */
export const isPublicAddress = (address: string): boolean =>
  isIPv6(address) ? PUBLIC_6.check(address, 'ipv6') && !PRIVATE.check(address, 'ipv6') : !PRIVATE.check(address, 'ipv4')

export type Resolve = (host: string) => Promise<readonly string[]>

const resolveByName: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address)

export type Located =
  | { readonly address: string; readonly isPublic: boolean }
  | { readonly fault: 'NO_SUCH_HOST' | 'PRIVATE_ADDRESS' }

/** The address to connect to for a host; where private ones are not allowed, never one of those. */
export async function locate(host: string, allowPrivate: boolean, resolve: Resolve = resolveByName): Promise<Located> {
  const addresses = await resolve(host).catch(() => [])
  const usable = allowPrivate ? addresses[0] : addresses.find(isPublicAddress)
  if (usable !== undefined) return { address: usable, isPublic: isPublicAddress(usable) }
  return { fault: addresses.length === 0 ? 'NO_SUCH_HOST' : 'PRIVATE_ADDRESS' }
}
