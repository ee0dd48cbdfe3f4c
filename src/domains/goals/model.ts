import { z } from 'zod'
import { parseDuration } from '../../platform/lib/duration.ts'
import { publicId } from '../../platform/lib/parse.ts'
import { isMet, type Measure } from './attainment.ts'

/*
 * A goal: what an employee is to reach or to keep.
 *
 * ACHIEVE and EXPLORE   ACTIVE ⇄ BLOCKED, then once ACHIEVED, MISSED or ABANDONED, which are never left.
 * MAINTAIN and PREVENT  never complete: ON_TRACK, AT_RISK or BREACHED by the last measurement, BLOCKED while it cannot be
 *                       worked on, ABANDONED when given up.
 */

export const GOAL_KINDS = ['ACHIEVE', 'MAINTAIN', 'PREVENT', 'EXPLORE'] as const
export type GoalKind = (typeof GOAL_KINDS)[number]

export const GOAL_STATUSES = [
  'ACTIVE',
  'BLOCKED',
  'ACHIEVED',
  'MISSED',
  'ABANDONED',
  'ON_TRACK',
  'AT_RISK',
  'BREACHED',
] as const
export type GoalStatus = (typeof GOAL_STATUSES)[number]

export const COMPARATORS = ['GTE', 'LTE', 'EQ', 'BETWEEN'] as const
export type Comparator = (typeof COMPARATORS)[number]

/** What a person decides about a goal. */
export type GoalAct = 'achieve' | 'miss' | 'abandon' | 'block' | 'unblock'

const OPEN_ENDED: readonly GoalAct[] = ['block', 'abandon']
const ACTS: Readonly<Record<GoalStatus, readonly GoalAct[]>> = {
  ACTIVE: ['achieve', 'miss', 'abandon', 'block'],
  BLOCKED: ['unblock', 'abandon'],
  ON_TRACK: OPEN_ENDED,
  AT_RISK: OPEN_ENDED,
  BREACHED: OPEN_ENDED,
  ACHIEVED: [],
  MISSED: [],
  ABANDONED: [],
}

/** Whether this can be decided about a goal in that status. */
export const canDecide = (status: GoalStatus, act: GoalAct): boolean => ACTS[status].includes(act)

/** The goal is over: its figures and its text do not change any more. */
export const isClosed = (status: GoalStatus): boolean => ACTS[status].length === 0

/** MAINTAIN and PREVENT: a goal that is kept, not reached. */
export const isKept = (kind: GoalKind): boolean => kind === 'MAINTAIN' || kind === 'PREVENT'

const MARGIN = 0.1

/**
 * Where an open goal stands by its figures: ACTIVE for what is to be reached. What is to be kept is ON_TRACK until it is
 * measured. A MAINTAIN goal that misses its bound by up to a tenth of it (of the range's width) is AT_RISK, further off
 * BREACHED. A PREVENT goal is BREACHED with the first miss, and AT_RISK within the last tenth before it.
 */
export function standingOf(kind: GoalKind, measure: Measure): GoalStatus {
  if (!isKept(kind)) return 'ACTIVE'
  const met = isMet(measure)
  if (met === null) return 'ON_TRACK'
  if (kind === 'MAINTAIN') {
    if (met) return 'ON_TRACK'
    return isMet(widened(measure, MARGIN)) ? 'AT_RISK' : 'BREACHED'
  }
  if (!met) return 'BREACHED'
  return isMet(widened(measure, -MARGIN)) ? 'ON_TRACK' : 'AT_RISK'
}

/** The same measure with its bounds moved outwards by a share of themselves, or inwards when the share is negative. */
function widened(measure: Measure, share: number): Measure {
  const target = measure.target ?? 0
  const targetMax = measure.targetMax ?? target
  const by = Math.abs(target) * share
  switch (measure.comparator) {
    case 'GTE':
      return { ...measure, target: target - by }
    case 'LTE':
      return { ...measure, target: target + by }
    case 'EQ':
      // A single value has no inside.
      return share < 0 ? measure : { ...measure, comparator: 'BETWEEN', target: target - by, targetMax: target + by }
    default: {
      const width = targetMax - target
      return { ...measure, target: target - width * share, targetMax: targetMax + width * share }
    }
  }
}

/**
 * Where attainment counts from after this measurement. A baseline that was given stays; without one the first measurement
 * becomes it where less, or a certain value, is wanted. More counts from nothing.
 */
export const baselineAfter = (measure: Measure, value: number): number | null =>
  measure.baseline ?? (measure.comparator === null || measure.comparator === 'GTE' ? null : value)

const goalId = publicId('goal', 'Goal')
const employeeId = publicId('employee', 'Employee')
const ifVersion = z.int().nullish()

const title = z.string().trim().min(2).max(255)
const description = z.string().max(5_000)
const reason = z.string().trim().min(1).max(500)
const figure = z.number()

/** An ISO 8601 duration, as `P7D`. */
const window = z.string().refine((text) => text.startsWith('P') && parseDuration(text) !== undefined, {
  message: 'Write a period as an ISO 8601 duration, as in P7D.',
  params: { code: 'INVALID_FORMAT' },
})

const figures = {
  comparator: z.enum(COMPARATORS).nullish(),
  target: figure.nullish(),
  targetMax: figure.nullish(),
  baseline: figure.nullish(),
  unit: z.string().trim().min(1).max(50).nullish(),
  window: window.nullish(),
  dueAt: z.date().nullish(),
}

export const createGoalInput = z.object({
  id: goalId.nullish(),
  employee: employeeId,
  title,
  description: description.nullish(),
  kind: z.enum(GOAL_KINDS),
  priority: z.int().min(1).max(10).nullish(),
  ...figures,
})
export type CreateGoalInput = z.output<typeof createGoalInput>

/** Left out means unchanged, null means cleared. */
export const updateGoalInput = z.object({
  id: goalId,
  ifVersion,
  title: title.optional(),
  description: description.optional(),
  priority: z.int().min(1).max(10).optional(),
  employee: employeeId.optional(),
  ...figures,
})
export type UpdateGoalInput = z.output<typeof updateGoalInput>

export const recordGoalProgressInput = z.object({ id: goalId, ifVersion, value: figure })
export type RecordGoalProgressInput = z.output<typeof recordGoalProgressInput>

export const decideGoalInput = z.object({ id: goalId, ifVersion })
export type DecideGoalInput = z.output<typeof decideGoalInput>

export const decideGoalWithReasonInput = z.object({ id: goalId, ifVersion, reason })
export type DecideGoalWithReasonInput = z.output<typeof decideGoalWithReasonInput>
