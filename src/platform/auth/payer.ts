import { isIP } from 'node:net'
import type { Viewer } from './viewer.ts'

/** Whose budget an operation is paid from. */
export interface Payer {
  /** Never a secret: the id of a credential, or an address. */
  readonly key: string
  readonly anonymous: boolean
}

/**
 * Who pays for what this viewer asks: a key for itself, a person with all their sessions, whoever has no credential with
 * others of the address. The server's
 * own work, employees' among it, is paid by nobody.
 */
export function payerOf(viewer: Viewer, address: string | undefined): Payer | undefined {
  switch (viewer.kind) {
    case 'apiKey':
      return { key: viewer.keyId, anonymous: false }
    case 'member':
    case 'account':
      return { key: viewer.accountId, anonymous: false }
    case 'anonymous':
      return { key: networkOf(address ?? ''), anonymous: true }
    case 'employee':
    case 'system':
      return undefined
  }
}

const MAX_LENGTH = 64

/**
 * The address as far as it tells one caller from another: of IPv6 the network, because whoever has one address there has
 * 2^64 of them. What is no address is taken as it is written.
 */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%', 1)[0] ?? ''
  if (isIP(plain) !== 6) return plain.slice(0, MAX_LENGTH)
  const [head = '', tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after]
  return `${groups.slice(0, 4).join(':')}::/64`
}
