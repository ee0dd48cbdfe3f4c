import { expect, test } from 'vitest'
import {
  createPipelineInput,
  daysInStage,
  givenAmount,
  type MoveFacts,
  refusalOfMove,
  type StageKind,
} from './model.ts'

const stage = (kind: StageKind, pipelineId = 'a') => ({ kind, pipelineId })
const move = (from: StageKind, to: StageKind, facts: Partial<MoveFacts> = {}) =>
  refusalOfMove({ from: stage(from), to: stage(to), hasAmount: false, lostReason: undefined, ...facts })

test('an open deal moves freely between open stages', () => expect(move('OPEN', 'OPEN')).toBeUndefined())

test('moving a won or lost deal is refused wherever it goes', () => {
  for (const from of ['WON', 'LOST'] as const) {
    for (const to of ['OPEN', 'WON', 'LOST'] as const) {
      expect(move(from, to, { hasAmount: true, lostReason: 'Too dear' })).toBe('CLOSED')
    }
  }
})

test('a deal is won with an amount only', () => {
  expect(move('OPEN', 'WON')).toBe('NEEDS_AMOUNT')
  expect(move('OPEN', 'WON', { hasAmount: true })).toBeUndefined()
})

test('a deal is lost with a reason only, and a reason is for lost deals', () => {
  expect(move('OPEN', 'LOST')).toBe('NEEDS_REASON')
  expect(move('OPEN', 'LOST', { lostReason: 'Too dear' })).toBeUndefined()
  expect(move('OPEN', 'OPEN', { lostReason: 'Too dear' })).toBe('REASON_WITHOUT_LOSS')
})

test('a deal does not change its pipeline by moving', () =>
  expect(refusalOfMove({ from: stage('OPEN'), to: stage('OPEN', 'b'), hasAmount: true, lostReason: undefined })).toBe(
    'OTHER_PIPELINE',
  ))

test('a day in a stage is full after 24 hours, and a clock that runs behind makes no negative days', () => {
  const since = new Date('2026-03-01T12:00:00Z')
  expect(daysInStage(since, new Date('2026-03-02T11:59:59Z'))).toBe(0)
  expect(daysInStage(since, new Date('2026-03-02T12:00:00Z'))).toBe(1)
  expect(daysInStage(since, new Date('2026-03-01T11:00:00Z'))).toBe(0)
})

test('an amount is taken exactly, to the millionth', () =>
  expect(givenAmount.parse({ amount: '18000.000001', currency: 'EUR' })).toEqual({
    micros: 18_000_000_001n,
    currency: 'EUR',
  }))

test.each([
  [{ amount: '1,000' }, 'amount'],
  [{ amount: '-1' }, 'amount'],
  [{ amount: '1', currency: 'EURO' }, 'currency'],
])('%j is refused and the field is named', (input, field) =>
  expect(givenAmount.safeParse(input).error?.issues.map((issue) => issue.path.join('.'))).toEqual([field]),
)

test('a pipeline without an open stage is refused', () =>
  expect(
    createPipelineInput.safeParse({ name: 'Sales', stages: [{ name: 'Won', kind: 'WON', probability: 1 }] }).success,
  ).toBe(false))
