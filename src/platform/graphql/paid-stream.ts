import type { ExecutionResult } from 'graphql'

export interface StreamPayment {
  /** What becomes of the first answer. */
  readonly first: (answer: ExecutionResult) => ExecutionResult
  /** Pays for another minute; resolves to the answer that ends the stream when that cannot be done. */
  readonly payAgain: (() => Promise<ExecutionResult | undefined>) | undefined
  readonly everyMs: number
}

/**
 * A stream that is paid for every minute, and ends when it is not. By hand and not as a generator: one that waits must be
 * returnable.
 */
export function paidByTheMinute(
  answers: AsyncGenerator<ExecutionResult>,
  { first, payAgain, everyMs }: StreamPayment,
): AsyncGenerator<ExecutionResult> {
  let isFirst = true
  let last: ExecutionResult | undefined
  let paying = false
  const collect = async (): Promise<void> => {
    // A store that is slow is not asked twice for one stream.
    if (payAgain === undefined || paying) return
    paying = true
    last = await payAgain().finally(() => {
      paying = false
    })
    if (last === undefined) return
    stop()
    await answers.return(undefined)
  }
  const timer =
    payAgain === undefined
      ? undefined
      : setInterval(() => {
          // What cannot be asked for now is asked for in a minute.
          collect().catch(() => {})
        }, everyMs)
  timer?.unref()
  const stop = (): void => clearInterval(timer)

  return {
    next: async () => {
      const item = await answers.next()
      if (item.done !== true) {
        const value = isFirst ? first(item.value) : item.value
        isFirst = false
        return { done: false, value }
      }
      stop()
      const ending = last
      last = undefined
      return ending === undefined ? item : { done: false, value: ending }
    },
    return: async () => {
      stop()
      last = undefined
      return await answers.return(undefined)
    },
    throw: async (err) => {
      stop()
      return await answers.throw(err)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
