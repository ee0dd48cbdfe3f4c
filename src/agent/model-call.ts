/*
 * One turn's call of the model: attempts, with a pause between those that failed in passing, on the chosen model and then
 * on the fallback.
 *
 * Each attempt holds its own worst case, keyed (run, turn, attempt). The first one's hold came with the journal write before
 * it; a repetition closes the books on the attempt before and holds its own in one write. The last attempt's books are closed
 * by whoever writes what came of it. How an attempt ends in the books follows from what is known: not sent costs nothing,
 * sent with a known usage costs that, sent with nothing known counts in full.
 */

import type { RunEnd } from '../domains/runs/model.ts'
import type { Clock } from '../platform/lib/clock.ts'
import type { EndedAttempt, Held } from './budget.ts'
import type { CircuitBreaker } from './model/circuit-breaker.ts'
import type { AttemptOutcome, Model, ModelAnswer, ModelRequest } from './model/model.ts'
import type { ModelError } from './model/model-error.ts'
import { NO_USAGE, type PriceList, type TokenUsage } from './model/prices.ts'
import { DEFAULT_RETRY_POLICY, isPassing, nextDelayMs, type RetryPolicy } from './model/retry.ts'

/** Which model is asked, and which one when that one cannot be had. */
export interface Routing {
  readonly model: string
  readonly fallback: string | null
}

export interface CallMeans {
  readonly model: Model
  readonly prices: PriceList
  readonly clock: Clock
  readonly random: () => number
  readonly retry?: RetryPolicy | undefined
  /** One per model, shared by all runs of the process. */
  circuitOf(model: string): CircuitBreaker
  /** Ends the call: the run was cancelled, or the segment is let go. */
  readonly signal: AbortSignal
  /**
   * Between two attempts: closes the books on the one before and holds the next, in one write. Null when there is no money
   * for it; the run has been parked or ended then.
   */
  repeat(ended: EndedAttempt | undefined, spent: Spent, model: string): Promise<Held | null | 'FREE'>
}

/** What failed attempts cost: it belongs to the run though no turn shows it. */
export interface Spent {
  readonly tokens: TokenUsage
  readonly costMicros: bigint
}

export interface Answered {
  readonly kind: 'ANSWERED'
  readonly answer: ModelAnswer
  /** The model that was asked. */
  readonly model: string
  readonly latencyMs: number
  readonly attempts: number
  /** Why another model than the chosen one was asked. */
  readonly fallbackReason: string | null
  readonly spent: Spent
  readonly ended: EndedAttempt | undefined
}

export type CallOutcome =
  | Answered
  /** No model answers for now. `retryAfterMs` is what the provider asks for, where it asks. */
  | {
      readonly kind: 'OUTAGE'
      readonly error: ModelError
      readonly ended: EndedAttempt | undefined
      readonly spent: Spent
    }
  | { readonly kind: 'FAILED'; readonly end: RunEnd; readonly ended: EndedAttempt | undefined; readonly spent: Spent }
  /** The signal ended it. */
  | { readonly kind: 'INTERRUPTED'; readonly ended: EndedAttempt | undefined; readonly spent: Spent }
  /** No money for another attempt: the run is parked or over. */
  | { readonly kind: 'OVER' }

/** Longer pauses than this are not held in memory: the run is parked. */
const LONGEST_PAUSE_IN_PLACE_MS = 30_000

export const NOTHING_SPENT: Spent = { tokens: NO_USAGE, costMicros: 0n }

/** Asks until there is an answer or no point in asking. `request` makes the request for a model. */
export async function callModel(
  means: CallMeans,
  routing: Routing,
  request: (model: string) => ModelRequest,
  held: Held | 'FREE',
): Promise<CallOutcome> {
  const { clock, model: client, signal, random } = means
  const policy = means.retry ?? DEFAULT_RETRY_POLICY
  let model = held === 'FREE' ? chooseModel(means, routing) : held.model
  let fallbackReason = model === routing.model ? null : `${routing.model} is not answering at the moment.`
  let hold: Held | 'FREE' = held
  let failures = 0
  let delayMs = 0
  for (let attempts = 1; ; attempts++) {
    const circuit = means.circuitOf(model)
    const startedMs = clock.monotonicMs()
    const admitted = circuit.admit()
    const outcome: AttemptOutcome = admitted ? await client.attempt({ ...request(model), signal }) : notAsked(model)
    if (admitted) circuit.report(outcome)
    if (outcome.ok) {
      const spent = spentOn(means.prices, client, outcome.answer, model)
      const latencyMs = Math.round(clock.monotonicMs() - startedMs)
      const ended = endOf(hold, { status: 'SETTLED', actualMicros: spent.costMicros })
      return { kind: 'ANSWERED', answer: outcome.answer, model, latencyMs, attempts, fallbackReason, spent, ended }
    }
    const { error } = outcome
    const { ended, spent } = booksOf(means.prices, client, hold, error, model)
    if (signal.aborted || error.kind === 'ABORTED') return { kind: 'INTERRUPTED', ended, spent }
    if (!isPassing(error.kind)) return { kind: 'FAILED', end: endOfRun(error), ended, spent }

    failures += 1
    const nextMs = admitted ? nextDelayMs(failures, error, random, delayMs, policy) : null
    if (nextMs !== null && nextMs <= LONGEST_PAUSE_IN_PLACE_MS) delayMs = nextMs
    else if (routing.fallback !== null && model !== routing.fallback) {
      fallbackReason = `${model}: ${error.message}`
      model = routing.fallback
      failures = 0
      delayMs = 0
    } else return { kind: 'OUTAGE', error, ended, spent }
    const next = await means.repeat(ended, spent, model)
    if (next === null) return { kind: 'OVER' }
    hold = next
    if (delayMs > 0) await clock.sleep(delayMs, signal).catch(() => {})
    if (signal.aborted) return { kind: 'INTERRUPTED', ended: endOf(hold, { status: 'RELEASED' }), spent: NOTHING_SPENT }
  }
}

/** The model to ask first: the chosen one unless its circuit is open and there is another. */
export const chooseModel = (means: Pick<CallMeans, 'circuitOf'>, { model, fallback }: Routing): string =>
  fallback !== null && means.circuitOf(model).state === 'OPEN' ? fallback : model

const notAsked = (model: string): AttemptOutcome => ({
  ok: false,
  error: { kind: 'OVERLOADED', message: `${model} has not been answering and is left alone for a while.`, sent: false },
})

function endOf(
  held: Held | 'FREE',
  end:
    | { readonly status: 'SETTLED'; readonly actualMicros: bigint }
    | { readonly status: 'RELEASED' }
    | { readonly status: 'LOST' },
): EndedAttempt | undefined {
  if (held === 'FREE') return undefined
  const { runId, turn, attempt } = held
  return { runId, turn, attempt, ...end }
}

/** Rules and recordings are free, whoever carried them here. */
function spentOn(prices: PriceList, client: Model, answer: ModelAnswer, model: string): Spent {
  const isFree = answer.rehearsal || client.mode !== 'live'
  return { tokens: answer.usage, costMicros: isFree ? 0n : prices.costMicros(answer.usage, model) }
}

function booksOf(prices: PriceList, client: Model, held: Held | 'FREE', error: ModelError, model: string) {
  if (!error.sent) return { ended: endOf(held, { status: 'RELEASED' }), spent: NOTHING_SPENT }
  const { usage } = error
  if (usage === undefined || client.mode !== 'live') {
    return { ended: endOf(held, { status: 'LOST' }), spent: NOTHING_SPENT }
  }
  const costMicros = prices.costMicros(usage, model)
  return { ended: endOf(held, { status: 'SETTLED', actualMicros: costMicros }), spent: { tokens: usage, costMicros } }
}

function endOfRun(error: ModelError): RunEnd {
  return error.kind === 'REFUSED'
    ? { status: 'FAILED', reason: 'MODEL_REFUSED', text: error.message }
    : { status: 'FAILED', reason: 'MODEL_UNAVAILABLE', text: error.message }
}
