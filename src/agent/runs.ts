/*
 * A process's worker: claims a segment's run, works it with the loop until it waits or ends, and gives it back.
 *
 * Before every claim it asks whether the segment is still its own, by the queue's token: what another process was given in
 * the meantime must not be taken back.
 *
 * What goes wrong is told apart. The database away, or another process at the run: thrown, and the segment is tried again as
 * if nothing had been. Anything else is a fault of ours or of the run: tried again, but the next claim counts it like a
 * take-over, so that a run which always fails ends as POISON and not never. A process that stops gives its runs back, so that
 * no restart counts against them.
 */

import { settleApproval } from '../domains/approvals/service.ts'
import type { EmployeeDefinition } from '../domains/employees/model.ts'
import { type ClaimedRun, claimSegment, enterLiveRun, FenceLost, releaseRun } from '../domains/runs/service.ts'
import { beginText, endText, writeText } from '../domains/runs/text-lane.ts'
import type { Settings } from '../domains/settings/model.ts'
import { readSettings } from '../domains/settings/service.ts'
import type { Bell, Ctx } from '../platform/context.ts'
import type { Database } from '../platform/db/database.ts'
import { isConnectionError } from '../platform/db/errors.ts'
import type { Tx } from '../platform/db/transaction.ts'
import { CommitUnknown } from '../platform/db/transaction.ts'
import { type Segment, workflowIdOf } from '../platform/durable/queue.ts'
import { SegmentLetGo, type SegmentMeans, type WorkSegment } from '../platform/durable/segments.ts'
import type { Clock } from '../platform/lib/clock.ts'
import { isAppError, unavailable } from '../platform/lib/errors.ts'
import type { Logger } from '../platform/observability/logger.ts'
import { databaseBudget } from './budget.ts'
import { assembleContext } from './context.ts'
import { readJournal } from './conversation.ts'
import { createJournal } from './journal.ts'
import { runLoop } from './loop.ts'
import { DEFAULT_LIMITS, type LoopLimits, type LoopMeans, type TextSink } from './means.ts'
import { type CircuitBreaker, createCircuitBreaker } from './model/circuit-breaker.ts'
import type { Effort, Model } from './model/model.ts'
import type { PriceList } from './model/prices.ts'
import type { RetryPolicy } from './model/retry.ts'
import { type Next, proceed } from './proceed.ts'
import type { ToolRegistry } from './tools/registry.ts'

export interface WorkerOptions {
  readonly db: Database
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Logger
  readonly model: Model
  readonly prices: PriceList
  readonly registry: ToolRegistry
  /** For employees that name no model of their own, where their workspace has set none. */
  readonly defaultModel: string
  /** Asked when the employee's model does not answer; null for none. */
  readonly fallbackModel: string | null
  readonly effort?: Effort | undefined
  readonly limits?: Partial<LoopLimits> | undefined
  readonly retry?: RetryPolicy | undefined
  readonly random?: (() => number) | undefined
}

const FAILURES_TO_OPEN = 5
const CIRCUIT_OPEN_MS = 30_000

const sink: TextSink = { begin: beginText, text: writeText }

/** What works segments, for `createDurable`. `connectAgent` must have been called. */
export function createWorker(options: WorkerOptions): WorkSegment {
  const { db, bell, clock, log } = options
  const circuits = new Map<string, CircuitBreaker>()
  /** Executions of a segment, each by its signal, whose last try ended with a fault. */
  const faulty = new WeakSet<AbortSignal>()

  const circuitOf = (model: string): CircuitBreaker => {
    const known = circuits.get(model)
    if (known !== undefined) return known
    const circuit = createCircuitBreaker({
      failuresToOpen: FAILURES_TO_OPEN,
      openMs: CIRCUIT_OPEN_MS,
      clock,
      onTrouble: (error) => {
        if (error === null) log.info(`${model} answers again`)
        else log.warn(`${model} does not answer: ${error.message} Runs wait, and ask again by themselves.`)
      },
    })
    circuits.set(model, circuit)
    return circuit
  }

  return async (segment, means) => {
    const key = workflowIdOf(segment)
    const ctx: Ctx = {
      viewer: { kind: 'system' },
      workspaceId: segment.workspaceId,
      db,
      bell,
      clock,
      log,
      origin: { requestId: key },
    }
    const live = enterLiveRun(segment.runId)
    try {
      if (!(await means.isOurs())) {
        if (await isBeyond(db, segment)) return
        throw unavailable('The run is worked elsewhere.')
      }
      const claim = await takeSegment(options, circuitOf, ctx, segment, means, faulty.has(means.signal), live.signal)
      faulty.delete(means.signal)
      if (claim !== undefined) await runLoop(claim.means, claim.next)
    } catch (err) {
      if (means.signal.aborted) {
        await release(ctx, segment, means)
        throw err
      }
      if (err instanceof FenceLost) throw unavailable(err.message)
      if (!isOutage(err)) faulty.add(means.signal)
      throw err
    } finally {
      live.leave()
      endText(segment.runId)
    }
  }
}

const isOutage = (err: unknown): boolean =>
  isConnectionError(err) || err instanceof CommitUnknown || (isAppError(err) && err.code === 'UNAVAILABLE')

/** Where the process stops: the run is given back, so that the next claim is no take-over. */
async function release(ctx: Ctx, { runId }: Segment, { signal, executorId }: SegmentMeans): Promise<void> {
  if (!(signal.reason instanceof SegmentLetGo) || signal.reason.why !== 'stopping') return
  try {
    await ctx.db.inTransaction(ctx, (tx) => releaseRun(tx, runId, executorId))
  } catch (err) {
    // What ended the segment is thrown all the same; the claim that follows counts one take-over too many.
    ctx.log.warn({ err, runId }, 'a run could not be given back')
  }
}

/** Whether the run has left the segment behind: it waits, is over, or is at a later one. */
async function isBeyond(db: Database, segment: Segment): Promise<boolean> {
  const row = await db.read(segment.workspaceId, (sql) =>
    sql.selectFrom('run').select(['segment', 'status']).where('id', '=', segment.runId).executeTakeFirst(),
  )
  if (row === undefined) throw new Error(`the run ${segment.runId} cannot be seen`)
  if (row.segment !== segment.segment) return true
  return row.status !== 'RUNNING' && row.status !== 'QUEUED'
}

interface Taken {
  readonly means: LoopMeans
  readonly next: Extract<Next, { kind: 'GO_ON' }>
}

/** One transaction: the claim, all that is needed to go on, and the first call's worst case. */
async function takeSegment(
  options: WorkerOptions,
  circuitOf: (model: string) => CircuitBreaker,
  ctx: Ctx,
  segment: Segment,
  means: SegmentMeans,
  afterFault: boolean,
  cancelled: AbortSignal,
): Promise<Taken | undefined> {
  return ctx.db.inTransaction(ctx, async (tx) => {
    const claim = await claimSegment(tx, { ...segment, executorId: means.executorId, afterFault })
    if (claim.kind !== 'CLAIMED') return undefined
    const { run } = claim
    const viewer = { kind: 'employee', employeeId: run.employeeId, name: run.employeeName, runId: run.id } as const
    const own: Tx = { ...tx, viewer }
    const [context, settings] = await Promise.all([assembleContext(own, run, options.registry), readSettings(own)])
    const model = context.employee === null ? null : modelOf(context.employee, settings)
    const loopMeans: LoopMeans = {
      ctx: { ...ctx, viewer },
      run,
      context,
      registry: options.registry,
      journal: createJournal({ ...ctx, viewer }, run.fence, means.signal),
      model: options.model,
      routing: { model: model ?? options.defaultModel, fallback: options.fallbackModel },
      effort: options.effort,
      prices: options.prices,
      budget: options.model.mode === 'live' ? databaseBudget : null,
      calls: { circuitOf, random: options.random ?? Math.random, retry: options.retry },
      sink,
      limits: { ...DEFAULT_LIMITS, maxTurns: settings.maxTurns, ...options.limits },
      maySend: means.maySend,
      letGo: means.signal,
      cancelled,
    }
    const next = await firstStanding(loopMeans, own, run)
    return next.kind === 'OVER' ? undefined : { means: loopMeans, next }
  })
}

/** The model an employee thinks with: its own, else its role's, else the workspace's; null is the server's choice. */
const modelOf = ({ model, role }: EmployeeDefinition, { defaultModel, roleModels }: Settings): string | null =>
  model ?? roleModels.find((each) => each.role === role)?.model ?? defaultModel

async function firstStanding(means: LoopMeans, tx: Tx, run: ClaimedRun): Promise<Next> {
  const state = readJournal(run.steps, means.context.opening)
  for (const call of state.turns.at(-1)?.calls ?? []) {
    // The process before died between sending and confirming what somebody had approved.
    if (call.effect === 'UNKNOWN' && call.approvalId !== undefined) {
      await settleApproval(tx, call.approvalId, { status: 'FAILED', error: 'It is not known whether it happened.' })
    }
  }
  // The claim has looked at everything that could stop the run.
  const signals = { cancelled: null, employeeStatus: 'ACTIVE', deadline: run.deadline }
  return proceed(means, tx, { state, signals, events: [] })
}
