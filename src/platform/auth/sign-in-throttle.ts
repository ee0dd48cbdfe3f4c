// How often somebody may try to sign in.
//
// Five failed tries in fifteen minutes slow an account down, and thirty an address: until the time is over a right password
// must wait as well, or one could go on guessing. Counted before the password is looked at, so that tries that come at once
// are counted too, and given back when it was right. Counted in the database, for all processes and across restarts; whom
// and from where is stored as a digest. An account that is not there is slowed down like any other.

import { createHash } from 'node:crypto'
import type pg from 'pg'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { limitExceeded } from '../lib/errors.ts'
import { networkOf } from './payer.ts'

export interface SignInThrottle {
  /** Counts a try. LIMIT_EXCEEDED with `retryAfterMs` when there were too many. */
  attempt(email: string, address: string | undefined): Promise<void>
  /** The password was right: the account's count begins anew, and the address gets its try back. */
  succeeded(email: string, address: string | undefined): Promise<void>
  /** Counts a sign-up or a request for mail from an address. LIMIT_EXCEEDED as above. */
  ask(address: string | undefined): Promise<void>
  /** Whether another mail may go to the address now; counts it. */
  mayMail(email: string): Promise<boolean>
}

const QUARTER_S = 15 * 60
const HOUR_S = 3_600

export const MAX_FAILED_PER_ACCOUNT = 5
const MAX_FAILED_PER_ADDRESS = 30
const MAX_ASKED_PER_ADDRESS = 100
const MAX_MAILS = 3

export function createSignInThrottle(system: pg.Pool): SignInThrottle {
  const limiter = (keyPrefix: string, points: number, duration: number) =>
    new RateLimiterPostgres({
      storeClient: system,
      storeType: 'pool',
      tableName: 'sign_in_attempt',
      tableCreated: true,
      keyPrefix,
      points,
      duration,
      // Once for all of them: the table is one.
      clearExpiredByTimeout: keyPrefix === 'account',
    })
  const accounts = limiter('account', MAX_FAILED_PER_ACCOUNT, QUARTER_S)
  const addresses = limiter('address', MAX_FAILED_PER_ADDRESS, QUARTER_S)
  const asked = limiter('asked', MAX_ASKED_PER_ADDRESS, HOUR_S)
  const mails = limiter('mail', MAX_MAILS, QUARTER_S)

  const consume = async (from: RateLimiterPostgres, key: string): Promise<RateLimiterRes | undefined> => {
    try {
      await from.consume(digest(key))
      return undefined
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return refused
      throw refused
    }
  }
  const refuse = (refused: RateLimiterRes | undefined): void => {
    if (refused === undefined) return
    const minutes = Math.max(1, Math.ceil(refused.msBeforeNext / 60_000))
    const message = `Too many tries. The next one is heard in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`
    throw limitExceeded('RATE', message, Math.max(refused.msBeforeNext, 1_000))
  }

  return {
    attempt: async (email, address) => {
      // The wider one first: who is stopped by it does not slow somebody else's account down as well.
      if (address !== undefined) refuse(await consume(addresses, networkOf(address)))
      refuse(await consume(accounts, email))
    },
    succeeded: async (email, address) => {
      await accounts.delete(digest(email))
      if (address !== undefined) await addresses.reward(digest(networkOf(address)))
    },
    ask: async (address) => {
      if (address !== undefined) refuse(await consume(asked, networkOf(address)))
    },
    mayMail: async (email) => (await consume(mails, email)) === undefined,
  }
}

/** Under what an e-mail address is counted: here, and where invites to it are. */
export const attemptKeysOf = (email: string): readonly string[] =>
  ['account', 'mail', 'invite'].map((counter) => `${counter}:${digest(email)}`)

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')
