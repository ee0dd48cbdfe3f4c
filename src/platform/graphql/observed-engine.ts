import type { ExecutionResult } from 'graphql'
import type { Clock } from '../lib/clock.ts'
import type { OperationObserver } from '../observability/metrics.ts'
import type { Engine } from './engine.ts'

/** The engine, telling the observer what it does: the same for every transport. */
export function observedEngine(engine: Engine, observe: OperationObserver, clock: Clock): Engine {
  const failed = ({ errors = [] }: Pick<ExecutionResult, 'errors'>): void => {
    if (errors.length > 0) observe.failed(errors.map(({ extensions }) => String(extensions.code)))
  }
  return {
    ...engine,
    prepare: (parameters) => {
      const prepared = engine.prepare(parameters)
      if ('errors' in prepared) failed(prepared)
      return prepared
    },
    execute: async (prepared, makeContext) => {
      const startedMs = clock.monotonicMs()
      const result = await engine.execute(prepared, makeContext)
      const kind = prepared.operation.operation === 'mutation' ? 'mutation' : 'query'
      observe.answered(kind, clock.monotonicMs() - startedMs)
      failed(result)
      return result
    },
    subscribe: async (prepared, makeContext) => {
      const result = await engine.subscribe(prepared, makeContext)
      if (Symbol.asyncIterator in result) return watched(result, observe.subscribed(), failed)
      failed(result)
      return result
    },
  }
}

/** By hand and not as a generator, as the engine's own: one that waits must be returnable. */
function watched(
  answers: AsyncGenerator<ExecutionResult>,
  ended: () => void,
  failed: (answer: ExecutionResult) => void,
): AsyncGenerator<ExecutionResult> {
  return {
    next: async () => {
      const item = await answers.next()
      if (item.done === true) ended()
      else failed(item.value)
      return item
    },
    return: async () => {
      ended()
      return await answers.return(undefined)
    },
    throw: async (err) => {
      ended()
      return await answers.throw(err)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
