export interface RunRow {
  readonly status: string
  readonly reason: string | null
  readonly reason_text: string | null
  readonly segment: number
  readonly attempt: number
  readonly takeovers: number
  readonly next_seq: number
  readonly waiting_kind: string | null
  readonly waiting_member_id: string | null
  readonly wake_at: Date | null
  readonly rehearsal: boolean
  readonly cost_micros: string
  readonly tokens_input: number
  readonly model: string | null
}

export interface StepRow {
  readonly seq: number
  readonly kind: string
  readonly status: string
  readonly title: string
  readonly turn: number
  readonly call_index: number | null
  readonly data: Record<string, unknown>
  readonly approval_id: string | null
}

export interface EffectRow {
  readonly seq: number
  readonly tool: string
  readonly status: string
  readonly target: string
  readonly content_hash: string
}

export interface ApprovalRow {
  readonly id: string
  readonly tool: string
  readonly title: string
  readonly status: string
  readonly reason: string
  readonly version: number
  readonly input: Record<string, unknown>
  readonly changes: { field: string; from: string | null; to: string | null }[]
  readonly member_id: string | null
}
