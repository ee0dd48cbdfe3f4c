import type { Verdict } from '../domains/approvals/service.ts'
import { appendEffects, closeStep, type NewEffect } from '../domains/runs/service.ts'
import type { Tx } from '../platform/db/transaction.ts'
import type { NewEvent } from '../platform/events/event.ts'
import { type CallState, type RunState, textOf } from './conversation.ts'
import type { LoopMeans } from './means.ts'
import type { AnswerBlock } from './model/answer-reader.ts'
import type { PerformMeans } from './tools/perform.ts'
import { recordsNamedBy } from './tools/records.ts'

/** What is written and told about tool calls, whoever closes them. */

/** What a call of a turn is performed with; `state` is the run before it, `unwritten` the effects of the calls before. */
export const performMeans = (
  means: LoopMeans,
  state: RunState,
  content: readonly AnswerBlock[],
  savepoints: boolean,
  unwritten: readonly NewEffect[] = [],
): PerformMeans => ({
  registry: means.registry,
  mandate: means.context.mandate,
  knownRecords: new Set([...means.context.knownRecords, ...recordsNamedBy(state.turns.flatMap((turn) => turn.calls))]),
  runId: means.run.id,
  employeeId: means.run.employeeId,
  words: textOf(content),
  maxCallsPerTurn: means.limits.maxCallsPerTurn,
  unwritten,
  savepoints,
})

/** What a TOOL_CALL step keeps. */
export const callData = (call: CallState): Readonly<Record<string, unknown>> => ({
  callId: call.callId,
  tool: call.tool,
  input: call.input,
  ...(call.invalidJson === undefined ? {} : { invalidJson: call.invalidJson }),
  ...(call.output === undefined ? {} : { output: call.output }),
  ...(call.isError ? { isError: true } : {}),
  ...(call.decision === undefined ? {} : { decision: call.decision }),
  ...(call.rule === undefined ? {} : { rule: call.rule }),
})

/** A step in a status it may stay in; one that is RUNNING has more to come. */
export const callFinished = (runId: string, call: CallState): NewEvent[] =>
  call.status === 'RUNNING' ? [] : [stepFinished(runId, call.seq, 'TOOL_CALL', call.status, call.tool)]

export const stepFinished = (runId: string, seq: number, kind: string, status: string, tool?: string): NewEvent => ({
  type: 'step.finished',
  subject: { kind: 'run', id: runId },
  runId,
  data: { seq, kind, status, ...(tool === undefined ? {} : { tool }) },
})

/** Writes what became of one call, tells it, and goes on from there. */
export async function closeCall(tx: Tx, means: LoopMeans, call: CallState, effects: readonly NewEffect[] = []) {
  await closeStep(tx, means.run.id, {
    seq: call.seq,
    status: call.status,
    data: callData(call),
    approvalId: call.approvalId,
  })
  appendEffects(tx, means.run.id, effects)
}

/** The model is told when a person changed what it had asked for. */
export const told = (output: Readonly<Record<string, unknown>>, verdict: Verdict) => ({
  ...output,
  ...(verdict.edited ? { editedByApprover: verdict.input } : {}),
  ...(verdict.decisionReason === null ? {} : { approverSaid: verdict.decisionReason }),
})

/** A call that will not be carried out, with why, as the model reads it. */
export function refusedBy(call: CallState, verdict: Verdict): CallState {
  const reasons: Readonly<Record<string, string>> = {
    REJECTED: verdict.decisionReason ?? 'A person said no.',
    EXPIRED: 'Nobody decided in time.',
    STALE: 'What the approver was shown had changed since. Look again, and ask again if it still makes sense.',
  }
  const reason = reasons[verdict.status] ?? 'It was not carried out.'
  return { ...call, status: 'REFUSED', isError: true, output: { status: verdict.status, reason } }
}

export function approvalOf(call: CallState): string {
  if (call.approvalId === undefined) throw new Error(`the waiting call ${call.seq} has no approval`)
  return call.approvalId
}
