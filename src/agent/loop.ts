/*
 * How an employee works a run: a loop over turns, pure in that everything it touches comes in as a parameter.
 *
 *   settle   what is open in the last turn: acts decided but not done, acts to be sent, acts a person has decided
 *   ask      the model, with the conversation that the journal makes
 *   record   the answer, its acts inside the house, effects, events and money: one transaction
 *
 * and again, until the model calls no more tools, a limit is met, or the run must wait. Each `write` is fenced; the state
 * is only what the journal says, so a segment that goes on after a wait or a crash is this loop from its first line. A turn
 * that was recorded is never asked for again.
 *
 * Transactions of a lead in four turns without a send: one claim and four writes. A send adds two (SENT, then its outcome).
 */

import type { RunEnd } from '../domains/runs/model.ts'
import type { Signals } from '../domains/runs/service.ts'
import type { Tx } from '../platform/db/transaction.ts'
import type { EndedAttempt, Held } from './budget.ts'
import { openCalls, type RunState } from './conversation.ts'
import { type LoopMeans, requestOf } from './means.ts'
import { callModel, type Spent } from './model-call.ts'
import { closeBooks, type Next, OVER, proceed } from './proceed.ts'
import { recordOutage, recordTurn } from './record.ts'
import { settleOpenCalls } from './settle.ts'

/** Works the run until it waits or ends. `held` came with the claim. Throws FenceLost, the signal's reason, or a fault. */
export async function runLoop(means: LoopMeans, start: Extract<Next, { kind: 'GO_ON' }>): Promise<void> {
  let next: Next = start
  while (next.kind === 'GO_ON') {
    if (means.letGo.aborted) await giveBack(means, next.held)
    means.letGo.throwIfAborted()
    const state: RunState = next.state
    next = openCalls(state).length > 0 ? await settleOpenCalls(means, state) : await takeTurn(means, next)
  }
}

/** Let go before a call that money was held for: it was not sent, so nothing of it counts. */
async function giveBack(means: LoopMeans, held: Held | null): Promise<void> {
  if (held === null) return
  const { runId, turn, attempt } = held
  await means.journal.write({ steps: 0 }, async (tx) => {
    await means.budget?.end(tx, { runId, turn, attempt, status: 'RELEASED' })
  })
}

async function takeTurn(means: LoopMeans, { state, held }: Extract<Next, { kind: 'GO_ON' }>): Promise<Next> {
  const ready = held ?? (await holdFirst(means, state))
  if (ready === null) return OVER
  const { ctx, journal, sink, run } = means
  const seq = journal.fence.seq
  const signal = AbortSignal.any([means.letGo, means.cancelled])
  const startedAt = ctx.clock.now()
  const outcome = await callModel(
    {
      ...means.calls,
      model: means.model,
      prices: means.prices,
      clock: ctx.clock,
      signal,
      repeat: (ended, spent, model) => holdAgain(means, state, ended, spent, model),
    },
    means.routing,
    (model) => {
      sink.begin(run.id, seq)
      return { ...requestOf(means, state, model), onText: (delta) => sink.text(run.id, delta) }
    },
    ready,
  )
  switch (outcome.kind) {
    case 'ANSWERED':
      return recordTurn(means, state, outcome, startedAt)
    case 'OUTAGE':
      return recordOutage(means, state, outcome, startedAt)
    case 'FAILED':
      return end(means, outcome.end, outcome)
    case 'INTERRUPTED':
      return interrupted(means, state, outcome)
    case 'OVER':
      return OVER
  }
}

/** A hold where no write before could make one (a wait ended and nothing was left to do). */
async function holdFirst(means: LoopMeans, state: RunState): Promise<Held | 'FREE' | null> {
  if (means.budget === null) return 'FREE'
  const next = await means.journal.write({ steps: 0 }, (tx, signals) =>
    proceed(means, tx, { state, signals, events: [] }),
  )
  return next.kind === 'OVER' ? null : (next.held ?? 'FREE')
}

async function holdAgain(
  means: LoopMeans,
  state: RunState,
  ended: EndedAttempt | undefined,
  spent: Spent,
  model: string,
): Promise<Held | 'FREE' | null> {
  if (means.budget === null) return 'FREE'
  const next = await means.journal.write(costs(0, spent), (tx, signals) =>
    proceed(means, tx, { state, signals, events: [], ended, model, again: true }),
  )
  return next.kind === 'OVER' ? null : (next.held ?? 'FREE')
}

const costs = (steps: number, { tokens, costMicros }: Spent) => ({ steps, tokens, costMicros })

async function end(
  means: LoopMeans,
  runEnd: RunEnd,
  { ended, spent }: { readonly ended: EndedAttempt | undefined; readonly spent: Spent },
): Promise<Next> {
  return means.journal.write(costs(0, spent), (tx) => closeBooks(means, tx, runEnd, [], ended))
}

/** Cancelled: the run's own row says so, and this write ends it. Let go: the books are closed and the reason thrown. */
async function interrupted(
  means: LoopMeans,
  state: RunState,
  { ended, spent }: { readonly ended: EndedAttempt | undefined; readonly spent: Spent },
): Promise<Next> {
  const next = await means.journal.write(costs(0, spent), async (tx: Tx, signals: Signals): Promise<Next> => {
    if (signals.cancelled !== null || !means.letGo.aborted) {
      return proceed(means, tx, { state, signals, events: [], ended })
    }
    if (ended !== undefined) await means.budget?.end(tx, ended)
    return { kind: 'GO_ON', state, held: null }
  })
  means.letGo.throwIfAborted()
  return next
}
