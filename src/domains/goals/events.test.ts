import { describe, expect, test } from 'vitest'
import { changed, sentenceOf } from '../../../test/support/event-sentence.ts'
import { goalEvents } from './events.ts'

test.each([
  ['created', { employeeId: 'e' }, 'MEMBER gave {employee e} the goal {goal 1}'],
  ['achieved', {}, 'MEMBER marked the goal {goal 1} as achieved'],
  ['missed', {}, 'MEMBER marked the goal {goal 1} as missed'],
] as const)('a goal that is %s reads as a sentence', async (name, data, sentence) => {
  expect(await sentenceOf(goalEvents[name], { data })).toBe(sentence)
})

test('a goal that is blocked or given up says why, where somebody said so', async () => {
  const because = [changed('statusReason', 'no leads')]
  expect(await sentenceOf(goalEvents.blocked, { changes: because })).toBe('MEMBER blocked the goal {goal 1}: no leads')
  expect(await sentenceOf(goalEvents.abandoned, { changes: because })).toBe(
    'MEMBER gave up the goal {goal 1}: no leads',
  )
  for (const changes of [[], [changed('statusReason', null)]]) {
    expect(await sentenceOf(goalEvents.blocked, { changes })).toBe('MEMBER blocked the goal {goal 1}')
  }
})

test('a goal that can be worked on again is unblocked; any other change names its fields', async () => {
  const unblocked = [changed('status', 'ON_TRACK', 'BLOCKED'), changed('statusReason', null)]
  expect(await sentenceOf(goalEvents.updated, { changes: unblocked })).toBe('MEMBER unblocked the goal {goal 1}')
  const other = [changed('status', 'ON_TRACK', 'AT_RISK'), changed('title', 'More')]
  expect(await sentenceOf(goalEvents.updated, { changes: other })).toBe(
    'MEMBER changed the goal {goal 1}: status, title',
  )
})

describe('a measurement of a goal', () => {
  const measured = (data: Record<string, unknown>, status?: string | null) =>
    sentenceOf(goalEvents.progressed, { data, changes: status === undefined ? [] : [changed('status', status)] })

  test('says from where to where, in its unit, as far as that is known', async () => {
    expect(await measured({ from: 2, to: 3.5, unit: 'deals' })).toBe('MEMBER measured {goal 1} from 2 to 3.5 deals')
    expect(await measured({ from: null, to: 3 })).toBe('MEMBER measured {goal 1} to 3')
    expect(await measured({})).toBe('MEMBER measured {goal 1} to nothing')
  })

  test.each([
    ['ON_TRACK', ', back on track'],
    ['AT_RISK', ', now at risk'],
    ['BREACHED', ', which breaches it'],
    ['ACHIEVED', ''],
    [null, ''],
  ])('that leads to %s says what that means', async (status, words) => {
    expect(await measured({ to: 3 }, status)).toBe(`MEMBER measured {goal 1} to 3${words}`)
  })
})
