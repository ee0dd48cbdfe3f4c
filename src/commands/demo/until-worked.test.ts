import { afterEach, expect, test, vi } from 'vitest'
import { type Requester, RequestFailed } from '../../client/request.ts'
import { StartFault } from '../../platform/lib/start-fault.ts'
import { type Progress, untilWorked, watchServer } from './until-worked.ts'

const away = new TypeError('fetch failed')
const progressOf = (change: Partial<Progress> = {}): Progress => ({
  ...{ settled: 0, sent: [], sendingEnded: true, lastAt: performance.now(), away: false, told: [], takenOver: 0 },
  doneBy: new Map(),
  ...change,
})
/** Answers in turn, the last one for ever. */
const answering = (...answers: (object | Error)[]): Requester =>
  (async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (answer instanceof Error) throw answer
    return answer
  }) as Requester
const wait = (request: Requester, progress: Progress, ids: readonly string[] = []) =>
  untilWorked(
    ids,
    request,
    progress,
    () => {},
    () => {},
  )

let stop = (): void => {}
afterEach(() => stop())

const ID = '0192f3a4-7c3e-7000-8000-000000000000'
const NOTHING = { submissions: { nodes: [] } }

test('a server that is away for a moment when the account is read is asked again', async () => {
  const outcomes = await wait(answering(away, NOTHING), progressOf({ settled: 1 }), [ID])
  expect(outcomes.unaccounted).toHaveLength(1)
})

test('a server that stays away is told in words', async () => {
  const quiet = progressOf({ lastAt: Number.NEGATIVE_INFINITY })
  const ended = wait(answering(away), quiet, [ID])
  await expect(ended).rejects.toThrow(StartFault)
  await expect(ended).rejects.toMatchObject({ cause: away })
})

test('what the server refuses is not waited for', async () => {
  const refused = new RequestFailed('no', 401, 'UNAUTHENTICATED')
  await expect(wait(answering(refused), progressOf({ settled: 1 }), [ID])).rejects.toBe(refused)
})

test('time does not count while the server is away, and counts again when it is back', async () => {
  const progress = progressOf({ lastAt: 0 })
  const draw = vi.fn()
  stop = watchServer(answering(away, { cursor: 'c' }), progress, draw)
  await expect.poll(() => draw.mock.calls.length).toBeGreaterThan(0)
  expect(progress.lastAt).toBeGreaterThan(0)
  await expect.poll(() => progress.away).toBe(false)
})

test('a server that refuses is there', async () => {
  const progress = progressOf({ lastAt: 0 })
  const asked = vi.fn(answering(new RequestFailed('no', 401, 'UNAUTHENTICATED')))
  stop = watchServer(asked as unknown as Requester, progress, () => {})
  await expect.poll(() => asked.mock.calls.length).toBeGreaterThan(1)
  expect([progress.away, progress.lastAt]).toEqual([false, 0])
})
