import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attainment, isMet, type Measure } from './attainment.ts'
import { baselineAfter, COMPARATORS, canDecide, GOAL_STATUSES, isClosed, isKept, standingOf } from './model.ts'

const figure = fc.double({ min: -1e6, max: 1e6, noNaN: true })
const measure = fc
  .record({
    comparator: fc.constantFrom(...COMPARATORS),
    target: figure,
    width: fc.double({ min: 0, max: 1e6, noNaN: true }),
    baseline: fc.option(figure),
    current: figure,
  })
  .map(
    ({ width, ...rest }): Measure => ({
      ...rest,
      targetMax: rest.comparator === 'BETWEEN' ? rest.target + width : null,
    }),
  )

const of = (fields: Partial<Measure>): Measure => ({
  comparator: 'GTE',
  target: 10,
  targetMax: null,
  baseline: null,
  current: null,
  ...fields,
})

test('attainment lies between 0 and 1', () => {
  fc.assert(
    fc.property(measure, (each) => {
      const value = attainment(each)
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThanOrEqual(1)
    }),
  )
})

test('the bar is full exactly when the target is met', () => {
  fc.assert(
    fc.property(measure, (each) => {
      expect(attainment(each) === 1).toBe(isMet(each))
    }),
  )
})

test('more is never worse where more is better, and less never where less is', () => {
  fc.assert(
    fc.property(measure, figure, figure, (each, a, b) => {
      const [less, more] = a < b ? [a, b] : [b, a]
      const low = attainment({ ...each, current: less }) ?? 0
      const high = attainment({ ...each, current: more }) ?? 0
      if (each.comparator === 'GTE') expect(high).toBeGreaterThanOrEqual(low)
      if (each.comparator === 'LTE') expect(low).toBeGreaterThanOrEqual(high)
    }),
  )
})

test('on one side of the target, nearer is never worse', () => {
  fc.assert(
    fc.property(measure, fc.nat(1_000_000), fc.nat(1_000_000), fc.boolean(), (each, a, b, above) => {
      fc.pre(each.comparator === 'EQ' || each.comparator === 'BETWEEN')
      const [near, far] = a < b ? [a, b] : [b, a]
      const at = (distance: number) =>
        attainment({
          ...each,
          current: above ? (each.targetMax ?? each.target ?? 0) + distance : (each.target ?? 0) - distance,
        }) ?? 0
      expect(at(near)).toBeGreaterThanOrEqual(at(far))
    }),
  )
})

test('the baseline is where the bar is empty', () => {
  fc.assert(
    fc.property(measure, figure, (each, baseline) => {
      fc.pre(isMet({ ...each, current: baseline }) === false)
      expect(attainment({ ...each, baseline, current: baseline })).toBe(0)
    }),
  )
})

test.each([
  ['4 of 10 meetings', of({ current: 4 }), 0.4],
  ['11 of 10 meetings', of({ current: 11 }), 1],
  ['6 h answered down to 4 h, wanted 2 h', of({ comparator: 'LTE', target: 2, baseline: 6, current: 4 }), 0.5],
  ['4 h without a baseline, wanted 2 h', of({ comparator: 'LTE', target: 2, current: 4 }), 0.5],
  ['1 h, wanted 2 h', of({ comparator: 'LTE', target: 2, baseline: 6, current: 1 }), 1],
  ['3 complaints, none wanted', of({ comparator: 'LTE', target: 0, current: 3 }), 0],
  ['a quarter of a quarter', of({ target: 0.25, current: 0.0625 }), 0.25],
  [
    '5 below a range of 10 to 20 after 10 below',
    of({ comparator: 'BETWEEN', targetMax: 20, baseline: 0, current: 5 }),
    0.5,
  ],
  ['within the range', of({ comparator: 'BETWEEN', targetMax: 20, current: 15 }), 1],
])('attainment of %s', (_what, each, expected) => expect(attainment(each)).toBeCloseTo(expected, 10))

test('without a measurement or a target there is neither attainment nor a met target', () => {
  expect([attainment(of({})), isMet(of({}))]).toEqual([null, null])
  expect(attainment(of({ comparator: null, target: null, current: 3 }))).toBeNull()
})

test('a goal to maintain is at risk when missed by a tenth and breached further off', () => {
  const standing = (current: number) => standingOf('MAINTAIN', of({ target: 95, current }))
  expect([96, 95, 90, 80].map(standing)).toEqual(['ON_TRACK', 'ON_TRACK', 'AT_RISK', 'BREACHED'])
})

test('a goal to prevent is at risk shortly before its bound and breached beyond it', () => {
  const standing = (current: number) => standingOf('PREVENT', of({ comparator: 'LTE', target: 10, current }))
  expect([5, 9, 9.5, 10, 10.1].map(standing)).toEqual(['ON_TRACK', 'ON_TRACK', 'AT_RISK', 'AT_RISK', 'BREACHED'])
})

test('a range is kept on track inside, whichever way it is left', () => {
  const standing = (current: number) => standingOf('MAINTAIN', of({ comparator: 'BETWEEN', targetMax: 20, current }))
  expect([15, 9.5, 20.5, 8, 22].map(standing)).toEqual(['ON_TRACK', 'AT_RISK', 'AT_RISK', 'BREACHED', 'BREACHED'])
})

test('a goal to be kept is breached exactly when it is missed, or missed by far', () => {
  fc.assert(
    fc.property(measure, (each) => {
      if (standingOf('PREVENT', each) === 'BREACHED') expect(isMet(each)).toBe(false)
      if (standingOf('MAINTAIN', each) !== 'ON_TRACK') expect(isMet(each)).toBe(false)
      if (isMet(each) === false) expect(standingOf('PREVENT', each)).toBe('BREACHED')
    }),
  )
})

test('a goal to be reached stays active whatever is measured: a person closes it', () =>
  expect(standingOf('ACHIEVE', of({ current: 12 }))).toBe('ACTIVE'))

test('the first measurement is the baseline where less is better; more counts from nothing; a given one stays', () => {
  expect(baselineAfter(of({ comparator: 'LTE' }), 6)).toBe(6)
  expect(baselineAfter(of({}), 6)).toBeNull()
  expect(baselineAfter(of({ comparator: 'LTE', baseline: 8 }), 6)).toBe(8)
})

test('a closed goal takes no decision, and a kept one is never completed', () => {
  const acts = ['achieve', 'miss', 'abandon', 'block', 'unblock'] as const
  for (const status of GOAL_STATUSES.filter(isClosed)) expect(acts.filter((act) => canDecide(status, act))).toEqual([])
  for (const status of ['ON_TRACK', 'AT_RISK', 'BREACHED'] as const) {
    expect(acts.filter((act) => canDecide(status, act))).toEqual(['abandon', 'block'])
  }
  expect((['MAINTAIN', 'PREVENT'] as const).every(isKept)).toBe(true)
})
