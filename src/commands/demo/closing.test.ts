import { describe, expect, test } from 'vitest'
import { type Closing, closingJson, closingText, isComplete } from './closing.ts'
import type { Outcomes } from './outcomes.ts'
import type { Sent } from './send-leads.ts'

const outcomes: Outcomes = {
  contacts: { new: 2, known: 1 },
  deals: 2,
  runs: 3,
  finished: 2,
  waiting: 1,
  open: 0,
  ended: 0,
  costMicros: 0n,
  rehearsed: new Map([['claude-sonnet-5-5', { input: 1_000_000, output: 0, cacheRead: 0, cacheWrite: 0 }]]),
  rehearsal: true,
  unaccounted: [],
}
const sent = (accepted: boolean, n: number): Sent => ({
  lead: { id: `${n}`, label: 'Kim', answers: {} },
  accepted,
  replayed: false,
  status: accepted ? 201 : 409,
  reason: accepted ? null : 'We have received exactly this a moment ago; it need not be sent again.',
})
const closing: Closing = {
  sent: [sent(true, 1), sent(true, 2), sent(true, 3), sent(false, 4)],
  outcomes,
  sentAfterMs: 400,
  workedAfterMs: 1_400,
  links: { deals: 'http://localhost/deals', waiting: 'http://localhost/waiting' },
  killed: null,
}
const killed = { events: 60, missing: 0, twice: 0, inOrder: true, takenOver: 2, dealsInAll: 2 }

describe('the closing account of the demo', () => {
  test('accounts for every lead: finished, waiting, or refused with the reason', () => {
    const text = closingText(closing)
    expect(isComplete(closing)).toBe(true)
    expect(text).toContain('4 of 4 accounted for. Nothing lost, nothing twice.')
    expect(text).toMatch(/accepted +3 +contacts +2 new, 1 known +waiting for you +1\n/)
    expect(text).toContain('1  refused: We have received exactly this a moment ago')
    expect(text).toContain('Decide:  http://localhost/waiting')
  })

  test('is one object for programs, which says the same', () => {
    expect(JSON.parse(closingJson(closing))).toMatchObject({
      complete: true,
      leads: { sent: 4, accepted: 3, refused: 1 },
      accountedFor: 4,
      contacts: { new: 2, known: 1 },
      runs: { all: 3, finished: 2, waiting: 1, open: 0 },
      costUsd: 0,
    })
  })

  test('names the price of a live model only where that model has one', () => {
    expect(closingText(closing)).toMatch(/on Claude, about +\$\d+\.\d\d/)
    const unknown = { ...outcomes, rehearsed: new Map([['a-model-of-mine', outcomes.rehearsed.values().next().value]]) }
    expect(closingText({ ...closing, outcomes: unknown as Outcomes })).not.toContain('on Claude')
  })

  test.each([
    ['a lead that is not there', { outcomes: { ...outcomes, unaccounted: ['7: accepted, but not there'] } }, '✖ 7:'],
    ['a run that is still open', { outcomes: { ...outcomes, open: 1 } }, '1 still open'],
    ['an event the watcher missed', { killed: { ...killed, missing: 1 } }, '1 missing'],
    ['an event the watcher had twice', { killed: { ...killed, twice: 3 } }, '3 twice'],
    ['events out of order', { killed: { ...killed, inOrder: false } }, 'NOT in order'],
    ['a deal that was opened twice', { killed: { ...killed, dealsInAll: 3 } }, 'deals 3, 1 twice'],
  ])('is not complete with %s, and names it', (_name, change, named) => {
    const broken = { ...closing, ...change }
    expect(isComplete(broken)).toBe(false)
    expect(closingText(broken)).toContain(named)
    expect(closingText(broken)).not.toContain('Nothing lost')
  })

  test('says of a demo that killed its server what was taken over, and that the log was told whole', () => {
    const text = closingText({ ...closing, killed })
    expect(isComplete({ ...closing, killed })).toBe(true)
    expect(text).toContain('accepted 3 = 3 finished or waiting for you, each exactly once · deals 2, none twice')
    expect(text).toContain('2 runs taken over · watcher: 60 events, 0 missing, 0 twice, in order')
    expect(JSON.parse(closingJson({ ...closing, killed })).killed).toEqual(killed)
    expect(JSON.parse(closingJson(closing))).not.toHaveProperty('killed')
  })

  test('counts what was sent before, and groups what was refused by its reason, with the first of each', () => {
    const again = { ...sent(true, 1), replayed: true }
    const full = { ...sent(false, 5), status: 429, reason: null }
    full.lead = { ...full.lead, line: 7 }
    const text = closingText({ ...closing, sent: [again, sent(true, 2), sent(false, 4), sent(false, 5), full] })
    expect(text).toMatch(/ {2}sent before +1\b/)
    expect(text).toMatch(/ 2 {2}refused: We have received exactly this.*again\. \(first Kim\)\n/)
    expect(text).toContain('1  refused: HTTP 429 (Kim, line 7)\n')
    const early = { ...full, lead: { ...full.lead, label: 'Lee', line: 5 } }
    expect(closingText({ ...closing, sent: [full, early] })).toContain('2  refused: HTTP 429 (first Lee, line 5)\n')
    expect(text).not.toContain('each exactly once')
  })

  test('names runs that ended otherwise, and twenty of what is not accounted for', () => {
    const unaccounted = Array.from({ length: 23 }, (_, n) => `${n}: has no contact`)
    const text = closingText({ ...closing, outcomes: { ...outcomes, ended: 1, unaccounted } })
    expect(text).toContain('1 ended otherwise')
    expect(text).toContain('✖ 19: has no contact')
    expect(text).not.toContain('✖ 20: has no contact')
    expect(text).toContain('✖ and 3 more')
  })

  test('leads nowhere when its server is gone, and to no decision where none waits', () => {
    expect(closingText({ ...closing, links: null })).not.toContain('Look:')
    const text = closingText({ ...closing, outcomes: { ...outcomes, waiting: 0, finished: 3 } })
    expect(text).toContain('Look:    http://localhost/deals')
    expect(text).not.toContain('Decide:')
  })

  test('has no rate where no time has passed, and no price where nothing was rehearsed', () => {
    const none = { ...outcomes, rehearsed: new Map(), rehearsal: false, costMicros: 1_500_000n }
    const text = closingText({ ...closing, outcomes: none, sentAfterMs: 0 })
    expect(text).toContain('(–/s)')
    expect(text).toMatch(/cost +\$1\.50/)
    expect(text).not.toContain('on Claude')
  })
})
