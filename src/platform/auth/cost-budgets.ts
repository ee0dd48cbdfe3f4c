// What operations may cost in a minute, for each payer: see `cost.ts` for what one costs and `payer.ts` for who pays.
//
// A minute begins with a payer's first operation. What does not fit into the rest of it is refused and costs no more than
// its reading did, so that a small one still fits after a large one was refused. Who has nothing left is known here for a
// second at a time, and is turned away without anything being read: no longer, for a large one that is being refused holds
// everything for the moment between its taking and its giving back.
//
//   memory     one process; a restart forgets
//   postgres   all processes on one database, one statement for each operation; while the database does not answer, each
//              process counts in memory

import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterPostgres,
  type RateLimiterRes,
  RLWrapperTimeouts,
} from 'rate-limiter-flexible'
import type { Logger } from '../observability/logger.ts'
import type { Payer } from './payer.ts'

export interface CostBudgetOptions {
  readonly perMinute: number
  /** For each address, for whoever has no credential. */
  readonly perMinuteAnonymous: number
  /** The pool of `cadre_system`, where all processes on its database shall share the budgets. */
  readonly shared?: pg.Pool | undefined
  /** Told for each operation that was counted in memory because the database does not answer. */
  readonly onStoreAway?: (() => void) | undefined
  /** How often an open stream is paid for: every minute, unless a test cannot wait so long. */
  readonly rentEveryMs?: number
}

/** How a payer stands after an operation. */
export interface Balance {
  readonly limit: number
  readonly remaining: number
  readonly resetAt: Date
}

export interface Payment {
  readonly paid: boolean
  readonly balance: Balance
  /** When there is a new budget. */
  readonly retryAfterMs: number
}

export interface CostBudgets {
  /** How often an open stream is paid for. */
  readonly rentEveryMs: number
  /** What the payer has for a minute. */
  limitOf(payer: Payer): number
  /** Takes the cost, or no more than `reading` when there is not that much left. Never rejects. */
  take(payer: Payer, cost: number, reading: number): Promise<Payment>
  /** Whether nothing is left, as far as this process knows: asks nobody. */
  exhausted(payer: Payer): Payment | undefined
}

const MINUTE_MS = 60_000
const MAX_EXHAUSTED = 10_000
const EXHAUSTED_MS = 1_000
// A database that hangs must not hold every operation for as long as a pool waits.
const STORE_TIMEOUT_MS = 1_000

export function createCostBudgets(options: CostBudgetOptions): CostBudgets {
  const { perMinute, perMinuteAnonymous } = options
  const limiters = {
    credential: limiterOf('credential', perMinute, options),
    address: limiterOf('address', perMinuteAnonymous, options),
  }
  const limiterFor = ({ anonymous }: Payer) => (anonymous ? limiters.address : limiters.credential)
  const limitOf = ({ anonymous }: Payer) => (anonymous ? perMinuteAnonymous : perMinute)
  const exhausted = new LRUCache<string, { readonly until: number; readonly knownUntil: number }>({
    max: MAX_EXHAUSTED,
  })
  const nameOf = ({ anonymous, key }: Payer) => `${anonymous} ${key}`

  const paymentOf = (paid: boolean, payer: Payer, { consumedPoints, msBeforeNext }: RateLimiterRes): Payment => {
    const limit = limitOf(payer)
    const retryAfterMs = Math.max(1, Math.ceil(msBeforeNext))
    return {
      paid,
      balance: {
        limit,
        // What was given back after its minute was over is no credit for the next.
        remaining: Math.min(limit, Math.max(0, limit - consumedPoints)),
        resetAt: new Date(Date.now() + retryAfterMs),
      },
      retryAfterMs,
    }
  }

  return {
    rentEveryMs: options.rentEveryMs ?? MINUTE_MS,
    limitOf,
    exhausted: (payer) => {
      const known = exhausted.get(nameOf(payer))
      if (known === undefined) return undefined
      const retryAfterMs = known.until - Date.now()
      if (retryAfterMs <= 0 || known.knownUntil <= Date.now()) {
        exhausted.delete(nameOf(payer))
        return undefined
      }
      const balance = { limit: limitOf(payer), remaining: 0, resetAt: new Date(known.until) }
      return { paid: false, balance, retryAfterMs }
    },
    take: async (payer, cost, reading) => {
      const limiter = limiterFor(payer)
      let payment: Payment
      try {
        return paymentOf(true, payer, await limiter.consume(payer.key, cost))
      } catch (refused) {
        if (refused instanceof Error) throw refused
        payment = paymentOf(false, payer, refused as RateLimiterRes)
      }
      if (cost > reading) payment = paymentOf(false, payer, await limiter.reward(payer.key, cost - reading))
      if (payment.balance.remaining === 0) {
        const until = payment.balance.resetAt.getTime()
        exhausted.set(nameOf(payer), { until, knownUntil: Date.now() + EXHAUSTED_MS })
      }
      return payment
    },
  }
}

/** The table `cost_budget` stands in the migrations; rows whose minute is long over are removed by the library. */
function limiterOf(name: string, points: number, { shared, onStoreAway }: CostBudgetOptions): RateLimiterAbstract {
  const options = { keyPrefix: name, points, duration: MINUTE_MS / 1_000 }
  if (shared === undefined) return new RateLimiterMemory(options)
  const limiter = new RateLimiterPostgres({
    ...options,
    storeClient: shared,
    storeType: 'pool',
    tableName: 'cost_budget',
    tableCreated: true,
    clearExpiredByTimeout: true,
    insuranceLimiter: new Insurance(options, onStoreAway),
  })
  return new RLWrapperTimeouts({ limiter, timeoutMs: STORE_TIMEOUT_MS })
}

class Insurance extends RateLimiterMemory {
  readonly #onUsed: (() => void) | undefined

  constructor(options: ConstructorParameters<typeof RateLimiterMemory>[0], onUsed: (() => void) | undefined) {
    super(options)
    this.#onUsed = onUsed
  }

  override consume(key: string | number, points?: number): Promise<RateLimiterRes> {
    this.#onUsed?.()
    return super.consume(key, points)
  }
}

const TELL_EVERY_MS = 60_000

/** For `onStoreAway`: says so in the log, once a minute. */
export function warnOfStore(log: Logger): () => void {
  let toldAt = Number.NEGATIVE_INFINITY
  return () => {
    if (performance.now() - toldAt < TELL_EVERY_MS) return
    toldAt = performance.now()
    log.warn('the database does not count what operations cost: each process counts for itself')
  }
}
