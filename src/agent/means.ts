import type { ClaimedRun } from '../domains/runs/service.ts'
import type { Ctx } from '../platform/context.ts'
import type { Budget } from './budget.ts'
import type { RunContext } from './context.ts'
import { messagesOf, type RunState } from './conversation.ts'
import type { Journal } from './journal.ts'
import type { Effort, Model, ModelRequest } from './model/model.ts'
import type { PriceList } from './model/prices.ts'
import type { CallMeans, Routing } from './model-call.ts'
import type { ToolRegistry } from './tools/registry.ts'

/** What the loop works with; all it touches comes from here. */

export interface LoopLimits {
  /** Model turns of one run; beyond it the run ends as STEP_LIMIT. */
  readonly maxTurns: number
  readonly maxCallsPerTurn: number
  /** Output tokens of one call, thinking included. */
  readonly maxTokens: number
}

/** `maxTurns` is a setting of the workspace. */
export const DEFAULT_LIMITS: Omit<LoopLimits, 'maxTurns'> = { maxCallsPerTurn: 16, maxTokens: 4_096 }

/** Where the text of a turn goes while it is written: best effort, never stored. `seq` is the step it will become. */
export interface TextSink {
  begin(runId: string, seq: number): void
  text(runId: string, delta: string): void
}

export interface LoopMeans {
  /** Acts as the employee. */
  readonly ctx: Ctx
  readonly run: ClaimedRun
  readonly context: RunContext
  readonly registry: ToolRegistry
  readonly journal: Journal
  readonly model: Model
  readonly routing: Routing
  readonly effort?: Effort | undefined
  readonly prices: PriceList
  /** Null where calls cost nothing. */
  readonly budget: Budget | null
  readonly calls: Pick<CallMeans, 'circuitOf' | 'random' | 'retry'>
  readonly sink: TextSink
  readonly limits: LoopLimits
  /** Whether an act outside the database may begin now. */
  readonly maySend: () => Promise<boolean>
  /** The segment is no longer ours, or the process stops: end at the next boundary by throwing its reason. */
  readonly letGo: AbortSignal
  /** Somebody cancelled the run: a call in flight is pointless. */
  readonly cancelled: AbortSignal
}

/** The request of the next turn; the same bytes whoever makes it. */
export function requestOf(means: LoopMeans, state: RunState, model: string): ModelRequest {
  const { context, registry, limits, effort } = means
  return {
    purpose: 'ACT',
    model,
    maxTokens: limits.maxTokens,
    system: context.system,
    messages: messagesOf(state),
    tools: context.tools.map((tool) => registry.offered(tool)),
    effort,
  }
}
