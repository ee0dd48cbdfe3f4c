import type { StoredActor } from '../auth/viewer.ts'
import type { NodeRef } from '../lib/errors.ts'

/** One field that changed, as it was and as it became; text as a person would write the value, null for none. */
export interface FieldChange {
  readonly field: string
  readonly from: string | null
  readonly to: string | null
}

/** What a service hands to `appendEvents`: thin, ids and what changed. Who, when and where from come from the transaction. */
export interface NewEvent {
  /** `noun.past_tense`, as its domain's `events.ts` defines it. */
  readonly type: string
  readonly subject: NodeRef
  readonly subjectVersion?: number
  readonly runId?: string
  readonly changes?: readonly FieldChange[]
  /** Ids and figures that the summary and the detail need; 32 KB at most. */
  readonly data?: Readonly<Record<string, unknown>>
}

/** An entry of the log as it is stored. `position` orders the log; `outboxId` is its public id (`event_<outboxId>`). */
export interface StoredEvent {
  readonly position: bigint
  readonly outboxId: bigint
  readonly workspaceId: string
  readonly type: string
  readonly subject: NodeRef
  readonly subjectVersion: number | null
  readonly actor: StoredActor
  readonly runId: string | null
  readonly causeId: bigint | null
  readonly depth: number
  readonly data: Readonly<Record<string, unknown>>
  readonly changes: readonly FieldChange[]
  /** From where: the request, and the caller's address where the caller was no stranger. Empty once it was erased. */
  readonly origin: { readonly requestId?: string; readonly address?: string }
  readonly occurredAt: Date
  /** When what it told was erased: `data` and `changes` are empty then. */
  readonly erasedAt: Date | null
}

/** Today's names of things, batched: `await names.of('deal', id)`; a thing that is gone is called by its kind. */
export interface Names {
  of(kind: string, id: string): Promise<string>
  actor(actor: StoredActor): Promise<string>
}

/** One type of event: what it is called, what it means, and the sentence a person reads, made when it is read. */
export interface EventType {
  /** As it is in the log: `deal.stage_changed`. The GraphQL enum value and detail type are derived from it. */
  readonly type: string
  readonly description: string
  /** The kind of its subject, as in public ids: `deal`. */
  readonly subject: string
  /**
   * It tells ids, figures and words of ours, and so outlives the erasure of the person it concerns, unless one of these
   * fields changed, which are prose. Left out: it is erased with the person.
   */
  readonly keptUnless?: readonly string[]
  summary(event: StoredEvent, names: Names): string | Promise<string>
}

export const defineEvents = <const Types extends Record<string, EventType>>(types: Types): Types => types
