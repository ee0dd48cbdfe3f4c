// What an employee is doing, in words.
//
// Computed from its runs when it is asked for, never stored, so it cannot be out of date. Of all its open runs the one
// that says most is told: what is being worked, else what is next, else what has waited longest. Without an open run it
// is the last one that tells: FAILED when that failed, else IDLE.

import { DateTime } from 'luxon'
import type { StoredActor } from '../../platform/auth/viewer.ts'
import type { WaitingKind } from '../runs/model.ts'
import type { EmployeeStatus } from './model.ts'

export const EMPLOYEE_STATES = ['IDLE', 'WORKING', 'WAITING', 'STUCK', 'FAILED', 'PAUSED'] as const
export type EmployeeState = (typeof EMPLOYEE_STATES)[number]

export interface Activity {
  readonly state: EmployeeState
  /** One line: `Waiting for Ada since 09:41`. */
  readonly text: string
  readonly since: Date
  readonly waitingFor: StoredActor | null
  readonly approvalId: string | null
  /** The run it is about; null when idle. */
  readonly runId: string | null
}

export interface RunningFacts {
  readonly id: string
  readonly title: string
  readonly startedAt: Date
  readonly lastStepAt: Date | null
}
export interface QueuedFacts {
  readonly id: string
  readonly title: string
  readonly createdAt: Date
}
export interface WaitingFacts {
  readonly id: string
  readonly kind: WaitingKind
  readonly since: Date
  readonly wakeAt: Date | null
  readonly deadline: Date | null
  readonly memberId: string | null
  readonly memberName: string | null
  readonly approvalId: string | null
  readonly approvalExpiresAt: Date | null
}
export interface LastFacts {
  readonly id: string
  readonly title: string
  readonly failed: boolean
  readonly reasonText: string | null
  readonly finishedAt: Date
}

export interface ActivityFacts {
  readonly status: EmployeeStatus
  readonly createdAt: Date
  /** When its status became what it is, as far as that is known. */
  readonly statusSince: Date
  readonly timeZone: string
  /** Without a finished step for so long, what is being worked is stuck. */
  readonly stuckAfterMs: number
  readonly running: RunningFacts | null
  readonly queued: QueuedFacts | null
  readonly waiting: WaitingFacts | null
  readonly last: LastFacts | null
}

const NOTHING = { waitingFor: null, approvalId: null, runId: null }

/** The activity that these facts amount to at a moment. */
export function activityOf(facts: ActivityFacts, now: Date): Activity {
  const { status, running, queued, waiting, last } = facts
  const clock = (moment: Date) => clockText(moment, now, facts.timeZone)
  if (status === 'OFFBOARDED') return { ...NOTHING, state: 'IDLE', text: 'Has left', since: facts.statusSince }
  if (status === 'PAUSED') {
    const since = facts.statusSince
    return { ...NOTHING, state: 'PAUSED', text: `Paused since ${clock(since)}`, since, runId: waiting?.id ?? null }
  }
  if (running !== null) return working(running, facts.stuckAfterMs, now, clock)
  if (queued !== null) {
    const text = `About to ${queued.title.charAt(0).toLowerCase()}${queued.title.slice(1)}`
    return { ...NOTHING, state: 'WORKING', text, since: queued.createdAt, runId: queued.id }
  }
  if (waiting !== null) return waitingActivity(waiting, now, clock)
  if (last?.failed === true) {
    const text = `Failed: ${last.reasonText ?? last.title}`
    return { ...NOTHING, state: 'FAILED', text, since: last.finishedAt, runId: last.id }
  }
  return { ...NOTHING, state: 'IDLE', text: 'Idle', since: last?.finishedAt ?? facts.createdAt }
}

function working(run: RunningFacts, stuckAfterMs: number, now: Date, clock: (moment: Date) => string): Activity {
  const lastSign = run.lastStepAt !== null && run.lastStepAt > run.startedAt ? run.lastStepAt : run.startedAt
  const about = { ...NOTHING, runId: run.id }
  if (now.getTime() - lastSign.getTime() >= stuckAfterMs) {
    return { ...about, state: 'STUCK', text: `Stuck since ${clock(lastSign)}: ${run.title}`, since: lastSign }
  }
  return { ...about, state: 'WORKING', text: run.title.replace(/^Work on /, 'Working on '), since: run.startedAt }
}

function waitingActivity(run: WaitingFacts, now: Date, clock: (moment: Date) => string): Activity {
  const limit = run.approvalExpiresAt ?? run.deadline
  const overdue = limit !== null && limit <= now
  const text =
    run.kind === 'TIME' && run.wakeAt !== null
      ? `Waiting until ${clock(run.wakeAt)}`
      : `Waiting for ${run.memberName ?? WAITED_FOR[run.kind]} since ${clock(run.since)}`
  return {
    state: overdue ? 'STUCK' : 'WAITING',
    text: overdue ? `${text}, past its time` : text,
    since: run.since,
    waitingFor: run.memberId === null ? null : { kind: 'MEMBER', id: run.memberId },
    approvalId: run.approvalId,
    runId: run.id,
  }
}

const WAITED_FOR: Readonly<Record<WaitingKind, string>> = {
  APPROVAL: 'a decision',
  PERSON: 'a person',
  TIME: 'its time',
  BUDGET: 'the budget',
}

/** `09:41`, with the day when it is another one. */
function clockText(moment: Date, now: Date, zone: string): string {
  const local = DateTime.fromJSDate(moment, { zone }).setLocale('en')
  return local.hasSame(DateTime.fromJSDate(now, { zone }), 'day')
    ? local.toFormat('HH:mm')
    : local.toFormat('d LLL, HH:mm')
}
