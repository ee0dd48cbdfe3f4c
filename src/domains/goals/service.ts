import type { Selectable, Updateable } from 'kysely'
import { requirePermission } from '../../platform/auth/permissions.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import type { FieldChange } from '../../platform/events/event.ts'
import { conflict, type InputIssue, invalidInput, notFound } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import type { Measure } from './attainment.ts'
import { goalEvents } from './events.ts'
import {
  baselineAfter,
  type Comparator,
  type CreateGoalInput,
  canDecide,
  type DecideGoalInput,
  type DecideGoalWithReasonInput,
  type GoalAct,
  type GoalKind,
  type GoalStatus,
  isClosed,
  isKept,
  type RecordGoalProgressInput,
  standingOf,
  type UpdateGoalInput,
} from './model.ts'

type GoalRow = Selectable<Tables['goal']>

/** A goal's row with its texts read as what the database's CHECKs let them be. */
export interface Goal extends Omit<GoalRow, 'kind' | 'status' | 'comparator'> {
  readonly kind: GoalKind
  readonly status: GoalStatus
  readonly comparator: Comparator | null
}

/**
 * Gives an employee a goal. Needs GOALS_WRITE. NOT_FOUND for the employee; INVALID_INPUT for figures that do not go
 * together (a comparator without a target, a range that is upside down); CONFLICT when the `id` is taken.
 */
export async function createGoal(tx: Tx, input: CreateGoalInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'GOALS_WRITE')
  const measure: Measure = {
    comparator: input.comparator ?? null,
    target: input.target ?? null,
    targetMax: input.targetMax ?? null,
    baseline: input.baseline ?? null,
    current: null,
  }
  assertMeasure(measure)
  await assertEmployee(tx, input.employee)
  const id = input.id ?? newId()
  await tx.sql
    .insertInto('goal')
    .values({
      workspaceId: tx.workspaceId,
      id,
      employeeId: input.employee,
      title: input.title,
      description: input.description ?? '',
      kind: input.kind,
      status: standingOf(input.kind, measure),
      priority: input.priority ?? 5,
      comparator: measure.comparator,
      target: measure.target,
      targetMax: measure.targetMax,
      baseline: measure.baseline,
      unit: input.unit ?? null,
      window: input.window ?? null,
      dueAt: input.dueAt ?? null,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  appendEvents(tx, [
    {
      type: goalEvents.created.type,
      subject: { kind: 'goal', id },
      subjectVersion: 1,
      data: { employeeId: input.employee },
    },
  ])
  return { id }
}

/**
 * Changes what is given; null clears. Needs GOALS_WRITE. CONFLICT for a stale `ifVersion` and for a closed goal;
 * INVALID_INPUT for figures that do not go together afterwards. A goal that is kept is judged anew by them.
 */
export async function updateGoal(tx: Tx, input: UpdateGoalInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'GOALS_WRITE')
  const goal = await lockOpenGoal(tx, input)
  const { id, ifVersion, employee, ...fields } = input
  const patch = { ...fields, employeeId: employee }
  const measure: Measure = { ...goal, ...given({ ...fields }) }
  assertMeasure(measure)
  if (employee !== undefined && employee !== goal.employeeId) await assertEmployee(tx, employee)
  const status = goal.status === 'BLOCKED' ? goal.status : standingOf(goal.kind, measure)
  await saveGoal(tx, goal, { ...patch, status }, goalEvents.updated.type)
  return { id }
}

/**
 * Records a measurement. Needs GOALS_WRITE. The first one becomes the baseline where less is better and none was given.
 * A goal that is kept becomes ON_TRACK, AT_RISK or BREACHED by it; one that is to be reached is closed by a person.
 * CONFLICT for a closed goal; INVALID_INPUT for a goal without a comparator.
 */
export async function recordGoalProgress(tx: Tx, input: RecordGoalProgressInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'GOALS_WRITE')
  const goal = await lockOpenGoal(tx, input)
  if (goal.comparator === null) {
    throw invalidInput([
      { path: ['id'], code: 'NOT_ALLOWED', message: 'This goal has no target to be measured by. Give it one first.' },
    ])
  }
  const baseline = baselineAfter(goal, input.value)
  const measure: Measure = { ...goal, baseline, current: input.value }
  const status = goal.status === 'BLOCKED' ? goal.status : standingOf(goal.kind, measure)
  const data = { employeeId: goal.employeeId, from: goal.current, to: input.value, unit: goal.unit }
  await saveGoal(tx, goal, { current: input.value, baseline, status }, goalEvents.progressed.type, data)
  return { id: goal.id }
}

/** Closes a goal as reached. Needs GOALS_WRITE. CONFLICT unless it is ACTIVE. */
export const achieveGoal = (tx: Tx, input: DecideGoalInput) => decide(tx, 'achieve', input)

/** Closes a goal as not reached. Needs GOALS_WRITE. CONFLICT unless it is ACTIVE. */
export const missGoal = (tx: Tx, input: DecideGoalInput) => decide(tx, 'miss', input)

/** Gives a goal up, for a reason. Needs GOALS_WRITE. CONFLICT for a closed goal. */
export const abandonGoal = (tx: Tx, input: DecideGoalWithReasonInput) => decide(tx, 'abandon', input)

/** Says that a goal cannot be worked on, and why. Needs GOALS_WRITE. CONFLICT for a blocked or closed goal. */
export const blockGoal = (tx: Tx, input: DecideGoalWithReasonInput) => decide(tx, 'block', input)

/** Says that a goal can be worked on again. Needs GOALS_WRITE. CONFLICT unless it is BLOCKED. */
export const unblockGoal = (tx: Tx, input: DecideGoalInput) => decide(tx, 'unblock', input)

const OUTCOMES: Readonly<Record<Exclude<GoalAct, 'unblock'>, GoalStatus>> = {
  achieve: 'ACHIEVED',
  miss: 'MISSED',
  abandon: 'ABANDONED',
  block: 'BLOCKED',
}
const EVENTS: Readonly<Record<GoalAct, string>> = {
  achieve: goalEvents.achieved.type,
  miss: goalEvents.missed.type,
  abandon: goalEvents.abandoned.type,
  block: goalEvents.blocked.type,
  unblock: goalEvents.updated.type,
}

async function decide(
  tx: Tx,
  act: GoalAct,
  input: DecideGoalInput & { readonly reason?: string },
): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'GOALS_WRITE')
  const goal = await lockGoal(tx, input)
  if (!canDecide(goal.status, act)) {
    const why =
      isKept(goal.kind) && (act === 'achieve' || act === 'miss')
        ? 'A goal that is to be kept is never completed.'
        : `A goal that is ${goal.status} cannot be ${act === 'miss' ? 'missed' : `${act}${act.endsWith('e') ? 'd' : 'ed'}`}.`
    throw conflict('ILLEGAL_TRANSITION', why, { kind: 'goal', id: goal.id })
  }
  const status = act === 'unblock' ? standingOf(goal.kind, goal) : OUTCOMES[act]
  const patch = { status, statusReason: input.reason ?? null, closedAt: isClosed(status) ? tx.now : null }
  await saveGoal(tx, goal, patch, EVENTS[act])
  return { id: goal.id }
}

async function lockGoal(tx: Tx, { id, ifVersion }: DecideGoalInput): Promise<Goal> {
  const row = await tx.sql.selectFrom('goal').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
  if (row === undefined) throw notFound('Goal', encodeId('goal', id))
  if (ifVersion != null && ifVersion !== row.version) {
    throw conflict('STALE_VERSION', `This goal has changed: it is at version ${row.version}.`, { kind: 'goal', id })
  }
  return row as Goal
}

async function lockOpenGoal(tx: Tx, input: DecideGoalInput): Promise<Goal> {
  const goal = await lockGoal(tx, input)
  if (isClosed(goal.status)) {
    throw conflict('CLOSED', `This goal is ${goal.status} and does not change any more.`, { kind: 'goal', id: goal.id })
  }
  return goal
}

type GoalPatch = { readonly [Field in keyof Updateable<Tables['goal']>]?: GoalRow[Field] | undefined }

/** Writes what is different, with its event. A measurement is an event even when it found the same figure again. */
async function saveGoal(
  tx: Tx,
  goal: Goal,
  patch: GoalPatch,
  eventType: string,
  data: Readonly<Record<string, unknown>> = { employeeId: goal.employeeId },
): Promise<void> {
  const changes: FieldChange[] = changesBetween({ ...goal }, patch)
  if (changes.length === 0 && eventType !== goalEvents.progressed.type) return
  const version = goal.version + 1
  await tx.sql
    .updateTable('goal')
    .set({ ...given(patch), version, updatedAt: tx.now })
    .where('id', '=', goal.id)
    .execute()
  appendEvents(tx, [
    { type: eventType, subject: { kind: 'goal', id: goal.id }, subjectVersion: version, changes, data },
  ])
}

/** Only what was given: undefined means unchanged. */
function given<Fields extends object>(fields: Fields): { [Field in keyof Fields]: Exclude<Fields[Field], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

function assertMeasure({ comparator, target, targetMax }: Measure): void {
  const issues: InputIssue[] = []
  if (comparator === null && target !== null) {
    issues.push({ path: ['comparator'], code: 'REQUIRED', message: 'A target needs a comparator.' })
  }
  if (comparator !== null && target === null) {
    issues.push({ path: ['target'], code: 'REQUIRED', message: 'A comparator needs a target.' })
  }
  if (comparator === 'BETWEEN' && targetMax === null) {
    issues.push({ path: ['targetMax'], code: 'REQUIRED', message: 'BETWEEN needs an upper bound.' })
  }
  if (comparator !== 'BETWEEN' && targetMax !== null) {
    issues.push({ path: ['targetMax'], code: 'NOT_ALLOWED', message: 'Only BETWEEN has an upper bound.' })
  }
  if (target !== null && targetMax !== null && targetMax < target) {
    issues.push({ path: ['targetMax'], code: 'TOO_SMALL', message: 'The upper bound is below the target.' })
  }
  if (issues.length > 0) throw invalidInput(issues)
}

async function assertEmployee(tx: Tx, employeeId: string): Promise<void> {
  const employee = await tx.sql.selectFrom('employee').select('id').where('id', '=', employeeId).executeTakeFirst()
  if (employee === undefined) throw notFound('Employee', encodeId('employee', employeeId))
}
