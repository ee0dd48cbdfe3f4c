import type { Clock } from '../../platform/lib/clock.ts'
import type { ModelAttempt } from '../../platform/observability/metrics.ts'
import type { Model, ModelRequest } from './model.ts'
import type { PriceList } from './prices.ts'

/** The model, each of its attempts reported. An id that is not in the price list is reported as `other`. */
export function measuredModel(
  model: Model,
  prices: PriceList,
  clock: Clock,
  report: (attempt: ModelAttempt) => void,
): Model {
  const attempt = async (request: ModelRequest) => {
    const startedMs = clock.monotonicMs()
    const outcome = await model.attempt(request)
    const usage = outcome.ok ? outcome.answer.usage : outcome.error.usage
    const isPriced = prices.has(request.model)
    const isFree = model.mode !== 'live' || (outcome.ok && outcome.answer.rehearsal)
    report({
      model: isPriced ? request.model : 'other',
      outcome: outcome.ok ? 'OK' : outcome.error.kind,
      durationMs: clock.monotonicMs() - startedMs,
      tokens: usage,
      costMicros: isFree || usage === undefined || !isPriced ? 0n : prices.costMicros(usage, request.model),
    })
    return outcome
  }
  return { ...model, attempt }
}
