import type { GraphQLContext } from './context.ts'

const lastEvents = new WeakMap<object, bigint | null>()

/** Remembers where an outcome's change stands; kept beside the outcome, which is the client's view of it. */
export function rememberCommit<Outcome extends object>(outcome: Outcome, outboxId: bigint | null): Outcome {
  lastEvents.set(outcome, outboxId)
  return outcome
}

/** The log position of the commit; of now where nothing was logged. Waits for the sequencer, so only when asked for. */
export async function commitCursor(outcome: object, ctx: GraphQLContext): Promise<string> {
  const outboxId = lastEvents.get(outcome)
  return outboxId === undefined || outboxId === null ? ctx.feed.cursor() : await ctx.feed.positionOf(outboxId)
}
