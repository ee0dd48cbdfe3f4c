/** What a workspace's day of model calls may cost unless told otherwise: $1.00, in micro-dollars. */
export const DEFAULT_DAILY_BUDGET_MICROS = 1_000_000n

export const RESERVATION_STATUSES = ['HELD', 'SETTLED', 'RELEASED', 'LOST'] as const
export type ReservationStatus = (typeof RESERVATION_STATUSES)[number]

/** One attempt of one model call; what a reservation is for. */
export interface Attempt {
  readonly runId: string
  readonly turn: number
  /** From 1, over all processes that tried this turn. */
  readonly attempt: number
}

/** How a reservation ended. LOST: sent, and nobody knows what it cost, so all of it counts. */
export type AttemptEnd =
  | { readonly status: 'SETTLED'; readonly actualMicros: bigint }
  | { readonly status: 'RELEASED' }
  | { readonly status: 'LOST' }

/**
 * What became of a wish to spend.
 * TOO_LARGE: one call alone is more than the whole period allows. EXHAUSTED: what is spent leaves too little; the next
 * period or a larger budget helps. HELD_BY_OTHERS: calls in flight hold what is left; when they end there may be enough.
 */
export type Reserved =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: 'TOO_LARGE' | 'HELD_BY_OTHERS'; readonly period: PeriodKind }
  | { readonly ok: false; readonly why: 'EXHAUSTED'; readonly period: PeriodKind; readonly until: Date }

export const PERIOD_KINDS = ['DAY', 'MONTH'] as const
export type PeriodKind = (typeof PERIOD_KINDS)[number]

/** What a budget is for: a day, or a month by its first day. */
export interface Period {
  readonly kind: PeriodKind
  readonly from: Date
}

/** What became of the money of a period. */
export interface Figures {
  readonly heldMicros: bigint
  readonly settledMicros: bigint
  readonly lostMicros: bigint
}

export interface DayFigures extends Figures {
  /** Null is no limit. */
  readonly limitMicros: bigint | null
}

/** Whether `amountMicros` more may be held in a period. Afterwards settled + lost + held is at most the limit. */
export function mayHold(period: DayFigures, amountMicros: bigint): true | 'TOO_LARGE' | 'EXHAUSTED' | 'HELD_BY_OTHERS' {
  const { limitMicros, heldMicros, settledMicros, lostMicros } = period
  if (limitMicros === null) return true
  if (settledMicros + lostMicros + heldMicros + amountMicros <= limitMicros) return true
  if (amountMicros > limitMicros) return 'TOO_LARGE'
  return settledMicros + lostMicros + amountMicros > limitMicros ? 'EXHAUSTED' : 'HELD_BY_OTHERS'
}

/** The day of a moment, as midnight UTC: budgets follow the log's clock, not a workspace's. */
export function dayOf(moment: Date): Date {
  return new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth(), moment.getUTCDate()))
}

export const dayAfter = (day: Date): Date => new Date(day.getTime() + 24 * 60 * 60 * 1_000)

/** The month of a day, as its first midnight UTC. */
export const monthOf = (day: Date): Date => new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), 1))

export const monthAfter = (month: Date): Date => new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1))

/** How a period stands in events: `{ day: '2026-11-25' }` or `{ month: '2026-11' }`. */
export const periodData = ({ kind, from }: Period): Readonly<Record<string, string>> =>
  kind === 'DAY' ? { day: from.toISOString().slice(0, 10) } : { month: from.toISOString().slice(0, 7) }
