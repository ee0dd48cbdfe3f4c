/*
 * One tool call inside a transaction: is it a call at all, may it be made, and then make it, ask, or put it down to be
 * sent. Whatever is wrong with a call is a result that the model sees, never a crash of the run:
 *
 *   unknown tool, malformed arguments, too many calls   FAILED, nothing was done
 *   refused by policy                                   REFUSED, with the rule
 *   asks                                                WAITING, with an approval
 *   inside the house                                    DONE, its effect row CONFIRMED in the same transaction
 *   outside                                             RUNNING, its effect row INTENDED; `send.ts` goes on
 *   the tool failed                                     FAILED, what it wrote is rolled back
 *
 * Rolling back one call of several takes a savepoint, which every other turn would pay for in vain. So a turn is tried
 * without; a tool that fails after it may have written throws `NeedsSavepoints`, and the turn's transaction is run again.
 */

import type { z } from 'zod'
import { type Review, requestApproval } from '../../domains/approvals/service.ts'
import type { NewEffect } from '../../domains/runs/service.ts'
import { FenceLost } from '../../domains/runs/service.ts'
import { isConcurrencyFailure, isConnectionError, translateDatabaseError } from '../../platform/db/errors.ts'
import { isStalePlan } from '../../platform/db/stale-plan.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { type AppError, isAppError } from '../../platform/lib/errors.ts'
import { newId } from '../../platform/lib/ids.ts'
import type { ExternalTool, InternalTool, Tool } from '../../platform/tools/tool.ts'
import type { CallState } from '../conversation.ts'
import { type Decision, decide, type Mandate, RULES } from '../policy.ts'
import { fingerprint, hashOf } from './fingerprint.ts'
import { namesForeignRecord } from './records.ts'
import type { ToolRegistry } from './registry.ts'
import { reviewOf } from './review.ts'

export interface PerformMeans {
  readonly registry: ToolRegistry
  readonly mandate: Mandate | null
  readonly knownRecords: ReadonlySet<string>
  readonly runId: string
  readonly employeeId: string
  /** What the model said beside its calls: an approver reads it. */
  readonly words: string
  /** Calls of one turn beyond it are answered with an error. */
  readonly maxCallsPerTurn: number
  /** What the calls before this one in its turn did or are to send: the ledger has it only with the turn. */
  readonly unwritten: readonly NewEffect[]
  /** Every call in a savepoint of its own. */
  readonly savepoints: boolean
}

/** A call as it is after it was looked at, and what is to be written about it. */
export interface Performed {
  readonly call: CallState
  readonly title: string
  readonly effect?: NewEffect
}

/** The turn's transaction is to be run again, each call in a savepoint of its own. */
export class NeedsSavepoints extends Error {
  constructor(cause: unknown) {
    super('a tool failed after it may have written', { cause })
    this.name = 'NeedsSavepoints'
  }
}

export async function performCall(tx: Tx, means: PerformMeans, call: CallState): Promise<Performed> {
  const fail = (code: string, message: string, more: object = {}): Performed => ({
    title: `Call ${call.tool}`,
    call: { ...call, status: 'FAILED', isError: true, output: { error: { code, message, ...more } } },
  })
  const tool = means.registry.find(call.tool)
  if (tool === undefined) return fail('UNKNOWN_TOOL', `There is no tool ${call.tool.slice(0, 100)}.`)
  if (call.index >= means.maxCallsPerTurn) {
    return fail('LIMIT_EXCEEDED', `A turn makes at most ${means.maxCallsPerTurn} calls. Make this one in the next.`)
  }
  if (call.invalidJson !== undefined) return fail('INVALID_INPUT', 'The arguments are no JSON object.')
  const parsed = tool.input.safeParse(call.input)
  if (!parsed.success) return fail('INVALID_INPUT', 'The arguments do not fit.', { issues: issuesOf(parsed.error) })
  const first = decide(means.mandate, {
    tool: tool.name,
    risk: tool.risk,
    repeated: false,
    doubtful: false,
    foreignRecord: namesForeignRecord(call.input, means.knownRecords),
  })
  if (first.decision === 'DENY') return refuse(call, first)
  return guarded(tx, means, call, async () => {
    const title = await tool.title(tx, parsed.data)
    return isExternal(tool)
      ? await performExternal(tx, means, call, tool, parsed.data, title, first)
      : await performInternal(tx, means, call, tool, parsed.data, title, first)
  })
}

/** DENY, as the model reads it. */
function refuse(call: CallState, { decision, rule }: Decision): Performed {
  return {
    title: `Call ${call.tool}`,
    call: {
      ...call,
      status: 'REFUSED',
      isError: true,
      decision,
      rule,
      output: { status: 'DENIED', reason: RULES[rule] },
    },
  }
}

async function performInternal(
  tx: Tx,
  means: PerformMeans,
  call: CallState,
  tool: InternalTool<unknown>,
  input: unknown,
  title: string,
  decision: Decision,
): Promise<Performed> {
  if (decision.decision === 'ASK') return ask(tx, means, call, tool, reviewOf(call.input, title), decision)
  const { output } = await tool.run(tx, input)
  const done: CallState = { ...call, ...decision, status: 'DONE', isError: false, output }
  if (tool.risk === 'READ') return { call: done, title }
  const effect: NewEffect = {
    ...effectOf(call, tool),
    status: 'CONFIRMED',
    target: '',
    contentHash: hashOf(call.input),
    result: output,
  }
  return { call: { ...done, effect: 'CONFIRMED' }, title, effect }
}

async function performExternal(
  tx: Tx,
  means: PerformMeans,
  call: CallState,
  tool: ExternalTool<unknown>,
  input: unknown,
  title: string,
  first: Decision,
): Promise<Performed> {
  const outgoing = await tool.prepare(tx, input)
  const { contentHash, repeated, doubtful } = await fingerprint(tx, means.runId, tool.name, outgoing, means.unwritten)
  const decision = decide(means.mandate, {
    tool: tool.name,
    risk: tool.risk,
    repeated,
    doubtful,
    foreignRecord: first.rule === 'foreign_record_asks',
  })
  if (decision.decision === 'DENY') return refuse(call, decision)
  if (decision.decision === 'ASK') {
    return ask(tx, means, call, tool, reviewOf(call.input, title, outgoing.changes), decision)
  }
  const effect: NewEffect = { ...effectOf(call, tool), status: 'INTENDED', target: outgoing.target, contentHash }
  return { call: { ...call, ...decision, status: 'RUNNING', effect: 'INTENDED' }, title, effect }
}

async function ask(
  tx: Tx,
  means: PerformMeans,
  call: CallState,
  tool: Tool,
  review: Review,
  decision: Decision,
): Promise<Performed> {
  const words = means.words === '' ? '' : ` ${means.words.slice(0, 1_000)}`
  const { approvalId } = await requestApproval(tx, {
    runId: means.runId,
    employeeId: means.employeeId,
    turn: call.turn,
    callIndex: call.index,
    tool: tool.name,
    risk: tool.risk,
    review,
    reason: `${RULES[decision.rule]}${words}`,
  })
  return { call: { ...call, ...decision, status: 'WAITING', approvalId }, title: review.title }
}

/** Runs one call's work so that its failure is a result and leaves nothing behind. */
async function guarded(
  tx: Tx,
  means: PerformMeans,
  call: CallState,
  work: () => Promise<Performed>,
): Promise<Performed> {
  if (!means.savepoints) {
    try {
      return await work()
    } catch (err) {
      throw endsTheTurn(err) ? err : new NeedsSavepoints(err)
    }
  }
  try {
    return await tx.savepoint(work)
  } catch (err) {
    if (endsTheTurn(err)) throw err
    return { title: `Call ${call.tool}`, call: failedCall(tx, call, err) }
  }
}

/** What is wrong with the run or its connection and not with the tool. */
export function endsTheTurn(err: unknown): boolean {
  return err instanceof FenceLost || isConnectionError(err) || isStalePlan(err) || isConcurrencyFailure(err)
}

/** A tool's failure as the model sees it. What nobody foresaw is logged here and called an internal error there. */
export function failedCall(tx: Tx, call: CallState, thrown: unknown): CallState {
  const err = translateDatabaseError(thrown)
  if (!isAppError(err)) tx.log.error({ err, tool: call.tool, turn: call.turn }, 'a tool failed')
  const error = isAppError(err)
    ? describe(err)
    : { code: 'INTERNAL', message: 'The tool failed. It was not your input.' }
  return { ...call, status: 'FAILED', isError: true, output: { error } }
}

function describe(err: AppError) {
  const { reason, issues } = err.details
  return {
    code: err.code,
    message: err.message,
    ...(reason === undefined ? {} : { reason }),
    ...(issues === undefined ? {} : { issues: issues.map(({ path, message }) => ({ path: path.join('.'), message })) }),
  }
}

const issuesOf = (error: z.ZodError) =>
  error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.join('.'), message }))

export const isExternal = (tool: Tool): tool is ExternalTool<unknown> => 'send' in tool

const effectOf = (call: CallState, tool: Tool) => ({
  id: newId(),
  seq: call.seq,
  turn: call.turn,
  callIndex: call.index,
  tool: tool.name,
  risk: tool.risk,
})
