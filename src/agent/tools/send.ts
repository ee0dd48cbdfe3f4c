/*
 * An act outside the house, between two transactions.
 *
 *   INTENDED  recorded with its turn, or approved; nothing has left. A new process starts here again.
 *   SENT      marked behind the run's fence, in the transaction that checks the approval and what is sent. From here on only
 *             this process, and only while its heartbeat is fresh, does it; once.
 *   CONFIRMED, FAILED, UNKNOWN   what came back. A process that takes the run over in SENT makes it UNKNOWN: nobody repeats it.
 *
 * The key of the act travels with it, so that the other side can tell a repetition.
 */

import { redeemApproval, settleApproval } from '../../domains/approvals/service.ts'
import { appendEffects, effectKey, moveEffect, UNKNOWN_OUTPUT } from '../../domains/runs/service.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import type { NewEvent } from '../../platform/events/event.ts'
import { isAppError, unavailable } from '../../platform/lib/errors.ts'
import { newId } from '../../platform/lib/ids.ts'
import type { ExternalTool, Outgoing } from '../../platform/tools/tool.ts'
import { approvalOf, callFinished, closeCall, refusedBy, told } from '../calls.ts'
import { type CallState, type RunState, withCalls } from '../conversation.ts'
import type { LoopMeans } from '../means.ts'
import { endWanted, type Next, proceed } from '../proceed.ts'
import { fingerprint, isSameContent } from './fingerprint.ts'
import { failedCall, isExternal } from './perform.ts'

/** What the two transactions share. */
interface Ready {
  readonly input: unknown
  readonly outgoing: Outgoing
  readonly tell: (output: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
}

type Marked = { readonly kind: 'READY'; readonly ready: Ready } | { readonly kind: 'NEXT'; readonly next: Next }

export async function sendCall(means: LoopMeans, state: RunState, call: CallState): Promise<Next> {
  const tool = means.registry.find(call.tool)
  if (tool === undefined || !isExternal(tool)) throw new Error(`${call.tool} does not act outside`)
  const marked = await means.journal.write({ steps: 0 }, (tx, signals) => mark(means, tx, state, call, tool, signals))
  if (marked.kind === 'NEXT') return marked.next
  const { ready } = marked
  if (!(await means.maySend())) {
    await takeBack(means, call)
    throw unavailable('This process may not act outside at the moment.')
  }
  const sent = await attemptSend(means, call, tool, ready)
  return means.journal.write({ steps: 0 }, async (tx, signals) => {
    await moveEffect(tx, means.run.id, { seq: call.seq, from: 'SENT', ...sent.effect })
    await closeCall(tx, means, sent.call)
    if (sent.effect.to === 'CONFIRMED') await tool.confirmed?.(tx, ready.input, ready.outgoing)
    if (call.approvalId !== undefined) {
      const failure = { status: 'FAILED', error: sent.effect.error ?? 'It failed.' } as const
      await settleApproval(tx, call.approvalId, sent.effect.to === 'CONFIRMED' ? { status: 'EXECUTED' } : failure)
    }
    const events = [effectEvent(means.run.id, sent.call, sent.effect.to), ...callFinished(means.run.id, sent.call)]
    return proceed(means, tx, { state: withCalls(state, [sent.call]), signals, events })
  })
}

/** SENT, or what keeps it from being sent. */
async function mark(
  means: LoopMeans,
  tx: Tx,
  state: RunState,
  call: CallState,
  tool: ExternalTool<unknown>,
  signals: Parameters<typeof endWanted>[0],
): Promise<Marked> {
  const goOn = async (changed: CallState | undefined, events: readonly NewEvent[] = []): Promise<Marked> => {
    if (changed !== undefined) await closeCall(tx, means, changed)
    const after = changed === undefined ? state : withCalls(state, [changed])
    const told = changed === undefined ? [] : callFinished(means.run.id, changed)
    return { kind: 'NEXT', next: await proceed(means, tx, { state: after, signals, events: [...events, ...told] }) }
  }
  if (endWanted(signals, tx.now) !== undefined || signals.employeeStatus === 'PAUSED') return goOn(undefined)

  const verdict = call.approvalId === undefined ? undefined : await redeemApproval(tx, approvalOf(call))
  if (verdict?.status === 'PENDING') return goOn(undefined)
  if (verdict !== undefined && verdict.status !== 'APPROVED') return goOn(refusedBy(call, verdict))

  let ready: Ready
  try {
    const input = tool.input.parse(verdict?.input ?? call.input)
    const outgoing = await tool.prepare(tx, input)
    ready = { input, outgoing, tell: (output) => (verdict === undefined ? output : told(output, verdict)) }
  } catch (err) {
    if (!isAppError(err)) throw err
    // It has become impossible (the contact lost its address): nothing was sent.
    const failed = failedCall(tx, call, err)
    if (call.effect === 'INTENDED') {
      await moveEffect(tx, means.run.id, { seq: call.seq, from: 'INTENDED', to: 'FAILED', error: err.message })
    }
    if (verdict !== undefined) await settleApproval(tx, verdict.approvalId, { status: 'FAILED', error: err.message })
    return goOn(failed, [effectEvent(means.run.id, failed, 'FAILED')])
  }
  if (call.effect === 'INTENDED') {
    const stored = await getEffect(tx, means.run.id, call.seq)
    if (verdict === undefined && !isSameContent(stored, ready.outgoing)) {
      const error = 'Where it would go or what it would say has changed since it was decided.'
      await moveEffect(tx, means.run.id, { seq: call.seq, from: 'INTENDED', to: 'FAILED', error })
      const output = { error: { code: 'CONFLICT', message: error } }
      const failed: CallState = { ...call, status: 'FAILED', isError: true, output }
      return goOn(failed, [effectEvent(means.run.id, failed, 'FAILED')])
    }
    await moveEffect(tx, means.run.id, { seq: call.seq, from: 'INTENDED', to: 'SENT' })
  } else {
    const { contentHash } = await fingerprint(tx, means.run.id, tool.name, ready.outgoing)
    const { target } = ready.outgoing
    const { seq, turn, index: callIndex } = call
    appendEffects(tx, means.run.id, [
      { id: newId(), seq, turn, callIndex, tool: tool.name, risk: tool.risk, status: 'SENT', target, contentHash },
    ])
  }
  return { kind: 'READY', ready }
}

interface Sent {
  readonly call: CallState
  readonly effect: {
    readonly to: 'CONFIRMED' | 'FAILED' | 'UNKNOWN'
    readonly result?: Readonly<Record<string, unknown>>
    readonly error?: string
  }
}

async function attemptSend(
  means: LoopMeans,
  call: CallState,
  tool: ExternalTool<unknown>,
  { outgoing, tell }: Ready,
): Promise<Sent> {
  try {
    const { output } = await tool.send(outgoing, effectKey(means.run.id, call.turn, call.index), means.letGo, means.ctx)
    return {
      call: { ...call, status: 'DONE', isError: false, output: tell(output) },
      effect: { to: 'CONFIRMED', result: output },
    }
  } catch (err) {
    if (isAppError(err)) {
      const output = { error: { code: err.code, message: err.message } }
      return {
        call: { ...call, status: 'FAILED', isError: true, output },
        effect: { to: 'FAILED', error: err.message },
      }
    }
    means.ctx.log.warn({ err, runId: means.run.id, tool: tool.name }, 'it is not known whether an act went through')
    const error = err instanceof Error ? err.message : String(err)
    return {
      call: { ...call, status: 'FAILED', isError: true, output: UNKNOWN_OUTPUT },
      effect: { to: 'UNKNOWN', error },
    }
  }
}

/** Marked, but not begun: nobody has to doubt it. */
async function takeBack(means: LoopMeans, call: CallState): Promise<void> {
  await means.journal.write({ steps: 0 }, (tx) =>
    moveEffect(tx, means.run.id, { seq: call.seq, from: 'SENT', to: 'INTENDED' }),
  )
}

const effectEvent = (runId: string, call: CallState, to: 'CONFIRMED' | 'FAILED' | 'UNKNOWN'): NewEvent => ({
  type: `effect.${to.toLowerCase()}`,
  subject: { kind: 'run', id: runId },
  runId,
  data: { seq: call.seq, tool: call.tool },
})

const getEffect = (tx: Tx, runId: string, seq: number) =>
  tx.sql
    .selectFrom('effect')
    .select(['target', 'contentHash', 'status'])
    .where('runId', '=', runId)
    .where('seq', '=', seq)
    .executeTakeFirstOrThrow()
