// The server's own keys, by which everything is sealed that a workspace trusts us with.
//
// They come from the setting SECRET_KEY: the first one seals, all of them open. Without it, where that is allowed, there is a
// key in a file of the data folder, made when something is first sealed. A file that is there opens what it has sealed even
// after SECRET_KEY is set, so that the way from one to the other is a restart.
//
// None is used as it is: for each purpose one is derived from it (HKDF, RFC 5869), so that one use tells nothing about another.
// What was sealed before that, by the key itself, is found by that key's name; the next start has it sealed by the derived one.

import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { conflict } from '../lib/errors.ts'

/** A key that seals. `id` names it and tells nothing about it. */
export interface MasterKey {
  readonly id: string
  readonly bytes: Buffer
}

export interface Keyring {
  /** The key that seals; one is made where that is allowed and there is none. CONFLICT (NOT_CONFIGURED) without any. */
  current(): Promise<MasterKey>
  /** The key that would seal, if there is one already. */
  existing(): Promise<MasterKey | undefined>
  /** The key of this name, if this server has it. */
  find(id: string): Promise<MasterKey | undefined>
  /** A digest of a secret that says nothing to whoever has not the server's key: to tell two inputs apart. */
  fingerprint(secret: string): Promise<string>
}

export interface KeyringOptions {
  /** Keys of 32 bytes; the first one seals. */
  readonly keys: readonly Buffer[]
  /** Where a key of this server's own lies. */
  readonly file: string
  /** Whether one may be made there. */
  readonly mayMake: boolean
}

export const KEY_BYTES = 32

const masterKey = (bytes: Buffer): MasterKey => ({
  id: createHash('sha256').update('cadre key id\0').update(bytes).digest('hex').slice(0, 16),
  bytes,
})

const derived = (bytes: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), `cadre ${purpose}`, KEY_BYTES))

/** What is made of one key of the server. */
interface Purposes {
  readonly seals: MasterKey
  /** The key itself, for what it sealed before it was for several purposes. */
  readonly sealedBefore: MasterKey
  readonly fingerprints: Buffer
}

const purposesOf = (bytes: Buffer): Purposes => ({
  seals: masterKey(derived(bytes, 'wrapping')),
  sealedBefore: masterKey(bytes),
  fingerprints: derived(bytes, 'fingerprint'),
})

/** A key as it is written: 32 bytes in base64. Undefined for anything else. */
export function parseKey(text: string): Buffer | undefined {
  const trimmed = text.trim()
  const bytes = Buffer.from(trimmed, 'base64')
  // Buffer.from leaves out what it does not know.
  return bytes.length === KEY_BYTES && bytes.toString('base64') === trimmed ? bytes : undefined
}

const missing = () =>
  conflict(
    'NOT_CONFIGURED',
    'This server has no key to seal secrets with. Whoever runs it sets SECRET_KEY to 32 random bytes in base64.',
  )

export function createKeyring({ keys, file, mayMake }: KeyringOptions): Keyring {
  const configured = keys.map(purposesOf)
  let ofFile: Purposes | undefined

  const readOwn = async (): Promise<Purposes | undefined> => {
    if (ofFile !== undefined) return ofFile
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw conflict('NOT_CONFIGURED', `The key file ${file} cannot be read.`)
    }
    const bytes = parseKey(text)
    if (bytes === undefined) throw conflict('NOT_CONFIGURED', `The key file ${file} does not hold 32 bytes in base64.`)
    ofFile = purposesOf(bytes)
    return ofFile
  }

  const existing = async (): Promise<Purposes | undefined> => configured[0] ?? (mayMake ? await readOwn() : undefined)

  const current = async (): Promise<Purposes> => {
    const known = await existing()
    if (known !== undefined) return known
    if (!mayMake) throw missing()
    await makeKeyFile(file)
    const made = await readOwn()
    if (made === undefined) throw missing()
    return made
  }

  return {
    current: async () => (await current()).seals,
    existing: async () => (await existing())?.seals,
    find: async (id) => {
      const named = (of: Purposes | undefined) => [of?.seals, of?.sealedBefore].find((key) => key?.id === id)
      for (const known of configured) {
        const key = named(known)
        if (key !== undefined) return key
      }
      // A file that cannot be read has no key: what it may have sealed cannot be opened, and whoever asks is told so.
      return named(await readOwn().catch(() => undefined))
    },
    fingerprint: async (secret) =>
      createHmac('sha256', (await current()).fingerprints)
        .update(secret)
        .digest('hex'),
  }
}

/** Makes the file unless it is there: written beside and linked, so that of several processes one makes it, and whole. */
async function makeKeyFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const unfinished = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(unfinished, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await link(unfinished, file)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err
  } finally {
    await rm(unfinished, { force: true })
  }
}
