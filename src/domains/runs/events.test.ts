import { describe, expect, test } from 'vitest'
import { sentenceOf } from '../../../test/support/event-sentence.ts'
import { effectEvents, runEvents, stepEvents } from './events.ts'

const data = { employeeId: 'e' }

describe('a run', () => {
  test.each([
    ['queued', '{employee e} was given: {run 1}'],
    ['started', '{employee e} began: {run 1}'],
    ['resumed', '{employee e} goes on: {run 1}'],
    ['cancelRequested', 'MEMBER stops {employee e}: {run 1}'],
  ] as const)('that is %s says whose it is and what it is about', async (name, sentence) => {
    expect(await sentenceOf(runEvents[name], { data })).toBe(sentence)
  })

  test('that names no employee is told of who acted', async () => {
    expect(await sentenceOf(runEvents.started)).toBe('MEMBER began: {run 1}')
  })

  test.each([
    [{ kind: 'APPROVAL' }, 'an approval'],
    [{ kind: 'PERSON' }, 'a person'],
    [{ kind: 'PERSON', memberId: 'm' }, '{member m}'],
    [{ kind: 'TIME' }, 'its time'],
    [{ kind: 'BUDGET' }, 'the budget'],
    [{ kind: 'MOON' }, 'something'],
    [{}, 'something'],
  ])('that waits with %o says for what', async (waits, what) => {
    const sentence = await sentenceOf(runEvents.waiting, { data: { ...data, ...waits } })
    expect(sentence).toBe(`{employee e} waits for ${what}: {run 1}`)
  })

  test.each([
    ['SUCCEEDED', 'finished'],
    ['FAILED', 'could not finish'],
    ['CANCELLED', 'was stopped'],
    ['EXPIRED', 'ran out of time'],
    [undefined, 'ended'],
  ])('that ends %s says how', async (status, how) => {
    expect(await sentenceOf(runEvents.finished, { data: { ...data, status } })).toBe(`{employee e} ${how}: {run 1}`)
  })
})

describe('a step', () => {
  test('of a model, and a note, say that and no more', async () => {
    expect(await sentenceOf(stepEvents.started)).toBe('MEMBER is thinking')
    expect(await sentenceOf(stepEvents.finished, { data: { kind: 'MODEL_TURN' } })).toBe('MEMBER thought')
    expect(await sentenceOf(stepEvents.finished, { data: { kind: 'NOTE' } })).toBe('MEMBER made a note')
  })

  test.each([
    ['DONE', 'done'],
    ['FAILED', 'failed'],
    ['REFUSED', 'refused'],
    ['WAITING', 'waits for approval'],
    ['RUNNING', 'begun'],
    [undefined, 'done'],
  ])('of a tool that is %s says which, as people say it', async (status, how) => {
    const sentence = await sentenceOf(stepEvents.finished, { data: { kind: 'TOOL', tool: 'send_email', status } })
    expect(sentence).toBe(`MEMBER: send email ${how}`)
  })
})

test('an act outside the house says whether it happened, and when nobody knows that it was not repeated', async () => {
  const act = { data: { tool: 'send_email' } }
  expect(await sentenceOf(effectEvents.confirmed, act)).toBe('MEMBER carried out: send email')
  expect(await sentenceOf(effectEvents.failed, act)).toBe('MEMBER: send email did not go through')
  expect(await sentenceOf(effectEvents.unknown, act)).toBe(
    'Nobody knows whether send email went through: it was not repeated',
  )
})
