import type { ExecutionResult } from 'graphql'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { paidByTheMinute } from './paid-stream.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A source that says what it is given, waits for more, and can be returned while it waits. */
function source() {
  const said: ExecutionResult[] = []
  let ended = false
  let wake = () => {}
  const answers = {
    next: async (): Promise<IteratorResult<ExecutionResult>> => {
      for (;;) {
        const value = said.shift()
        if (value !== undefined) return { done: false, value }
        if (ended) return { done: true, value: undefined }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    return: async (): Promise<IteratorResult<ExecutionResult>> => {
      ended = true
      wake()
      return { done: true, value: undefined }
    },
  } as unknown as AsyncGenerator<ExecutionResult>
  return {
    answers,
    say: (value: ExecutionResult) => {
      said.push(value)
      wake()
    },
    hasEnded: () => ended,
  }
}

const first = (answer: ExecutionResult): ExecutionResult => ({ ...answer, extensions: { cost: 7 } })
const minute = () => vi.advanceTimersByTimeAsync(60_000)

test('its first answer tells what it costs, the others are the same for everybody', async () => {
  const { answers, say } = source()
  const stream = paidByTheMinute(answers, { first, payAgain: async () => undefined, everyMs: 60_000 })
  say({ data: { a: 1 } })
  say({ data: { a: 2 } })
  expect((await stream.next()).value).toEqual({ data: { a: 1 }, extensions: { cost: 7 } })
  expect((await stream.next()).value).toEqual({ data: { a: 2 } })
  await stream.return(undefined)
})

test('it is paid again every minute, however much or little it tells, and no more once it has ended', async () => {
  const { answers, say } = source()
  const payAgain = vi.fn(async () => undefined)
  const stream = paidByTheMinute(answers, { first, payAgain, everyMs: 60_000 })
  for (let n = 0; n < 50; n++) say({ data: { n } })
  for (let n = 0; n < 50; n++) await stream.next()
  expect(payAgain).not.toHaveBeenCalled()
  await minute()
  await minute()
  expect(payAgain).toHaveBeenCalledTimes(2)
  await stream.return(undefined)
  await minute()
  expect(payAgain).toHaveBeenCalledTimes(2)
})

test('it ends when it is not paid, with the answer that says so, though it waits for something to happen', async () => {
  const { answers, hasEnded } = source()
  const refusal: ExecutionResult = { errors: [], extensions: { cost: 9 } }
  const payAgain = vi.fn(async () => refusal)
  const stream = paidByTheMinute(answers, { first, payAgain, everyMs: 60_000 })
  const waiting = stream.next()
  await minute()
  expect(await waiting).toEqual({ done: false, value: refusal })
  expect(await stream.next()).toEqual({ done: true, value: undefined })
  expect(hasEnded()).toBe(true)
  await minute()
  expect(payAgain).toHaveBeenCalledTimes(1)
})

test('what cannot be paid because nobody answers is paid later: it goes on', async () => {
  const { answers, say } = source()
  const payAgain = vi.fn(async (): Promise<undefined> => {
    throw new Error('away')
  })
  const stream = paidByTheMinute(answers, { first, payAgain, everyMs: 60_000 })
  await minute()
  await minute()
  expect(payAgain).toHaveBeenCalledTimes(2)
  say({ data: {} })
  expect((await stream.next()).done).toBe(false)
  await stream.return(undefined)
})
