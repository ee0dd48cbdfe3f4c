import { describe, expect, it } from 'vitest'
import { loadPrices, NO_USAGE } from './prices.ts'

describe('prices', () => {
  const prices = loadPrices()

  it('know every model of the current generation', () => {
    for (const id of ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5']) expect(prices.has(id)).toBe(true)
  })

  it('charge each kind of token at its own rate', () => {
    const usage = { input: 1_000_000, output: 1_000_000, cacheWrite: 1_000_000, cacheRead: 1_000_000 }
    expect(prices.costMicros(usage, 'claude-opus-5-5')).toBe(29_200_000n)
  })

  it('round up once per call, not once per kind of token', () => {
    expect(prices.costMicros({ input: 1, output: 1, cacheWrite: 1, cacheRead: 1 }, 'claude-haiku-5-5')).toBe(1n)
    expect(prices.costMicros(NO_USAGE, 'claude-haiku-5-5')).toBe(0n)
  })

  it('charge the dearer rates once the whole prompt, cached parts included, is over the threshold', () => {
    const at = (cacheRead: number) =>
      prices.costMicros({ input: 50_000, output: 0, cacheWrite: 0, cacheRead }, 'claude-haiku-5-5')
    expect(at(50_000)).toBe(5_500n)
    expect(at(50_001)).toBe(27_501n)
  })

  it('never let a call cost more than its worst case, however its tokens fall', () => {
    for (const model of prices.models) {
      for (const requestBytes of [1, 999, 40_000, 250_000]) {
        const worst = prices.worstCaseMicros({ requestBytes, maxTokens: 1024, model })
        for (const kind of ['input', 'cacheWrite', 'cacheRead'] as const) {
          const usage = { ...NO_USAGE, [kind]: requestBytes, output: 1024 }
          expect(prices.costMicros(usage, model)).toBeLessThanOrEqual(worst)
        }
      }
    }
  })

  it('can be changed by figure for a known model', () => {
    const changed = loadPrices({ 'claude-opus-5-5': { output: 40 } })
    expect(changed.costMicros({ ...NO_USAGE, input: 10, output: 10 }, 'claude-opus-5-5')).toBe(440n)
    expect(prices.costMicros({ ...NO_USAGE, input: 10, output: 10 }, 'claude-opus-5-5')).toBe(240n)
  })

  it('can be added for a model of a gateway', () => {
    const added = loadPrices({ 'other/large': { input: 1, output: 2, cacheWrite: 1, cacheRead: 1 } })
    expect(added.worstCaseMicros({ requestBytes: 100, maxTokens: 100, model: 'other/large' })).toBe(300n)
  })

  it('are refused when a new model has only some, when one is negative, and when a name is misspelled', () => {
    expect(() => loadPrices({ 'other/large': { input: 1 } })).toThrow(/Price of other\/large/)
    expect(() => loadPrices({ 'claude-opus-5-5': { input: -1 } })).toThrow(/Model prices/)
    const misspelled: object = { 'claude-opus-5-5': { inptu: 1 } }
    expect(() => loadPrices(misspelled as Parameters<typeof loadPrices>[0])).toThrow(/inptu/)
  })

  it('of an unknown model are an error that says what to do', () => {
    expect(() => prices.costMicros(NO_USAGE, 'nobody')).toThrow('The model nobody has no price')
  })
})
