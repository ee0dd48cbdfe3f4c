import { expect, test } from 'vitest'
import { systemClock } from '../../platform/lib/clock.ts'
import type { ModelAttempt } from '../../platform/observability/metrics.ts'
import { measuredModel } from './measured.ts'
import type { AttemptOutcome, Model, ModelRequest } from './model.ts'
import { loadPrices, NO_USAGE } from './prices.ts'

const prices = loadPrices()
const [priced = ''] = prices.models
const usage = { ...NO_USAGE, input: 1_000, output: 200 }
const answer = { content: [], stopReason: 'end_turn', usage, model: priced, rehearsal: false }

async function attemptOf(mode: Model['mode'], model: string, outcome: AttemptOutcome): Promise<ModelAttempt[]> {
  const reported: ModelAttempt[] = []
  const plain: Model = { mode, requestBytes: () => 1, attempt: async () => outcome }
  const measured = measuredModel(plain, prices, systemClock, (attempt) => reported.push(attempt))
  expect(await measured.attempt({ model } as ModelRequest)).toBe(outcome)
  return reported
}

test('an answer is reported with its tokens and what they cost', async () => {
  expect(await attemptOf('live', priced, { ok: true, answer })).toMatchObject([
    { model: priced, outcome: 'OK', tokens: usage, costMicros: prices.costMicros(usage, priced) },
  ])
})

test('rules cost nothing, whoever carried them here', async () => {
  expect(await attemptOf('rehearsal', priced, { ok: true, answer })).toMatchObject([{ tokens: usage, costMicros: 0n }])
  const rehearsed = { ...answer, rehearsal: true }
  expect(await attemptOf('live', priced, { ok: true, answer: rehearsed })).toMatchObject([{ costMicros: 0n }])
})

test('an attempt without an answer is reported by its reason, with the tokens that are known', async () => {
  const overloaded = { kind: 'OVERLOADED', message: 'Later.', sent: true } as const
  expect(await attemptOf('live', priced, { ok: false, error: overloaded })).toMatchObject([
    { outcome: 'OVERLOADED', tokens: undefined, costMicros: 0n },
  ])
  expect(await attemptOf('live', priced, { ok: false, error: { ...overloaded, usage } })).toMatchObject([
    { tokens: usage, costMicros: prices.costMicros(usage, priced) },
  ])
})

test('a model that nobody has priced is one of others', async () => {
  expect(await attemptOf('live', 'whatever-somebody-wrote', { ok: true, answer })).toMatchObject([
    { model: 'other', costMicros: 0n },
  ])
})
