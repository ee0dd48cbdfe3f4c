// Passwords: Argon2id, a few at a time.
//
// The parameters are OWASP's (Password Storage Cheat Sheet, Argon2id): 19 MiB of memory, two passes, one lane. Each hash is
// some 20 ms of a core and 19 MiB, so a few run at a time and some wait; what comes on top is told to try again, and nothing
// else suffers from a flood of log-ins. Whoever asks for a password that is not there pays for a hash all the same: the
// work tells nobody which addresses have an account.

import { hash, verify } from '@node-rs/argon2'
import { unavailable } from '../lib/errors.ts'
import { Slots } from '../lib/slots.ts'

/** Argon2id's number in the library, whose enum is a type only. */
const ARGON2ID = 2
const OPTIONS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
const AT_ONCE = 2
const WAITING = 50
const RETRY_MS = 1_000

export interface Passwords {
  /** A PHC string to be stored. UNAVAILABLE when too many wait already. */
  hash(password: string): Promise<string>
  /** Whether it is the one; false after the same work where there is none. UNAVAILABLE as above. */
  verify(stored: string | null | undefined, password: string): Promise<boolean>
  /** How many hashes have been worked out, for whoever measures. */
  worked(): number
}

export function createPasswords({ atOnce = AT_ONCE, waiting = WAITING } = {}): Passwords {
  const slots = new Slots(atOnce)
  let worked = 0
  let nobodys: Promise<string> | undefined

  const inTurn = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (slots.waiting >= waiting) throw unavailable('Too many people are signing in at this moment.', RETRY_MS)
    return await slots.with(() => {
      worked += 1
      return work()
    })
  }

  return {
    hash: (password) => inTurn(() => hash(normalised(password), OPTIONS)),
    verify: async (stored, password) => {
      nobodys ??= hash('nobody has this password', OPTIONS)
      const against = stored ?? (await nobodys)
      const right = await inTurn(() => verify(against, normalised(password)))
      return right && stored !== null && stored !== undefined
    },
    worked: () => worked,
  }
}

/** The same characters from another keyboard are the same password (NIST SP 800-63B, 3.1.1.2). */
const normalised = (password: string): string => password.normalize('NFKC')
