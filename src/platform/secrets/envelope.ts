// A secret in its envelope: AES-256-GCM with a key made for it alone, which is itself sealed by a key of the server.
//
// Both seals are bound to what the secret is for, as additional data: in another workspace, for another purpose, or beside
// another value that it was bound to, neither opens. To change the server's key only the small key is sealed anew.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { KEY_BYTES, type MasterKey } from './keyring.ts'

/** A secret as it is stored. */
export interface Envelope {
  /** The server's key that sealed `wrappedKey`. */
  readonly keyId: string
  readonly wrappedKey: Buffer
  readonly sealed: Buffer
}

/** What a secret is for: the tenant it belongs to, and which of its secrets it is. */
export interface Place {
  readonly workspaceId: string
  readonly purpose: string
}

const FORMAT = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What was sealed is not what is there, or was sealed for something else. */
export class SealBroken extends Error {
  constructor() {
    super('a sealed secret does not open: it was changed, or belongs elsewhere')
    this.name = 'SealBroken'
  }
}

const boundTo = (what: 'key' | 'secret', { workspaceId, purpose }: Place, more: readonly string[]): Buffer =>
  Buffer.from(JSON.stringify(['cadre', FORMAT, what, workspaceId, purpose, ...more]))

/** Seals a secret. It opens only at this place, and beside these same values. */
export function sealSecret(master: MasterKey, place: Place, secret: string, beside: readonly string[]): Envelope {
  const key = randomBytes(KEY_BYTES)
  const sealed = seal(key, Buffer.from(secret, 'utf8'), boundTo('secret', place, beside))
  const envelope = { keyId: master.id, wrappedKey: wrap(master, place, key), sealed }
  key.fill(0)
  return envelope
}

/** The secret. Throws SealBroken. `master` is the key that `keyId` names. */
export function openSecret(master: MasterKey, place: Place, envelope: Envelope, beside: readonly string[]): string {
  const key = unwrap(master, place, envelope.wrappedKey)
  const secret = unseal(key, envelope.sealed, boundTo('secret', place, beside)).toString('utf8')
  key.fill(0)
  return secret
}

/** The same secret, its key sealed by another key of the server. Throws SealBroken. */
export function rewrap(from: MasterKey, to: MasterKey, place: Place, envelope: Envelope): Envelope {
  const key = unwrap(from, place, envelope.wrappedKey)
  const wrappedKey = wrap(to, place, key)
  key.fill(0)
  return { keyId: to.id, wrappedKey, sealed: envelope.sealed }
}

const wrap = (master: MasterKey, place: Place, key: Buffer): Buffer =>
  seal(master.bytes, key, boundTo('key', place, [master.id]))

const unwrap = (master: MasterKey, place: Place, wrapped: Buffer): Buffer =>
  unseal(master.bytes, wrapped, boundTo('key', place, [master.id]))

function seal(key: Buffer, plain: Buffer, bound: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound)
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.getAuthTag(), sealed])
}

function unseal(key: Buffer, sealed: Buffer, bound: Buffer): Buffer {
  const start = 1 + NONCE_BYTES + TAG_BYTES
  if (sealed.length < start || sealed[0] !== FORMAT) throw new SealBroken()
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(bound).setAuthTag(sealed.subarray(1 + NONCE_BYTES, start))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(start)), decipher.final()])
  } catch {
    throw new SealBroken()
  }
}
