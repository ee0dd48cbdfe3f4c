import { expect, test } from 'vitest'
import { type ActivityFacts, activityOf, type WaitingFacts } from './activity.ts'

const now = new Date('2026-03-02T09:00:00Z')
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000)

const facts = (some: Partial<ActivityFacts> = {}): ActivityFacts => ({
  status: 'ACTIVE',
  createdAt: ago(100),
  statusSince: ago(30),
  timeZone: 'Europe/Berlin',
  stuckAfterMs: 10 * 60_000,
  running: null,
  queued: null,
  waiting: null,
  last: null,
  ...some,
})
const waiting = (some: Partial<WaitingFacts> = {}): WaitingFacts => ({
  id: 'w',
  kind: 'APPROVAL',
  since: ago(19),
  wakeAt: null,
  deadline: null,
  memberId: 'ada',
  memberName: 'Ada',
  approvalId: 'a',
  approvalExpiresAt: new Date(now.getTime() + 60_000),
  ...some,
})
const running = { id: 'r', title: 'Work on Kite & Co from Book a demo', startedAt: ago(5), lastStepAt: null }
const last = { id: 'l', title: 'Work on Nimbus', failed: false, reasonText: null, finishedAt: ago(12) }

test('what is being worked is told before what waits', () =>
  expect(activityOf(facts({ running, waiting: waiting() }), now)).toMatchObject({
    state: 'WORKING',
    text: 'Working on Kite & Co from Book a demo',
    since: ago(5),
    runId: 'r',
  }))

test('who is waited for, and since when by the clock of the workspace', () =>
  expect(activityOf(facts({ waiting: waiting() }), now)).toEqual({
    state: 'WAITING',
    text: 'Waiting for Ada since 09:41',
    since: ago(19),
    waitingFor: { kind: 'MEMBER', id: 'ada' },
    approvalId: 'a',
    runId: 'w',
  }))

test('another day is named', () =>
  expect(activityOf(facts({ waiting: waiting({ since: ago(24 * 60) }) }), now).text).toBe(
    'Waiting for Ada since 1 Mar, 10:00',
  ))

test.each([
  [waiting({ kind: 'BUDGET', memberId: null, memberName: null }), 'Waiting for the budget since 09:41'],
  [waiting({ memberId: null, memberName: null }), 'Waiting for a decision since 09:41'],
  [waiting({ kind: 'TIME', wakeAt: new Date('2026-03-02T09:30:00Z') }), 'Waiting until 10:30'],
])('waiting %#: %s', (each, text) => expect(activityOf(facts({ waiting: each }), now).text).toBe(text))

test('an approval past its time, or ten minutes without a finished step, is stuck', () => {
  expect(activityOf(facts({ waiting: waiting({ approvalExpiresAt: ago(1) }) }), now).state).toBe('STUCK')
  const slow = { ...running, startedAt: ago(40) }
  expect(activityOf(facts({ running: { ...slow, lastStepAt: ago(10) } }), now)).toMatchObject({
    state: 'STUCK',
    since: ago(10),
  })
  expect(activityOf(facts({ running: { ...slow, lastStepAt: ago(9) } }), now).state).toBe('WORKING')
})

test('a paused employee is paused whatever its runs are, and one that has left is idle', () => {
  expect(activityOf(facts({ status: 'PAUSED', running }), now)).toMatchObject({
    state: 'PAUSED',
    text: 'Paused since 09:30',
  })
  expect(activityOf(facts({ status: 'OFFBOARDED', running }), now)).toMatchObject({ state: 'IDLE', text: 'Has left' })
})

test('without open runs the last one tells: failed, or idle since its end', () => {
  const failed = { ...last, failed: true, reasonText: 'The model refused.' }
  expect(activityOf(facts({ last: failed }), now)).toMatchObject({
    state: 'FAILED',
    text: 'Failed: The model refused.',
  })
  expect(activityOf(facts({ last }), now)).toMatchObject({ state: 'IDLE', since: ago(12), runId: null })
  expect(activityOf(facts(), now)).toMatchObject({ state: 'IDLE', since: ago(100) })
})

test('what is queued is what it is about to do', () =>
  expect(
    activityOf(facts({ queued: { id: 'q', title: 'Work on Kite', createdAt: ago(1) }, waiting: waiting(), last }), now),
  ).toMatchObject({ state: 'WORKING', text: 'About to work on Kite', runId: 'q' }))
