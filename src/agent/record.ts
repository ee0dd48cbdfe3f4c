import type { RunEnd } from '../domains/runs/model.ts'
import {
  announceRunEnd,
  appendSteps,
  type Entry,
  type NewEffect,
  type NewStep,
  parkRun,
} from '../domains/runs/service.ts'
import type { Tx } from '../platform/db/transaction.ts'
import { callData, callFinished, performMeans, stepFinished } from './calls.ts'
import { type CallState, MODEL_OUTAGE, type RunState, textOf } from './conversation.ts'
import type { LoopMeans } from './means.ts'
import type { AnswerBlock } from './model/answer-reader.ts'
import type { Answered, CallOutcome } from './model-call.ts'
import { closeBooks, endWanted, type Next, OVER, proceed } from './proceed.ts'
import { NeedsSavepoints, type Performed, performCall } from './tools/perform.ts'

/** How a turn that called no tool ends its run. */
function endOf(answer: Answered['answer']): RunEnd {
  const text = textOf(answer.content)
  if (answer.stopReason === 'model_context_window_exceeded') {
    return { status: 'FAILED', reason: 'STEP_LIMIT', text: 'The conversation became longer than the model takes.' }
  }
  return { status: 'SUCCEEDED', reason: 'DONE', text: text === '' ? 'Done.' : text.slice(0, 2_000) }
}

/**
 * Records a turn and carries out what it asks for inside the house, in one transaction with its effects, events and money.
 * What goes outside is put down as INTENDED; what needs a person is asked.
 */
export async function recordTurn(
  means: LoopMeans,
  state: RunState,
  answered: Answered,
  startedAt: Date,
): Promise<Next> {
  const { journal } = means
  const { answer, spent, ended } = answered
  const turn = state.turns.length
  const { seq } = journal.fence
  const calls = callsOf(answer.content, turn, seq + 1)
  const runEnd = calls.length === 0 ? endOf(answer) : undefined
  const entry: Entry = {
    steps: 1 + calls.length,
    tokens: spent.tokens,
    costMicros: spent.costMicros,
    model: { name: answer.model, rehearsal: answer.rehearsal },
    end: runEnd,
  }
  const turnStep: NewStep = {
    seq,
    kind: 'MODEL_TURN',
    status: 'DONE',
    title: titleOf(answer.content),
    turn,
    data: turnData(state, answered),
    costMicros: spent.costMicros,
    startedAt,
  }
  const write = (savepoints: boolean) =>
    journal.write(entry, async (tx, signals): Promise<Next> => {
      // Nothing more is done for a run that is to stop or whose employee is paused; what it wanted stays on record.
      const stands = endWanted(signals, tx.now) === undefined && signals.employeeStatus !== 'PAUSED'
      const performed: Performed[] = []
      for (const call of calls) {
        performed.push(
          stands || runEnd !== undefined
            ? await performCall(tx, performMeans(means, state, answer.content, savepoints, effectsOf(performed)), call)
            : { call, title: `Call ${call.tool}` },
        )
      }
      appendSteps(tx, means.run.id, [turnStep, ...performed.map((each) => stepOf(each, tx.now))], effectsOf(performed))
      const events = [
        stepFinished(means.run.id, turnStep.seq, 'MODEL_TURN', 'DONE'),
        ...performed.flatMap(({ call }) => callFinished(means.run.id, call)),
      ]
      const after: RunState = {
        ...state,
        turns: [...state.turns, { content: answer.content, calls: performed.map(({ call }) => call) }],
        outages: 0,
      }
      if (runEnd !== undefined) {
        await announceRunEnd(tx, means.run, runEnd, events)
        if (ended !== undefined) await means.budget?.end(tx, ended)
        return OVER
      }
      return proceed(means, tx, { state: after, signals, events, ended, steps: entry.steps })
    })
  try {
    return await write(false)
  } catch (err) {
    if (!(err instanceof NeedsSavepoints)) throw err
    return await write(true)
  }
}

/** The answer's tool calls as they begin: decided on by nobody yet. */
function callsOf(content: readonly AnswerBlock[], turn: number, firstSeq: number): CallState[] {
  return content
    .filter((block) => block.type === 'tool_use')
    .map((block, index) => ({
      seq: firstSeq + index,
      turn,
      index,
      callId: block.id,
      tool: block.name,
      input: block.input,
      invalidJson: block.invalidJson,
      status: 'RUNNING',
      isError: false,
    }))
}

function turnData(state: RunState, { answer, model, latencyMs, attempts, fallbackReason }: Answered) {
  return {
    model: answer.model,
    ...(model === answer.model ? {} : { askedModel: model }),
    ...(fallbackReason === null ? {} : { fallbackReason }),
    content: answer.content,
    text: textOf(answer.content),
    stopReason: answer.stopReason,
    tokens: answer.usage,
    rehearsal: answer.rehearsal,
    ...(answer.requestId === undefined ? {} : { requestId: answer.requestId }),
    latencyMs,
    attempts,
    // What the model was told first is kept with its first answer, so that going on later shows it the same.
    ...(state.turns.length === 0 ? { opening: state.opening } : {}),
  }
}

function titleOf(content: readonly AnswerBlock[]): string {
  const [firstLine = ''] = textOf(content).split('\n')
  if (firstLine !== '') return firstLine
  const tools = content.flatMap((block) => (block.type === 'tool_use' ? [block.name] : []))
  return tools.length === 0 ? 'Ends' : `Calls ${tools.join(', ')}`
}

const effectsOf = (performed: readonly Performed[]): NewEffect[] =>
  performed.flatMap(({ effect }) => (effect === undefined ? [] : [effect]))

const stepOf = ({ call, title }: Performed, now: Date): NewStep => ({
  seq: call.seq,
  kind: 'TOOL_CALL',
  status: call.status,
  title,
  turn: call.turn,
  callIndex: call.index,
  data: callData(call),
  startedAt: now,
  approvalId: call.approvalId,
})

const FIRST_OUTAGE_WAIT_MS = 60_000
const LONGEST_OUTAGE_WAIT_MS = 30 * 60_000
const MAX_OUTAGES = 8

/** No model answers: a note, and the run waits, longer each time; after some hours of that it ends. */
export async function recordOutage(
  means: LoopMeans,
  state: RunState,
  outage: Extract<CallOutcome, { kind: 'OUTAGE' }>,
  startedAt: Date,
): Promise<Next> {
  const { error, ended, spent } = outage
  const { journal, run } = means
  const { seq } = journal.fence
  const entry: Entry = { steps: 1, tokens: spent.tokens, costMicros: spent.costMicros }
  return journal.write(entry, async (tx: Tx, signals): Promise<Next> => {
    const note: NewStep = {
      seq,
      kind: 'NOTE',
      status: 'DONE',
      title: `The model did not answer: ${error.message}`,
      turn: state.turns.length,
      data: { kind: MODEL_OUTAGE, error: error.kind, text: error.message },
      startedAt,
    }
    appendSteps(tx, run.id, [note])
    const events = [stepFinished(run.id, seq, 'NOTE', 'DONE')]
    const end = endWanted(signals, tx.now)
    if (end !== undefined) return closeBooks(means, tx, end, events, ended)
    if (state.outages + 1 >= MAX_OUTAGES) {
      const text = `The model did not answer: ${error.message}`
      return closeBooks(means, tx, { status: 'FAILED', reason: 'MODEL_UNAVAILABLE', text }, events, ended)
    }
    const backOffMs = Math.min(LONGEST_OUTAGE_WAIT_MS, FIRST_OUTAGE_WAIT_MS * 2 ** state.outages)
    const waitMs = Math.max(backOffMs, error.retryAfterMs ?? 0)
    const wait = { kind: 'TIME', text: note.title, wakeAt: new Date(tx.now.getTime() + waitMs) } as const
    await parkRun(tx, journal.fence, run, wait, events)
    if (ended !== undefined) await means.budget?.end(tx, ended)
    return OVER
  })
}
