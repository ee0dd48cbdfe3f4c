import type { MessageParam } from '@anthropic-ai/sdk/resources/messages/messages'
import type { EffectStatus, StepStatus } from '../domains/runs/model.ts'
import type { StoredStep } from '../domains/runs/service.ts'
import { type AnswerBlock, assistantMessage } from './model/answer-reader.ts'

/*
 * A run as the loop holds it: what the journal says, read. Going on after a crash and going on after a turn are the same
 * thing, because both start from this state; and the conversation that the model sees is made from it alone.
 */

/** One tool call of a turn and what became of it. RUNNING and WAITING are open: the model is not asked before they close. */
export interface CallState {
  readonly seq: number
  readonly turn: number
  /** Its place in the turn. */
  readonly index: number
  /** The model's own id of the call; only the result that answers it carries it. */
  readonly callId: string
  readonly tool: string
  readonly input: Readonly<Record<string, unknown>>
  /** The arguments as they came, where they are no JSON object. */
  readonly invalidJson?: string | undefined
  readonly status: StepStatus
  readonly output?: Readonly<Record<string, unknown>> | undefined
  readonly isError: boolean
  readonly decision?: string | undefined
  readonly rule?: string | undefined
  readonly approvalId?: string | undefined
  readonly effect?: EffectStatus | undefined
}

export interface TurnState {
  readonly content: readonly AnswerBlock[]
  readonly calls: readonly CallState[]
}

export interface RunState {
  /** The texts of the first user message, as they were sent with the first turn. */
  readonly opening: readonly string[]
  readonly turns: readonly TurnState[]
  /** How often in a row the run was parked since its last turn because no model answered. */
  readonly outages: number
}

/** What stands on a MODEL_TURN step beside figures. */
export interface TurnData {
  readonly content: readonly AnswerBlock[]
  /** With the first turn only. */
  readonly opening?: readonly string[] | undefined
}

/** What stands on a TOOL_CALL step. */
export interface CallData {
  readonly callId: string
  readonly tool: string
  readonly input: Readonly<Record<string, unknown>>
  readonly invalidJson?: string | undefined
  readonly output?: Readonly<Record<string, unknown>> | undefined
  readonly isError?: boolean | undefined
  readonly decision?: string | undefined
  readonly rule?: string | undefined
}

/** NOTE steps that tell of an outage. */
export const MODEL_OUTAGE = 'MODEL_OUTAGE'

/** Reads the journal. `opening` is used where no turn has been recorded yet. */
export function readJournal(steps: readonly StoredStep[], opening: readonly string[]): RunState {
  const turns: { content: readonly AnswerBlock[]; calls: CallState[] }[] = []
  let firstOpening = opening
  let outages = 0
  for (const step of steps) {
    switch (step.kind) {
      case 'MODEL_TURN': {
        const data = step.data as unknown as TurnData
        if (data.opening !== undefined) firstOpening = data.opening
        turns.push({ content: data.content, calls: [] })
        outages = 0
        break
      }
      case 'TOOL_CALL':
        turns.at(-1)?.calls.push(readCall(step))
        break
      case 'NOTE':
        if (step.data.kind === MODEL_OUTAGE) outages += 1
        break
    }
  }
  return { opening: firstOpening, turns, outages }
}

function readCall(step: StoredStep): CallState {
  const data = step.data as unknown as CallData
  return {
    seq: step.seq,
    turn: step.turn,
    index: step.callIndex ?? 0,
    callId: data.callId,
    tool: data.tool,
    input: data.input,
    invalidJson: data.invalidJson,
    status: step.status,
    output: data.output,
    isError: data.isError === true,
    decision: data.decision,
    rule: data.rule,
    approvalId: step.approvalId ?? undefined,
    effect: (step.effectStatus ?? undefined) as EffectStatus | undefined,
  }
}

export const isOpen = (call: CallState): boolean => call.status === 'RUNNING' || call.status === 'WAITING'

/** The calls that must close before the model is asked again, in order. */
export const openCalls = (state: RunState): readonly CallState[] => state.turns.at(-1)?.calls.filter(isOpen) ?? []

/** The state with these calls as they are now. */
export function withCalls(state: RunState, changed: readonly CallState[]): RunState {
  const bySeq = new Map(changed.map((call) => [call.seq, call]))
  return {
    ...state,
    turns: state.turns.map((turn) => ({ ...turn, calls: turn.calls.map((call) => bySeq.get(call.seq) ?? call) })),
  }
}

/** The messages of the next request. Every call of every turn has its result: the API asks for it. */
export function messagesOf(state: RunState): MessageParam[] {
  const messages: MessageParam[] = [
    { role: 'user', content: state.opening.map((text) => ({ type: 'text' as const, text })) },
  ]
  for (const turn of state.turns) {
    messages.push(assistantMessage(turn.content))
    if (turn.calls.length === 0) continue
    messages.push({
      role: 'user',
      content: turn.calls.map((call) => ({
        type: 'tool_result' as const,
        tool_use_id: call.callId,
        content: JSON.stringify(call.output ?? {}),
        ...(call.isError ? { is_error: true } : {}),
      })),
    })
  }
  return messages
}

/** The answer's own words. */
export const textOf = (content: readonly AnswerBlock[]): string =>
  content
    .flatMap((block) => (block.type === 'text' ? [block.text] : []))
    .join('\n')
    .trim()
