import { describe, expect, test } from 'vitest'
import type { Clock } from '../platform/lib/clock.ts'
import type { EndedAttempt, Held } from './budget.ts'
import { type CircuitBreaker, createCircuitBreaker } from './model/circuit-breaker.ts'
import type { AttemptOutcome, ModelMode, ModelRequest } from './model/model.ts'
import type { ModelError } from './model/model-error.ts'
import { loadPrices } from './model/prices.ts'
import { callModel, type Routing } from './model-call.ts'

const CHOSEN = 'claude-sonnet-5-5'
const FALLBACK = 'claude-haiku-5-5'
const USAGE = { input: 1_000_000, output: 0, cacheRead: 0, cacheWrite: 0 }
const prices = loadPrices()

const answer = (rehearsal = false): AttemptOutcome => ({
  ok: true,
  answer: { content: [], stopReason: 'end_turn', usage: USAGE, model: CHOSEN, rehearsal },
})
const failure = (change: Partial<ModelError> = {}): AttemptOutcome => ({
  ok: false,
  error: { kind: 'OVERLOADED', message: 'Too busy.', sent: true, ...change },
})
const hold = (attempt: number, model = CHOSEN): Held => ({ runId: 'run', turn: 0, attempt, model })

interface Arranged {
  readonly outcomes: readonly AttemptOutcome[]
  readonly mode?: ModelMode
  readonly fallback?: string | null
  readonly held?: Held | 'FREE'
  /** What the next attempt is held with. */
  readonly repeat?: (attempt: number, model: string) => Held | 'FREE' | null
  /** Models whose circuit is open. */
  readonly open?: readonly string[]
  readonly maxAttempts?: number
  /** The signal goes while the call pauses. */
  readonly letGoInPause?: boolean
}

async function call(arranged: Arranged) {
  const { outcomes, mode = 'live', fallback = FALLBACK, held = hold(1), open = [], maxAttempts = 4 } = arranged
  const asked: string[] = []
  const pauses: number[] = []
  const books: (EndedAttempt | undefined)[] = []
  const controller = new AbortController()
  const clock: Clock = {
    now: () => new Date(0),
    monotonicMs: () => 0,
    sleep: async (ms) => {
      pauses.push(ms)
      if (arranged.letGoInPause === true) controller.abort()
    },
  }
  const circuits = new Map<string, CircuitBreaker>()
  const circuitOf = (model: string): CircuitBreaker => {
    const circuit = circuits.get(model) ?? createCircuitBreaker({ failuresToOpen: 9, openMs: 60_000, clock })
    if (!circuits.has(model)) {
      for (let n = 0; n < 9 && open.includes(model); n++) circuit.report(failure())
      circuits.set(model, circuit)
    }
    return circuit
  }
  const routing: Routing = { model: CHOSEN, fallback }
  const outcome = await callModel(
    {
      model: {
        mode,
        requestBytes: () => 0,
        attempt: async ({ model }) => {
          asked.push(model)
          return outcomes[asked.length - 1] ?? answer()
        },
      },
      prices,
      clock,
      random: () => 0,
      retry: { maxAttempts, baseMs: 500, capMs: 20_000 },
      circuitOf,
      signal: controller.signal,
      repeat: async (ended, _spent, model) => {
        books.push(ended)
        return arranged.repeat === undefined ? hold(books.length + 1, model) : arranged.repeat(books.length + 1, model)
      },
    },
    routing,
    (model) => ({ model }) as ModelRequest,
    held,
  )
  return { outcome, asked, pauses, books }
}

describe('a call of the model', () => {
  test('that is answered costs what was used, and closes its books with that', async () => {
    const { outcome } = await call({ outcomes: [answer()] })
    const costMicros = prices.costMicros(USAGE, CHOSEN)
    expect(costMicros).toBeGreaterThan(0n)
    expect(outcome).toMatchObject({
      ...{ kind: 'ANSWERED', model: CHOSEN, attempts: 1, fallbackReason: null, spent: { tokens: USAGE, costMicros } },
      ended: { runId: 'run', attempt: 1, status: 'SETTLED', actualMicros: costMicros },
    })
  })

  test('of rules costs nothing, wherever they answered from, and without a hold there are no books', async () => {
    const { outcome } = await call({ outcomes: [answer(true)] })
    expect(outcome).toMatchObject({ spent: { costMicros: 0n }, ended: { actualMicros: 0n } })
    const free = await call({ outcomes: [answer(false)], mode: 'tape', held: 'FREE' })
    expect(free.outcome).toMatchObject({ spent: { tokens: USAGE, costMicros: 0n }, ended: undefined })
  })

  test('that fails in passing is made again after a pause, each attempt with money of its own', async () => {
    const { outcome, asked, pauses, books } = await call({ outcomes: [failure(), failure({ sent: false }), answer()] })
    expect(outcome).toMatchObject({ kind: 'ANSWERED', attempts: 3, fallbackReason: null, ended: { attempt: 3 } })
    expect([asked, pauses]).toEqual([
      [CHOSEN, CHOSEN, CHOSEN],
      [500, 500],
    ])
    expect(books).toMatchObject([
      { attempt: 1, status: 'LOST' },
      { attempt: 2, status: 'RELEASED' },
    ])
  })

  test('that broke off is paid for as far as is known, and not at all where nothing is charged', async () => {
    const broken = failure({ kind: 'TRUNCATED', usage: USAGE })
    const live = await call({ outcomes: [broken, answer()] })
    expect(live.books).toMatchObject([{ status: 'SETTLED', actualMicros: prices.costMicros(USAGE, CHOSEN) }])
    const tape = await call({ outcomes: [broken, answer()], mode: 'tape' })
    expect(tape.books).toMatchObject([{ status: 'LOST' }])
  })

  test('takes the other model when the chosen one goes on failing, and says why', async () => {
    const { outcome, asked } = await call({ outcomes: [failure(), failure(), answer()], maxAttempts: 2 })
    expect(outcome).toMatchObject({ kind: 'ANSWERED', model: FALLBACK, fallbackReason: `${CHOSEN}: Too busy.` })
    expect(asked).toEqual([CHOSEN, CHOSEN, FALLBACK])
  })

  test('does not sit out a long pause that the provider asks for: there is another model, or the run waits', async () => {
    const later = failure({ kind: 'RATE_LIMITED', retryAfterMs: 3_600_000 })
    const { outcome, asked, pauses } = await call({ outcomes: [later, later] })
    expect([asked, pauses]).toEqual([[CHOSEN, FALLBACK], []])
    expect(outcome).toMatchObject({ kind: 'OUTAGE', error: { retryAfterMs: 3_600_000 }, ended: { attempt: 2 } })
    const alone = await call({ outcomes: [later], fallback: null })
    expect(alone.asked).toEqual([CHOSEN])
    expect(alone.outcome.kind).toBe('OUTAGE')
  })

  test('begins with the other model while the chosen one is known to be down', async () => {
    const { outcome, asked } = await call({ outcomes: [answer()], open: [CHOSEN], held: 'FREE' })
    expect(asked).toEqual([FALLBACK])
    expect(outcome).toMatchObject({ fallbackReason: `${CHOSEN} is not answering at the moment.` })
  })

  test('asks nobody where all are known to be down, and costs nothing', async () => {
    const { outcome, asked } = await call({ outcomes: [], open: [CHOSEN, FALLBACK] })
    expect(asked).toEqual([])
    expect(outcome).toMatchObject({ kind: 'OUTAGE', ended: { status: 'RELEASED' }, spent: { costMicros: 0n } })
  })

  test.each([
    ['REFUSED', 'MODEL_REFUSED'],
    ['UNAUTHORIZED', 'MODEL_UNAVAILABLE'],
    ['INVALID_REQUEST', 'MODEL_UNAVAILABLE'],
  ] as const)('that is answered with %s is not made again, and ends the run as %s', async (kind, reason) => {
    const { outcome, asked } = await call({ outcomes: [failure({ kind, message: 'No.' })] })
    expect(asked).toHaveLength(1)
    expect(outcome).toMatchObject({ kind: 'FAILED', end: { status: 'FAILED', reason, text: 'No.' } })
  })

  test('ends where there is no money for another attempt', async () => {
    const { outcome, asked } = await call({ outcomes: [failure()], repeat: () => null })
    expect([outcome, asked]).toEqual([{ kind: 'OVER' }, [CHOSEN]])
  })

  test('that is let go in a pause gives back what was held for the next attempt', async () => {
    const { outcome, asked } = await call({ outcomes: [failure()], letGoInPause: true })
    expect(asked).toEqual([CHOSEN])
    expect(outcome).toMatchObject({ kind: 'INTERRUPTED', ended: { attempt: 2, status: 'RELEASED' } })
  })

  test('that was broken off by its own signal is no failure of the model', async () => {
    const { outcome } = await call({ outcomes: [failure({ kind: 'ABORTED' })], held: 'FREE' })
    expect(outcome).toMatchObject({ kind: 'INTERRUPTED', ended: undefined })
  })
})
