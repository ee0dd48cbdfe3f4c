import { createHash, createHmac, randomBytes } from 'node:crypto'

/** What a secret is for; it stands in the secret itself, so that one that is found somewhere can be told from others. */
export type SecretKind = 'browser' | 'refresh' | 'reset' | 'email' | 'invite' | 'setup'

export interface NewSecret {
  /** The secret itself: shown or sent once, never stored. */
  readonly plain: string
  /** SHA-256, hex: what is stored. */
  readonly hash: string
}

const SECRET = /^cadre_(browser|refresh|reset|email|invite|setup)_[\w-]{43}$/

/** A new random secret of 256 bits. */
export const createSecret = (kind: SecretKind): NewSecret => secretOf(kind, randomBytes(32))

/**
 * The one secret that follows from another, for whoever knows `key`: the same each time, and nothing is told by either of
 * the two without it.
 */
export const derivedSecret = (kind: SecretKind, key: string, from: string): NewSecret =>
  secretOf(kind, createHmac('sha256', key).update(from).digest())

/** What a secret is looked up by. Secrets are random, so a fast digest is enough: there is nothing to guess. */
export const hashSecret = (plain: string): string => createHash('sha256').update(plain).digest('hex')

/** Whether the text could be a secret of this kind at all; what cannot is not looked up. */
export const looksLikeSecret = (kind: SecretKind, text: string): boolean => SECRET.exec(text)?.[1] === kind

function secretOf(kind: SecretKind, bytes: Buffer): NewSecret {
  const plain = `cadre_${kind}_${bytes.toString('base64url')}`
  return { plain, hash: hashSecret(plain) }
}
