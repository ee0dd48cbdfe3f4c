import { closeApprovalsOf, connectActReview, type ReviewAct } from '../domains/approvals/service.ts'
import { type EndedRun, listenToRunEnds } from '../domains/runs/service.ts'
import { connectModels } from '../domains/settings/model.ts'
import { finishSubmission } from '../domains/submissions/service.ts'
import type { Tx } from '../platform/db/transaction.ts'
import { invalidInput, notFound } from '../platform/lib/errors.ts'
import { parseInput } from '../platform/lib/parse.ts'
import { loadPrices } from './model/prices.ts'
import { isExternal } from './tools/perform.ts'
import type { ToolRegistry } from './tools/registry.ts'
import { reviewOf } from './tools/review.ts'

/**
 * Connects what domains cannot know of each other: how an act is reviewed, which models there are, and what ends with a run. Every process that
 * serves or works needs it, before its first request or segment. Calling it again changes nothing.
 */
export function connectAgent(registry: ToolRegistry): void {
  connectActReview(reviewWith(registry))
  connectModels(loadPrices().has)
  listenToRunEnds('approvals', closeApprovalsOf)
  listenToRunEnds('submission', endSubmission)
}

/** Works out what an act would do, as the employee who wants it, without doing it. */
function reviewWith(registry: ToolRegistry): ReviewAct {
  return async (tx, { tool: name, input, employeeId, runId, edited }) => {
    const tool = registry.find(name)
    if (tool === undefined) throw notFound('Tool', name)
    const parsed = parseInput<unknown>(tool.input, input)
    // What a tool does not know is dropped. A model's slip is no loss; what a person meant by it would be one.
    const dropped = edited === true ? droppedPaths(input, parsed) : []
    if (dropped.length > 0) {
      throw invalidInput(dropped.map((path) => ({ path, code: 'NOT_ALLOWED', message: 'There is no such field.' })))
    }
    const own: Tx = { ...tx, viewer: { kind: 'employee', employeeId, name: '', runId } }
    const title = await tool.title(own, parsed)
    const changes = isExternal(tool) ? (await tool.prepare(own, parsed)).changes : undefined
    return reviewOf(input, title, changes)
  }
}

/** Where the input says something that parsing left out. */
function droppedPaths(input: unknown, parsed: unknown, path: readonly string[] = []): string[][] {
  if (typeof input !== 'object' || input === null || typeof parsed !== 'object' || parsed === null) return []
  return Object.entries(input).flatMap(([key, value]) =>
    key in parsed
      ? droppedPaths(value, (parsed as Readonly<Record<string, unknown>>)[key], [...path, key])
      : [[...path, key]],
  )
}

/** A submission ends with the run that works it; where the run did not come to its end a person has to look. */
async function endSubmission(tx: Tx, run: EndedRun): Promise<void> {
  if (run.submissionId === null) return
  const { status, reason, text } = run.end
  // Whoever stopped the run need not be somebody who may write submissions: this is the server's own bookkeeping.
  const own: Tx = tx.viewer.kind === 'employee' ? tx : { ...tx, viewer: { kind: 'system' } }
  await finishSubmission(
    own,
    run.submissionId,
    status === 'SUCCEEDED'
      ? { status: 'PROCESSED' }
      : { status: reason === 'POISON' ? 'FAILED' : 'NEEDS_REVIEW', reason: text },
  )
}
