// What this process counts and measures, in Prometheus' words. Each part reports through a small observer of its own and
// knows nothing of Prometheus; what is a state and no count is asked for when somebody reads.
//
// Every label is one of a short list: the door and never the path, the code and never the message. What a caller may
// write freely is no label.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { ERROR_CODES, INTERNAL } from '../lib/errors.ts'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS'])

/** A request that was answered. */
export interface HttpAnswer {
  /** The route's pattern; `none` where no route fits. */
  readonly door: string
  readonly method: string
  readonly status: number
  readonly durationMs: number
  /** A stream: its duration says how long somebody watched, not how long somebody waited. */
  readonly stream: boolean
}

/** What the GraphQL engine did. */
export interface OperationObserver {
  /** A query or a mutation was carried out. */
  answered(kind: 'query' | 'mutation', durationMs: number): void
  /** Codes of errors at the top level of an answer. */
  failed(codes: readonly string[]): void
  /** A subscription began; call what is returned when it ends. */
  subscribed(): () => void
}

export interface ModelAttempt {
  readonly model: string
  /** `OK`, or why there was no answer. */
  readonly outcome: string
  readonly durationMs: number
  readonly tokens: Readonly<Record<'input' | 'output' | 'cacheRead' | 'cacheWrite', number>> | undefined
  readonly costMicros: bigint
}

/** A state that is asked for when the metrics are read: the labels of a number, and the number. */
export type Reading = () => Promise<readonly Reported[]> | readonly Reported[]

export interface Reported {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export interface Metrics {
  readonly http: (answer: HttpAnswer) => void
  readonly operations: OperationObserver
  readonly model: (attempt: ModelAttempt) => void
  /**
   * Adds a state. `labels` names the labels of what the reading reports. A reading that fails leaves its numbers out,
   * and is counted in `cadre_unread_metrics_total`.
   */
  state(name: string, help: string, labels: readonly string[], read: Reading): void
  /** The text for Prometheus, and its media type. */
  read(): Promise<{ readonly type: string; readonly text: string }>
}

/** Begins to measure the process. One per process. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const unread = new Counter({
    name: 'cadre_unread_metrics_total',
    help: 'States that could not be read when the metrics were asked for.',
    labelNames: ['metric'],
    registers,
  })
  return {
    http: httpMetrics(registers),
    operations: operationMetrics(registers),
    model: modelMetrics(registers),
    state: (name, help, labelNames, read) => {
      new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers,
        async collect() {
          this.reset()
          try {
            for (const { labels = {}, value } of await read()) this.set(labels, value)
          } catch {
            // A database that is away must not hide what the process itself can tell.
            unread.inc({ metric: name })
          }
        },
      })
    },
    read: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
}

function httpMetrics(registers: Registry[]): Metrics['http'] {
  const requests = new Counter({
    name: 'cadre_http_requests_total',
    help: 'Requests answered, by door.',
    labelNames: ['door', 'method', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'cadre_http_request_duration_seconds',
    help: 'From a request to the end of its answer, by door; streams are left out.',
    labelNames: ['door'],
    buckets: SECONDS,
    registers,
  })
  return ({ door, method, status, durationMs, stream }) => {
    requests.inc({ door, method: METHODS.has(method) ? method : 'OTHER', status: String(status) })
    if (!stream) durations.observe({ door }, durationMs / 1_000)
  }
}

const CODES: ReadonlySet<string> = new Set([...ERROR_CODES, INTERNAL])

function operationMetrics(registers: Registry[]): OperationObserver {
  const durations = new Histogram({
    name: 'cadre_graphql_operation_duration_seconds',
    help: 'Queries and mutations carried out, over every transport.',
    labelNames: ['kind'],
    buckets: SECONDS,
    registers,
  })
  const errors = new Counter({
    name: 'cadre_graphql_errors_total',
    help: 'Errors at the top level of answers, by code; errors of a mutation’s union are answers.',
    labelNames: ['code'],
    registers,
  })
  const begun = new Counter({
    name: 'cadre_graphql_subscriptions_total',
    help: 'Subscriptions begun.',
    registers,
  })
  const open = new Gauge({ name: 'cadre_graphql_subscriptions_open', help: 'Subscriptions open now.', registers })
  return {
    answered: (kind, durationMs) => durations.observe({ kind }, durationMs / 1_000),
    failed: (codes) => {
      for (const code of codes) errors.inc({ code: CODES.has(code) ? code : 'OTHER' })
    },
    subscribed: () => {
      begun.inc()
      open.inc()
      let ended = false
      return () => {
        if (!ended) open.dec()
        ended = true
      }
    },
  }
}

function modelMetrics(registers: Registry[]): Metrics['model'] {
  const durations = new Histogram({
    name: 'cadre_model_call_duration_seconds',
    help: 'Attempts to ask a model, by how they ended.',
    labelNames: ['model', 'outcome'],
    buckets: [...SECONDS, 60, 120],
    registers,
  })
  const tokens = new Counter({
    name: 'cadre_model_tokens_total',
    help: 'Tokens as the provider bills them.',
    labelNames: ['model', 'kind'],
    registers,
  })
  const cost = new Counter({
    name: 'cadre_model_cost_dollars_total',
    help: 'What the models cost, in US dollars, by the published prices. Rehearsal costs nothing.',
    labelNames: ['model'],
    registers,
  })
  return ({ model, outcome, durationMs, tokens: used, costMicros }) => {
    durations.observe({ model, outcome }, durationMs / 1_000)
    for (const [kind, count] of Object.entries(used ?? {})) tokens.inc({ model, kind }, count)
    cost.inc({ model }, Number(costMicros) / 1_000_000)
  }
}
