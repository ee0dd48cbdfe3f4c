import { z } from 'zod'
import { AppError } from '../../platform/lib/errors.ts'
import published from './prices.json' with { type: 'json' }

/** Tokens of one model call, as the provider bills them. The four counts do not overlap. */
export interface TokenUsage {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
}

export const NO_USAGE: TokenUsage = Object.freeze({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 })

const dollars = z.number().nonnegative().finite()
const rates = { input: dollars, output: dollars, cacheWrite: dollars, cacheRead: dollars }
const longPrompt = z.strictObject({ overTokens: z.int().positive(), ...rates })
const modelPrice = z.strictObject({ ...rates, longPrompt: longPrompt.optional() })

/** Prices by model id, US dollars per million tokens; of a model in the published list single figures may be given. */
export const priceOverridesSchema = z.record(z.string().min(1), modelPrice.partial())
export type PriceOverrides = z.input<typeof priceOverridesSchema>

export interface PriceList {
  /** Ids that have a price. A call of any other model cannot be reserved, so it is not made. */
  readonly models: readonly string[]
  has(model: string): boolean
  /** What a call cost, in micro-dollars, rounded up once. Name the model that was asked for, not the one that answered. */
  costMicros(usage: TokenUsage, model: string): bigint
  /**
   * The most a call can cost, in micro-dollars: every byte of the request taken for a token at the dearest input price,
   * and `maxTokens` of output.
   */
  worstCaseMicros(call: { requestBytes: number; maxTokens: number; model: string }): bigint
}

interface Rates {
  readonly input: bigint
  readonly output: bigint
  readonly cacheWrite: bigint
  readonly cacheRead: bigint
}
interface Price {
  readonly base: Rates
  readonly long: { readonly overTokens: number; readonly rates: Rates } | null
}

const MILLION = 1_000_000n

/**
 * The published prices, with a configuration's own on top. A model that is not in the published list needs all four
 * figures. Throws `INVALID_INPUT` naming what is wrong.
 */
export function loadPrices(overrides: PriceOverrides = {}): PriceList {
  const parsed = priceOverridesSchema.safeParse(overrides)
  if (!parsed.success) throw new AppError('INVALID_INPUT', `Model prices: ${z.prettifyError(parsed.error)}`)

  const prices = new Map<string, Price>()
  const known: Record<string, z.input<typeof modelPrice> | undefined> = published.models
  for (const id of new Set([...Object.keys(known), ...Object.keys(parsed.data)])) {
    const price = modelPrice.safeParse({ ...known[id], ...parsed.data[id] })
    if (!price.success) throw new AppError('INVALID_INPUT', `Price of ${id}: ${z.prettifyError(price.error)}`)
    const { longPrompt: long, ...base } = price.data
    prices.set(id, {
      base: toMicros(base),
      long: long === undefined ? null : { overTokens: long.overTokens, rates: toMicros(long) },
    })
  }

  function ratesFor(model: string, promptTokens: number): Rates {
    const price = prices.get(model)
    if (price === undefined) {
      throw new AppError('INVALID_INPUT', `The model ${model} has no price: add one to the configuration.`)
    }
    return price.long !== null && promptTokens > price.long.overTokens ? price.long.rates : price.base
  }

  return {
    models: [...prices.keys()],
    has: (model) => prices.has(model),
    costMicros(usage, model) {
      const rate = ratesFor(model, usage.input + usage.cacheRead + usage.cacheWrite)
      return roundUp(
        BigInt(usage.input) * rate.input +
          BigInt(usage.output) * rate.output +
          BigInt(usage.cacheWrite) * rate.cacheWrite +
          BigInt(usage.cacheRead) * rate.cacheRead,
      )
    },
    worstCaseMicros({ requestBytes, maxTokens, model }) {
      const rate = ratesFor(model, requestBytes)
      let dearest = rate.input
      for (const other of [rate.cacheWrite, rate.cacheRead]) if (other > dearest) dearest = other
      return roundUp(BigInt(requestBytes) * dearest + BigInt(maxTokens) * rate.output)
    },
  }
}

/** Dollars per million tokens to micro-dollars per million tokens: integers, so that sums are exact. */
function toMicros(price: { input: number; output: number; cacheWrite: number; cacheRead: number }): Rates {
  const micros = (figure: number) => BigInt(Math.round(figure * 1_000_000))
  return {
    input: micros(price.input),
    output: micros(price.output),
    cacheWrite: micros(price.cacheWrite),
    cacheRead: micros(price.cacheRead),
  }
}

const roundUp = (microsPerMillion: bigint): bigint => (microsPerMillion + MILLION - 1n) / MILLION
