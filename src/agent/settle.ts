/*
 * Closing what a turn left open, one call after the other:
 *
 *   RUNNING, no effect yet     decided by nobody (the employee was paused in between): performed now, as any other
 *   RUNNING, effect INTENDED   to be sent: see `send.ts`
 *   WAITING                    a person was asked; carried out when approved, else closed with what the person said
 *
 * An approved act is carried out under the approval's lock, in the transaction that does it (or marks it SENT), and only if
 * what the approver was shown is still so.
 */

import { redeemApproval, settleApproval, type Verdict } from '../domains/approvals/service.ts'
import type { NewEffect } from '../domains/runs/service.ts'
import type { Tx } from '../platform/db/transaction.ts'
import { newId } from '../platform/lib/ids.ts'
import type { InternalTool } from '../platform/tools/tool.ts'
import { approvalOf, callFinished, closeCall, performMeans, refusedBy, told } from './calls.ts'
import { type CallState, openCalls, type RunState, withCalls } from './conversation.ts'
import type { LoopMeans } from './means.ts'
import { endWanted, type Next, proceed } from './proceed.ts'
import { hashOf } from './tools/fingerprint.ts'
import { endsTheTurn, failedCall, isExternal, NeedsSavepoints, performCall } from './tools/perform.ts'
import { sendCall } from './tools/send.ts'

/** Closes the first call that can be closed; parks the run when all that is left waits for people. */
export async function settleOpenCalls(means: LoopMeans, state: RunState): Promise<Next> {
  const open = openCalls(state)
  const first = open.find((call) => call.status === 'RUNNING') ?? open[0]
  if (first === undefined) return { kind: 'GO_ON', state, held: null }
  if (first.status === 'RUNNING') {
    return first.effect === undefined ? performNow(means, state, first) : sendCall(means, state, first)
  }
  const tool = means.registry.find(first.tool)
  return tool !== undefined && isExternal(tool)
    ? sendCall(means, state, first)
    : carryOut(means, state, first, tool as InternalTool<unknown> | undefined)
}

async function performNow(means: LoopMeans, state: RunState, call: CallState): Promise<Next> {
  const content = state.turns[call.turn]?.content ?? []
  const write = (savepoints: boolean) =>
    means.journal.write({ steps: 0 }, async (tx, signals): Promise<Next> => {
      if (endWanted(signals, tx.now) !== undefined || signals.employeeStatus === 'PAUSED') {
        return proceed(means, tx, { state, signals, events: [] })
      }
      const performed = await performCall(tx, performMeans(means, state, content, savepoints), call)
      await closeCall(tx, means, performed.call, performed.effect === undefined ? [] : [performed.effect])
      const after = withCalls(state, [performed.call])
      return proceed(means, tx, { state: after, signals, events: callFinished(means.run.id, performed.call) })
    })
  try {
    return await write(false)
  } catch (err) {
    if (!(err instanceof NeedsSavepoints)) throw err
    return await write(true)
  }
}

/** An act inside the house that a person was asked about. */
async function carryOut(
  means: LoopMeans,
  state: RunState,
  call: CallState,
  tool: InternalTool<unknown> | undefined,
): Promise<Next> {
  return means.journal.write({ steps: 0 }, async (tx, signals): Promise<Next> => {
    if (endWanted(signals, tx.now) !== undefined || signals.employeeStatus === 'PAUSED') {
      return proceed(means, tx, { state, signals, events: [] })
    }
    const verdict = await redeemApproval(tx, approvalOf(call))
    if (verdict.status === 'PENDING') return proceed(means, tx, { state, signals, events: [] })
    if (verdict.status !== 'APPROVED' || tool === undefined) {
      const closed = verdict.status === 'APPROVED' ? await withoutTool(tx, call) : refusedBy(call, verdict)
      await closeCall(tx, means, closed)
      return proceed(means, tx, {
        state: withCalls(state, [closed]),
        signals,
        events: callFinished(means.run.id, closed),
      })
    }
    const { done, effects } = await runApproved(tx, call, tool, verdict)
    await closeCall(tx, means, done, effects)
    await settleApproval(
      tx,
      verdict.approvalId,
      done.isError ? { status: 'FAILED', error: JSON.stringify(done.output) } : { status: 'EXECUTED' },
    )
    return proceed(means, tx, { state: withCalls(state, [done]), signals, events: callFinished(means.run.id, done) })
  })
}

/** Approved, but its tool is gone: the approval is not left open. */
async function withoutTool(tx: Tx, call: CallState): Promise<CallState> {
  const message = `There is no tool ${call.tool} any more.`
  await settleApproval(tx, approvalOf(call), { status: 'FAILED', error: message })
  return { ...call, status: 'FAILED', isError: true, output: { error: { code: 'UNKNOWN_TOOL', message } } }
}

async function runApproved(tx: Tx, call: CallState, tool: InternalTool<unknown>, verdict: Verdict) {
  try {
    const input = tool.input.parse(verdict.input)
    const { output } = await tx.savepoint(() => tool.run(tx, input))
    const done: CallState = { ...call, status: 'DONE', isError: false, output: told(output, verdict) }
    const effect: NewEffect = {
      id: newId(),
      seq: call.seq,
      turn: call.turn,
      callIndex: call.index,
      tool: tool.name,
      risk: tool.risk,
      status: 'CONFIRMED',
      target: '',
      contentHash: hashOf(input),
      result: output,
    }
    return { done, effects: tool.risk === 'READ' ? [] : [effect] }
  } catch (err) {
    if (endsTheTurn(err)) throw err
    return { done: failedCall(tx, call, err), effects: [] }
  }
}
