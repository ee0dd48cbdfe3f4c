import { createHmac, timingSafeEqual } from 'node:crypto'
import { isIPv6 } from 'node:net'

/** What the public door signs and digests with: stable over restarts, else open pages and counted addresses are forgotten. */
export type DoorSecret = string

const sign = (secret: DoorSecret, text: string): Buffer => createHmac('sha256', secret).update(text).digest()

const TOKEN = /^([0-9a-z]{1,11})\.([A-Za-z0-9_-]{22})$/

/** Says when the page of a form was opened, in a way that its sender cannot make up. `form` is its path. */
export function issuePageToken(secret: DoorSecret, form: string, openedAt: Date): string {
  const time = openedAt.getTime().toString(36)
  return `${time}.${sign(secret, `page ${form} ${time}`).subarray(0, 16).toString('base64url')}`
}

/**
 * When the page was opened that carried this token; undefined for anything but a token of this form. That is no reason
 * to refuse: a secret may have changed under an open page, and who leaves the token out is let through as well.
 */
export function readPageToken(secret: DoorSecret, form: string, token: unknown): Date | undefined {
  const match = typeof token === 'string' ? TOKEN.exec(token) : null
  if (match === null) return undefined
  const [, time = '', signature = ''] = match
  const expected = sign(secret, `page ${form} ${time}`).subarray(0, 16)
  const given = Buffer.from(signature, 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  return new Date(Number.parseInt(time, 36))
}

/**
 * A network address as it is kept: a keyed digest, different in every workspace, from which nobody without the secret
 * finds the address. Of IPv6 the first 64 bits count, for that is what one household or server has to itself.
 */
export const addressDigest = (secret: DoorSecret, workspaceId: string, address: string): string =>
  sign(secret, `address ${workspaceId} ${networkOf(address)}`).toString('base64url')

export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  const [plain = ''] = address.split('%')
  if (!isIPv6(plain)) return address
  const [head = '', tail] = plain.toLowerCase().split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const whole = [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
  return whole
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
