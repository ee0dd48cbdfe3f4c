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

/** What a key is for: real work, or trying things out. It stands in the key itself, for people. */
export const KEY_ENVIRONMENTS = ['LIVE', 'TEST'] as const
export type KeyEnvironment = (typeof KEY_ENVIRONMENTS)[number]

/** A new random key (190 bits). */
export function createKey(environment: KeyEnvironment = 'TEST'): NewKey {
  const secret = Array.from({ length: SECRET_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  const plain = `cadre_${environment.toLowerCase()}_${secret}`
  return { plain, prefix: prefixOf(plain), hash: hashKey(plain) }
}

/** The first characters of a key: enough to tell it from others, too few to use it. */
export const prefixOf = (plain: string): string => plain.slice(0, SHOWN_LENGTH)

/** What a key is looked up by. Keys are random, so a fast digest is enough: there is nothing to guess. */
export const hashKey = (plain: string): string => createHash('sha256').update(plain).digest('hex')

/** Whether the text could be a key at all; what cannot is not looked up. */
export const looksLikeKey = (text: string): boolean => KEY.test(text)
