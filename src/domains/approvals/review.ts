import { createHash } from 'node:crypto'
import type { Tx } from '../../platform/db/transaction.ts'
import type { FieldChange } from '../../platform/events/event.ts'

/** An act as a person is shown it: what would be done with these arguments, by the rows as they are now. */
export interface Review {
  /** The arguments as the tool has parsed them. */
  readonly input: Readonly<Record<string, unknown>>
  /** One line for a list: `Send an e-mail to ada@example.com`. */
  readonly title: string
  /** What will change or leave the house; the approval is bound to these values. */
  readonly changes: readonly FieldChange[]
}

/**
 * Works out what an act would do, without doing it. INVALID_INPUT with an issue per argument for arguments the tool does
 * not take; any other AppError when the act is impossible as things stand.
 */
export type ReviewAct = (tx: Tx, act: ActToReview) => Promise<Review>

export interface ActToReview {
  readonly tool: string
  readonly input: unknown
  /** Who wants to act: what is shown is what would be done in this employee's name, whoever looks at it. */
  readonly employeeId: string
  readonly runId: string
  /** A person wrote the arguments: what the tool does not know is refused then, and not passed over. */
  readonly edited?: boolean
}

let reviewAct: ReviewAct | undefined

/**
 * Tells this domain how acts are reviewed. The tools live with the employees who use them, a floor above; whoever wires
 * the two connects them once, before the first approval is decided.
 */
export function connectActReview(review: ReviewAct): void {
  reviewAct = review
}

export function review(tx: Tx, act: ActToReview): Promise<Review> {
  if (reviewAct === undefined) throw new Error('connectActReview was not called')
  return reviewAct(tx, act)
}

/** What the approver saw, as a digest: tool, arguments, title and the values shown. */
export function shownHash(tool: string, { input, title, changes }: Review): string {
  return createHash('sha256').update(canonical({ tool, input, title, changes })).digest('hex')
}

/** JSON with sorted keys: rows of `jsonb` come back in another order than they went in. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
