import { sql } from 'kysely'
import { type Given, statement } from '../../platform/db/statement.ts'
import { type JsonText, json } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import type { Risk } from '../../platform/tools/tool.ts'
import type { EffectStatus } from './model.ts'

/*
 * The effect ledger: one row per act with consequences, unique by (run, turn, call), written before the act is done outside.
 *
 * INTENDED   decided, nothing has left; another process may carry it out.
 * SENT       about to leave, or gone. Nobody repeats it.
 * CONFIRMED  it happened. Acts inside our database begin here: they commit with their row.
 * FAILED     it did not happen.
 * UNKNOWN    a process died in SENT, or the other side left it open.
 */

export interface NewEffect {
  readonly id: string
  readonly seq: number
  readonly turn: number
  readonly callIndex: number
  readonly tool: string
  readonly risk: Risk
  readonly status: EffectStatus
  readonly target: string
  readonly contentHash: string
  readonly result?: Readonly<Record<string, unknown>> | undefined
}

/** What an act is known by outside the house, so that the other side can tell a repetition. */
export const effectKey = (runId: string, turn: number, callIndex: number): string => `${runId}.${turn}.${callIndex}`

const EFFECT_KEY = /^[0-9a-f-]{36}\.\d+\.\d+$/

/** Whether a key is an act's, and not one of what the server itself sends. */
export const isEffectKey = (key: string): boolean => EFFECT_KEY.test(key)

/** Rows of the effect ledger; their steps are there already. */
export function appendEffects(tx: Tx, runId: string, effects: readonly NewEffect[]): void {
  for (const effect of effects) {
    tx.write(insertEffect, {
      ...effect,
      runId,
      result: effect.result === undefined ? null : json(effect.result),
      sentAt: effect.status === 'SENT' ? tx.now : null,
      confirmedAt: effect.status === 'CONFIRMED' ? tx.now : null,
    })
  }
}

interface EffectRow extends Omit<NewEffect, 'result'> {
  readonly runId: string
  readonly result: JsonText | null
  readonly sentAt: Date | null
  readonly confirmedAt: Date | null
}

const insertEffect = statement((template, input: EffectRow & Given) =>
  template.insertInto('effect').values({
    workspaceId: input.workspaceId,
    id: input.id,
    runId: input.runId,
    seq: input.seq,
    turn: input.turn,
    callIndex: input.callIndex,
    tool: input.tool,
    risk: input.risk,
    status: input.status,
    target: input.target,
    contentHash: input.contentHash,
    result: sql<JsonText>`${input.result}`,
    sentAt: input.sentAt,
    confirmedAt: input.confirmedAt,
    createdAt: input.now,
    updatedAt: input.now,
  }),
)

/** Moves a row of the effect ledger on; the transition must be one of the ledger's. */
export async function moveEffect(
  tx: Tx,
  runId: string,
  effect: {
    readonly seq: number
    readonly from: EffectStatus
    readonly to: EffectStatus
    readonly result?: Readonly<Record<string, unknown>> | undefined
    readonly error?: string | undefined
  },
): Promise<void> {
  const moved = await tx.sql
    .updateTable('effect')
    .set({
      status: effect.to,
      updatedAt: tx.now,
      ...(effect.to === 'SENT' ? { sentAt: tx.now } : {}),
      ...(effect.to === 'CONFIRMED' ? { confirmedAt: tx.now } : {}),
      ...(effect.result === undefined ? {} : { result: json(effect.result) }),
      ...(effect.error === undefined ? {} : { error: effect.error.slice(0, 1_000) }),
    })
    .where('runId', '=', runId)
    .where('seq', '=', effect.seq)
    .where('status', '=', effect.from)
    .returning('seq')
    .executeTakeFirst()
  if (moved === undefined) throw new Error(`effect ${runId}/${effect.seq} is not ${effect.from}`)
}
