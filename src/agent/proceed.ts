/*
 * The last part of every write: where the run stands now, and what follows. In this order: somebody wants it to stop; an
 * act is still to be sent; the employee is paused; a person is asked; the turns are used up; the model is next, and its worst
 * case is held. The day's budget row is locked last, after the events.
 */

import type { RunEnd, RunWait } from '../domains/runs/model.ts'
import {
  closeRun,
  DEADLINE_END,
  holdEmployeeStatus,
  OFFBOARDED_END,
  PAUSED_WAIT,
  parkRun,
  type Signals,
} from '../domains/runs/service.ts'
import type { Tx } from '../platform/db/transaction.ts'
import { appendEvents } from '../platform/events/append.ts'
import type { NewEvent } from '../platform/events/event.ts'
import type { EndedAttempt, Held } from './budget.ts'
import { openCalls, type RunState } from './conversation.ts'
import { type LoopMeans, requestOf } from './means.ts'
import { chooseModel } from './model-call.ts'

/** What the loop does next. `held`: the next call's worst case; null when nothing is held yet. */
export type Next =
  | { readonly kind: 'GO_ON'; readonly state: RunState; readonly held: Held | null }
  | { readonly kind: 'OVER' }

export const OVER: Next = { kind: 'OVER' }

export interface Standing {
  /** As it will be when this write commits. */
  readonly state: RunState
  readonly signals: Signals
  /** Of this write, not told yet. */
  readonly events: readonly NewEvent[]
  /** The attempt whose books this write closes. */
  readonly ended?: EndedAttempt | undefined
  /** The model to hold for, where it is chosen already. */
  readonly model?: string | undefined
  /** Another attempt of a turn that was announced before. */
  readonly again?: boolean | undefined
  /** How many steps this write appends: what comes next has the number after them. */
  readonly steps?: number | undefined
}

/** How long a run waits when calls in flight hold what is left of the budget. */
const HELD_BY_OTHERS_WAIT_MS = 15_000

export async function proceed(means: LoopMeans, tx: Tx, standing: Standing): Promise<Next> {
  const { state, events, ended } = standing
  const signals = await surelyPaused(tx, means.run.employeeId, standing.signals)
  const end = endWanted(signals, tx.now)
  if (end !== undefined) return closeBooks(means, tx, end, events, ended)
  const open = openCalls(state)
  if (signals.employeeStatus === 'PAUSED') return park(means, tx, PAUSED_WAIT, events, ended)
  if (open.some((call) => call.status === 'RUNNING')) return goOn(means, tx, standing)
  if (open.length > 0) {
    const asked = await findOpenApproval(tx, means.run.id)
    // Decided while this turn was still being worked: there is nothing to wait for.
    if (asked === undefined) return goOn(means, tx, standing)
    const wait: RunWait = { kind: 'APPROVAL', text: asked.title, memberId: asked.memberId ?? undefined }
    return park(means, tx, wait, events, ended)
  }
  if (state.turns.length >= means.limits.maxTurns) {
    const text = `It took ${state.turns.length} turns without coming to an end.`
    return closeBooks(means, tx, { status: 'FAILED', reason: 'STEP_LIMIT', text }, events, ended)
  }
  return holdNext(means, tx, standing)
}

/** An employee that was resumed since the write began would never look for a run that is only now being parked. */
async function surelyPaused(tx: Tx, employeeId: string, signals: Signals): Promise<Signals> {
  if (signals.employeeStatus !== 'PAUSED') return signals
  return { ...signals, employeeStatus: await holdEmployeeStatus(tx, employeeId) }
}

/** What ends a run from outside, by what the write has just read. */
export function endWanted(signals: Signals, now: Date): RunEnd | undefined {
  if (signals.cancelled !== null) {
    return { status: 'CANCELLED', reason: 'CANCELLED_BY', text: signals.cancelled }
  }
  if (signals.employeeStatus === 'OFFBOARDED') return OFFBOARDED_END
  return signals.deadline !== null && signals.deadline <= now ? DEADLINE_END : undefined
}

/** Ends the run in this write and closes its books, last. */
export async function closeBooks(
  means: LoopMeans,
  tx: Tx,
  end: RunEnd,
  events: readonly NewEvent[],
  ended: EndedAttempt | undefined,
): Promise<Next> {
  await closeRun(tx, means.journal.fence, means.run, end, events)
  if (ended !== undefined) await means.budget?.end(tx, ended)
  return OVER
}

async function park(
  means: LoopMeans,
  tx: Tx,
  wait: RunWait,
  events: readonly NewEvent[],
  ended: EndedAttempt | undefined,
): Promise<Next> {
  await parkRun(tx, means.journal.fence, means.run, wait, events)
  if (ended !== undefined) await means.budget?.end(tx, ended)
  return OVER
}

async function goOn(means: LoopMeans, tx: Tx, { state, events, ended }: Standing): Promise<Next> {
  appendEvents(tx, events)
  if (ended !== undefined) await means.budget?.end(tx, ended)
  return { kind: 'GO_ON', state, held: null }
}

async function findOpenApproval(tx: Tx, runId: string) {
  return tx.sql
    .selectFrom('approval')
    .select(['title', 'memberId'])
    .where('runId', '=', runId)
    .where('status', '=', 'PENDING')
    .orderBy('turn')
    .orderBy('callIndex')
    .limit(1)
    .executeTakeFirst()
}

async function holdNext(means: LoopMeans, tx: Tx, standing: Standing): Promise<Next> {
  const { state, events, ended, steps = 0 } = standing
  const { run, journal, budget, prices, limits } = means
  const isLive = means.model.mode === 'live'
  const started: NewEvent[] =
    isLive && standing.again !== true
      ? [
          {
            type: 'step.started',
            subject: { kind: 'run', id: run.id },
            runId: run.id,
            data: { seq: journal.fence.seq + steps, kind: 'MODEL_TURN' },
          },
        ]
      : []
  appendEvents(tx, [...events, ...started])
  if (budget === null) return { kind: 'GO_ON', state, held: null }

  const model = standing.model ?? chooseModel(means.calls, means.routing)
  if (!prices.has(model)) {
    const text = `The model ${model} has no price, so no call of it can be paid for.`
    return closeBooks(means, tx, { status: 'FAILED', reason: 'MODEL_UNAVAILABLE', text }, [], ended)
  }
  const requestBytes = means.model.requestBytes(requestOf(means, state, model))
  const worstCaseMicros = prices.worstCaseMicros({ requestBytes, maxTokens: limits.maxTokens, model })
  const turn = state.turns.length
  const attempt = await budget.nextAttempt(tx, run.id, turn)
  const reserved = await budget.reserve(tx, { runId: run.id, turn, attempt, worstCaseMicros }, ended)
  if (reserved.ok) return { kind: 'GO_ON', state, held: { runId: run.id, turn, attempt, model } }
  const period = reserved.period === 'DAY' ? 'day' : 'month'
  switch (reserved.why) {
    case 'TOO_LARGE': {
      const text = `One call of the model alone may cost more than the budget of a whole ${period}.`
      await closeRun(tx, journal.fence, run, { status: 'FAILED', reason: 'BUDGET_EXHAUSTED', text }, [])
      return OVER
    }
    case 'EXHAUSTED': {
      const text = `The budget of the ${period} is used up.`
      await parkRun(tx, journal.fence, run, { kind: 'BUDGET', text, wakeAt: reserved.until }, [])
      return OVER
    }
    case 'HELD_BY_OTHERS': {
      const wakeAt = new Date(tx.now.getTime() + HELD_BY_OTHERS_WAIT_MS)
      const text = `Other calls hold what is left of the budget of the ${period}.`
      await parkRun(tx, journal.fence, run, { kind: 'BUDGET', text, wakeAt }, [])
      return OVER
    }
  }
}
