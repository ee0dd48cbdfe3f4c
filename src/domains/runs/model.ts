import { z } from 'zod'
import { publicId } from '../../platform/lib/parse.ts'

/*
 * A run: everything an employee does happens in one. The row is the truth; a waiting run is a row, not a parked promise.
 *
 * QUEUED     a segment stands in the queue; nobody works it yet.
 * RUNNING    a process has claimed the segment: its `attempt` is the fence of every journal write.
 * WAITING    for an approval, a person, a time or the budget. The segment has ended. What ends the wait puts the run
 *            back to QUEUED and enqueues segment n+1, in one transaction.
 * SUCCEEDED, FAILED, CANCELLED, EXPIRED   written once, with a reason, never left.
 */

export const RUN_STATUSES = ['QUEUED', 'RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED'] as const
export type RunStatus = (typeof RUN_STATUSES)[number]

export const RUN_TRIGGERS = ['SUBMISSION', 'SCHEDULE', 'EVENT', 'PERSON', 'GOAL', 'HAND_OVER'] as const
export type RunTrigger = (typeof RUN_TRIGGERS)[number]

export const RUN_REASONS = [
  'DONE',
  'BUDGET_EXHAUSTED',
  'STEP_LIMIT',
  'MODEL_REFUSED',
  'MODEL_UNAVAILABLE',
  'CANCELLED_BY',
  'STALE',
  'POISON',
  'DEADLINE',
] as const
export type RunReason = (typeof RUN_REASONS)[number]

export const RUN_PRIORITIES = ['LOW', 'NORMAL', 'HIGH', 'URGENT'] as const
export type RunPriority = (typeof RUN_PRIORITIES)[number]

export const WAITING_KINDS = ['APPROVAL', 'PERSON', 'TIME', 'BUDGET'] as const
export type WaitingKind = (typeof WAITING_KINDS)[number]

export const STEP_KINDS = ['MODEL_TURN', 'TOOL_CALL', 'NOTE'] as const
export type StepKind = (typeof STEP_KINDS)[number]

export const STEP_STATUSES = ['RUNNING', 'DONE', 'FAILED', 'WAITING', 'REFUSED'] as const
export type StepStatus = (typeof STEP_STATUSES)[number]

export const EFFECT_STATUSES = ['INTENDED', 'SENT', 'CONFIRMED', 'FAILED', 'UNKNOWN'] as const
export type EffectStatus = (typeof EFFECT_STATUSES)[number]

const TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  QUEUED: ['RUNNING', 'CANCELLED', 'EXPIRED'],
  RUNNING: ['RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED'],
  WAITING: ['QUEUED', 'CANCELLED', 'EXPIRED'],
  SUCCEEDED: [],
  FAILED: [],
  CANCELLED: [],
  EXPIRED: [],
}

/** Whether a run may go from one status to the other. RUNNING to RUNNING is a take-over. */
export const canRunGo = (from: RunStatus, to: RunStatus): boolean => TRANSITIONS[from].includes(to)

/** The run is over and its row does not change any more. */
export const isTerminal = (status: RunStatus): boolean => TRANSITIONS[status].length === 0

export type TerminalStatus = 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'EXPIRED'

/** How a run ended; `text` says it to a person, in a sentence. */
export interface RunEnd {
  readonly status: TerminalStatus
  readonly reason: RunReason
  readonly text: string
}

/** What a run waits for. `wakeAt` is when it goes on by itself; without it something else must end the wait. */
export interface RunWait {
  readonly kind: WaitingKind
  readonly text: string
  readonly memberId?: string | undefined
  readonly wakeAt?: Date | undefined
}

/** A run that changed hands this often without a new journal entry brings its processes down: it ends as POISON. */
export const MAX_TAKEOVERS = 3

/** Longest title of a run or step; longer ones are cut. */
export const MAX_TITLE_LENGTH = 255

export const cutTitle = (title: string): string =>
  title.length <= MAX_TITLE_LENGTH ? title : `${title.slice(0, MAX_TITLE_LENGTH - 1)}…`

export const cancelRunInput = z.object({
  id: publicId('run', 'Run'),
  reason: z.string().trim().max(1_000).nullish(),
})
