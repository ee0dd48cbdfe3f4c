import { expect, test } from 'vitest'
import type { Clock } from '../platform/lib/clock.ts'
import { whenever } from './whenever.ts'

/** Happenings that a test makes happen; ended by the signal, as the feed's are. */
function happenings() {
  const over = new AbortController()
  const waiting: (() => void)[] = []
  let count = 0
  let fault: Error | undefined
  const wake = () => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  over.signal.addEventListener('abort', wake)
  return {
    signal: over.signal,
    happen: (times = 1) => {
      count += times
      wake()
    },
    fail: (err: Error) => {
      fault = err
      wake()
    },
    end: () => over.abort(),
    taken: async () => {
      while (count > 0) await new Promise<void>((resolve) => setImmediate(resolve))
    },
    async *[Symbol.asyncIterator]() {
      while (!over.signal.aborted) {
        if (fault !== undefined) throw fault
        if (count > 0) {
          count--
          yield {}
        } else {
          await new Promise<void>((resolve) => waiting.push(resolve))
        }
      }
    },
  }
}

/** Pauses that last until the test lets them go. */
function pauses() {
  const open: (() => void)[] = []
  const clock: Clock = {
    now: () => new Date(0),
    monotonicMs: () => 0,
    sleep: () => new Promise<void>((resolve) => open.push(resolve)),
  }
  return {
    clock,
    letGo: async () => {
      // What is asked for next is asked for in the turns of the event loop that come now.
      while (open.length === 0) await new Promise<void>((resolve) => setImmediate(resolve))
      open.shift()?.()
    },
  }
}

test('it is looked once for however much happened, and not at all while nothing does', async () => {
  const source = happenings()
  const { clock, letGo } = pauses()
  let looks = 0
  const found = whenever(source, { pauseMs: 250, clock, signal: source.signal }, async () => ++looks)
  expect(await found.next()).toEqual({ done: false, value: 1 })

  const second = found.next()
  await letGo()
  expect(looks).toBe(1)
  source.happen()
  expect(await second).toEqual({ done: false, value: 2 })

  const third = found.next()
  source.happen(500)
  await source.taken()
  await letGo()
  expect(await third).toEqual({ done: false, value: 3 })

  const last = found.next()
  await letGo()
  source.end()
  expect(await last).toEqual({ done: true, value: undefined })
  expect(looks).toBe(3)
})

test('what happens during a look is looked for once more', async () => {
  const source = happenings()
  const { clock, letGo } = pauses()
  const found = whenever(source, { pauseMs: 250, clock, signal: source.signal }, async () => {
    source.happen()
    return 'found'
  })
  for (let n = 0; n < 3; n++) {
    const next = found.next()
    if (n > 0) await letGo()
    expect(await next).toEqual({ done: false, value: 'found' })
  }
  source.end()
})

test('it throws what the happenings throw', async () => {
  const source = happenings()
  const { clock, letGo } = pauses()
  const found = whenever(source, { pauseMs: 250, clock, signal: source.signal }, async () => 'found')
  await found.next()
  const next = found.next()
  await letGo()
  source.fail(new Error('the log moved'))
  await expect(next).rejects.toThrow('the log moved')
})
