import { createHash, randomInt } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SECRET_LENGTH = 32
const SHOWN_LENGTH = 'cadre_test_'.length + 4
const KEY = /^cadre_(test|live)_[0-9A-Za-z]{32}$/

export interface NewKey {
  /** The key itself: shown once, never stored. */
  readonly plain: string
  /** Its first characters, to recognise it by. */
  readonly prefix: string
  /** SHA-256, hex: what is stored. */
  readonly hash: string
}

/** A new random key (190 bits). */
export function createKey(): NewKey {
  const secret = Array.from({ length: SECRET_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  const plain = `cadre_test_${secret}`
  return { plain, prefix: plain.slice(0, SHOWN_LENGTH), hash: hashKey(plain) }
}

/** What a key is looked up by. Keys are random, so a fast digest is enough: there is nothing to guess. */
export const hashKey = (plain: string): string => createHash('sha256').update(plain).digest('hex')

/** Whether the text could be a key at all; what cannot is not looked up. */
export const looksLikeKey = (text: string): boolean => KEY.test(text)
