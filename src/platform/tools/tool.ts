import type { z } from 'zod'
import type { Ctx } from '../context.ts'
import type { Tx } from '../db/transaction.ts'
import type { FieldChange } from '../events/event.ts'

/** What an act can do to the world; the employee's mandate is decided by it. */
export type Risk = 'READ' | 'INTERNAL_WRITE' | 'EXTERNAL_SEND' | 'SPEND' | 'DESTRUCTIVE'

/** What the model sees of an act: plain JSON. `node` names the record that was made or changed, for timelines. */
export interface ToolResult {
  readonly output: Readonly<Record<string, unknown>>
}

interface ToolBase<Input> {
  /** As the model calls it: `open_deal`. */
  readonly name: string
  readonly description: string
  readonly input: z.ZodType<Input>
  readonly reversible: boolean
  /** One line for timelines and approvals: `Send an e-mail to ada@example.com`. May read names. */
  title(tx: Tx, input: Input): Promise<string>
}

/** An act inside our database: it commits with its journal entry and effect row, so it happens exactly once. */
export interface InternalTool<Input> extends ToolBase<Input> {
  readonly risk: 'READ' | 'INTERNAL_WRITE' | 'DESTRUCTIVE'
  /** Calls the domain's verbs; `tx.viewer` is the employee. An AppError becomes an error result that the model sees. */
  run(tx: Tx, input: Input): Promise<ToolResult>
}

/** What is about to leave the house, read from trusted rows; stored with the approval and the effect. */
export interface Outgoing {
  /** Where it goes, e.g. the address. Two sends of one run to one target with one content ask a person. */
  readonly target: string
  /** All that is sent, as JSON. */
  readonly content: Readonly<Record<string, unknown>>
  /** What an approver is shown; the approval is bound to these values. */
  readonly changes: readonly FieldChange[]
}

/** An act outside our database: prepared in a transaction, done between two. */
export interface ExternalTool<Input> extends ToolBase<Input> {
  readonly risk: 'EXTERNAL_SEND' | 'SPEND'
  /** Reads where it goes and what is sent; throws AppError when it cannot be done (no address, unsubscribed …). */
  prepare(tx: Tx, input: Input): Promise<Outgoing>
  /**
   * Does it, outside any transaction; `ctx` is the employee's. `key` is the effect's key: the other side is given it so that
   * a repetition can be told. AppError: it surely was not done; anything else leaves that open.
   */
  send(outgoing: Outgoing, key: string, signal: AbortSignal, ctx: Ctx): Promise<ToolResult>
  /** What our own records learn once it was confirmed (e.g. first response), in the confirming transaction. */
  confirmed?(tx: Tx, input: Input, outgoing: Outgoing): Promise<void>
}

/** A tool as the executor holds it: it parses with `input` before it hands anything on. */
export type Tool = InternalTool<unknown> | ExternalTool<unknown>

// The input's type is checked where the tool is defined and forgotten here, so that tools of different inputs live in
// one registry; `executor` passes on only what the tool's own `input` has parsed.
export const internalTool = <Input>(tool: InternalTool<Input>): Tool => tool as InternalTool<unknown>
export const externalTool = <Input>(tool: ExternalTool<Input>): Tool => tool as ExternalTool<unknown>
