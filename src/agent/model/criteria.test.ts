import { describe, expect, it } from 'vitest'
import type { BriefAnswer, BriefCondition } from './brief-block.ts'
import { evaluateCriteria } from './criteria.ts'

const answer = (key: string, value: unknown, text = String(value)): BriefAnswer => ({
  key,
  label: `Label of ${key}`,
  type: 'TEXT',
  text,
  value,
  origin: 'PUBLIC',
})

const answers = [
  answer('size', 40),
  answer('text_size', '40'),
  answer('country', 'Austria'),
  answer('budget', { amount: '24000.00', currency: 'EUR' }, '24,000.00 EUR'),
  answer('interests', ['CRM', 'Support'], 'CRM, Support'),
  answer('wants_call', true, 'Yes'),
  answer('start', '2026-03-01'),
  answer('empty', ''),
  answer('none', null),
  answer('ticked_off', false, 'No'),
]

const condition = (field: string, op: BriefCondition['op'], value?: unknown): BriefCondition => ({
  field,
  op,
  value,
  weight: 1,
  label: '',
})

const REST = { text: '', threshold: 0.6 }

const isMet = (field: string, op: BriefCondition['op'], value?: unknown) =>
  evaluateCriteria({ conditions: [condition(field, op, value)], ...REST }, answers).fit === 1

describe('a condition', () => {
  it.each([
    ['size', 'eq', 40],
    ['size', 'eq', '40'],
    ['text_size', 'gte', 40],
    ['size', 'not', 41],
    ['size', 'gt', 39],
    ['size', 'lt', 41],
    ['size', 'lte', 40],
    ['country', 'eq', 'AUSTRIA'],
    ['country', 'in', ['Germany', 'austria']],
    ['country', 'contains', 'ust'],
    ['country', 'not', 'Germany'],
    ['budget', 'gte', 24000],
    ['interests', 'contains', 'crm'],
    ['interests', 'in', ['Support']],
    ['interests', 'eq', 'CRM'],
    ['wants_call', 'eq', true],
    ['wants_call', 'eq', 'yes'],
    ['ticked_off', 'eq', false],
    ['ticked_off', 'present', undefined],
    ['start', 'lte', '2026-03-31'],
    ['size', 'present', undefined],
    ['empty', 'absent', undefined],
    ['none', 'absent', undefined],
    ['unknown', 'absent', undefined],
  ] as const)('is met: %s %s %j', (field, op, value) => {
    expect(isMet(field, op, value)).toBe(true)
  })

  it.each([
    ['size', 'eq', 41],
    ['size', 'gt', 40],
    ['size', 'lt', 40],
    ['country', 'in', ['Germany']],
    ['country', 'contains', 'France'],
    ['country', 'gt', 10],
    ['interests', 'not', 'CRM'],
    ['interests', 'contains', 'C'],
    ['wants_call', 'eq', false],
    ['budget', 'lt', 24000],
    ['empty', 'present', undefined],
    ['empty', 'not', 'anything'],
    ['unknown', 'not', 'anything'],
    ['unknown', 'lt', 10],
  ] as const)('is not met: %s %s %j', (field, op, value) => {
    expect(isMet(field, op, value)).toBe(false)
  })
})

describe('the verdict', () => {
  const judged = (threshold: number, ...weights: [met: boolean, weight: number][]) => {
    const conditions = weights.map(([met, weight]) => ({ ...condition('size', 'eq', met ? 40 : 0), weight }))
    return evaluateCriteria({ conditions, text: '', threshold }, answers)
  }
  const weighed = (...weights: [met: boolean, weight: number][]) => judged(0.6, ...weights)

  it('is the share of the weight that is met', () => {
    expect(weighed([true, 3], [false, 1]).fit).toBe(0.75)
    expect(weighed([true, 1], [false, 2]).fit).toBe(0.33)
  })

  it('qualifies from the threshold, is unsure a little below it and rejects what is less', () => {
    expect(weighed([true, 6], [false, 4])).toMatchObject({ qualified: true, unsure: false })
    expect(weighed([true, 59], [false, 41])).toMatchObject({ qualified: false, unsure: true })
    expect(weighed([true, 4], [false, 6])).toMatchObject({ qualified: false, unsure: true })
    expect(weighed([true, 39], [false, 61])).toMatchObject({ qualified: false, unsure: false })
  })

  it('goes by the threshold of the form, and is unsure from two thirds of it', () => {
    expect(judged(0.3, [true, 3], [false, 7])).toMatchObject({ qualified: true, unsure: false })
    expect(judged(0.3, [true, 2], [false, 8])).toMatchObject({ qualified: false, unsure: true })
    expect(judged(0.9, [true, 8], [false, 2])).toMatchObject({ qualified: false, unsure: true })
    expect(judged(0.9, [true, 59], [false, 41])).toMatchObject({ qualified: false, unsure: false })
    expect(judged(0, [false, 1])).toMatchObject({ qualified: true })
  })

  it('gives a reason for each condition, in words', () => {
    const conditions = [
      { ...condition('size', 'gte', 20), label: 'Team size' },
      condition('budget', 'gte', 100_000),
      condition('unknown', 'present'),
    ]
    expect(evaluateCriteria({ conditions, ...REST }, answers).reasons).toEqual([
      'Team size: 40; wanted at least 20: met.',
      'Label of budget: 24,000.00 EUR; wanted at least 100,000: not met.',
      'unknown: not answered; wanted an answer: not met.',
    ])
  })

  it('is left to a person when there are no typed criteria', () => {
    expect(evaluateCriteria({ ...REST, conditions: [], text: 'Only nice people.' }, answers)).toMatchObject({
      qualified: false,
      unsure: true,
    })
  })
})

describe('what cannot be compared', () => {
  it('does not hold: a number with a word, a list, or a number that is none', () => {
    expect(isMet('size', 'gt', 'many')).toBe(false)
    expect(isMet('interests', 'gte', 1)).toBe(false)
    expect(isMet('size', 'lt', Number.POSITIVE_INFINITY)).toBe(false)
  })

  it('leaves texts, which go by their order, and words for yes and no', () => {
    expect(isMet('start', 'gte', '2026-03-01')).toBe(true)
    expect(isMet('start', 'gt', '2026-02-28')).toBe(true)
    expect(isMet('start', 'gt', '2026-03-02')).toBe(false)
    expect(isMet('wants_call', 'eq', 'TRUE')).toBe(true)
    expect(isMet('ticked_off', 'eq', 'false')).toBe(true)
  })

  it('is told in words as it was wanted', () => {
    const { reasons } = evaluateCriteria({ conditions: [condition('missing', 'eq', false)], ...REST }, answers)
    expect(reasons).toEqual(['missing: not answered; wanted no: not met.'])
  })
})
