import type { Risk } from '../platform/tools/tool.ts'

/*
 * What an employee may do: a pure table from its mandate and an act to a decision and the rule that made it.
 *
 * The mandate is the least of the employee's autonomy and the form's, over the employee's allow-list.
 *
 *               READ    INTERNAL_WRITE   EXTERNAL_SEND, SPEND, DESTRUCTIVE
 *   OBSERVE     ALLOW   DENY             DENY
 *   DRAFT       ALLOW   ASK              ASK
 *   SUPERVISED  ALLOW   ALLOW            ASK
 *   AUTONOMOUS  ALLOW   ALLOW            ALLOW
 *
 * On top, whatever the autonomy: a tool that is not on the list is refused; the same thing sent a second time asks, and so
 * does anything to where an earlier act of the run may or may not have gone; and in
 * a run that read a stranger's text, an act on a record that the run's own brief does not name asks, because a stranger
 * may have named it. What cannot be read is refused.
 */

export const AUTONOMY_LEVELS = ['OBSERVE', 'DRAFT', 'SUPERVISED', 'AUTONOMOUS'] as const
export type Autonomy = (typeof AUTONOMY_LEVELS)[number]

/** What the employee may do at all in this run. */
export interface Mandate {
  readonly employee: Autonomy
  /** Of the form whose submission is worked; null when there is none. */
  readonly form: Autonomy | null
  readonly allowedTools: ReadonlySet<string>
  /** The run has read text that strangers wrote. */
  readonly tainted: boolean
}

export interface Act {
  readonly tool: string
  readonly risk: Risk
  /** The run has sent this content to this target before. */
  readonly repeated: boolean
  /** Nobody knows whether an earlier act of the run with this tool on this target happened. */
  readonly doubtful: boolean
  /** The arguments name a record that the brief does not. */
  readonly foreignRecord: boolean
}

export type Rule =
  | 'tool_not_allowed'
  | 'observe_reads_only'
  | 'draft_asks'
  | 'supervised_asks_outside'
  | 'repeated_send_asks'
  | 'doubtful_send_asks'
  | 'foreign_record_asks'
  | 'reading_is_free'
  | 'supervised_acts_inside'
  | 'autonomous_acts'
  | 'mandate_unreadable'

export interface Decision {
  readonly decision: 'ALLOW' | 'ASK' | 'DENY'
  readonly rule: Rule
}

/** Each rule as people and the model read it. */
export const RULES: Readonly<Record<Rule, string>> = {
  tool_not_allowed: "This tool is not on the employee's list.",
  observe_reads_only: 'With the autonomy OBSERVE only reading is allowed.',
  draft_asks: 'With the autonomy DRAFT every act asks first.',
  supervised_asks_outside: 'With the autonomy SUPERVISED whatever leaves the house, costs or destroys asks first.',
  repeated_send_asks: 'The same was sent to the same address in this run before.',
  doubtful_send_asks:
    'Nobody knows whether what was sent to the same address before went through: look before it is sent again.',
  foreign_record_asks:
    'It acts on a record that is not the one this run is about, after reading what a stranger wrote.',
  reading_is_free: 'Reading is always allowed.',
  supervised_acts_inside: 'With the autonomy SUPERVISED acts inside the house are allowed.',
  autonomous_acts: 'With the autonomy AUTONOMOUS the tools on the list are allowed.',
  mandate_unreadable: "The employee's mandate cannot be read.",
}

const rank = (autonomy: Autonomy): number => AUTONOMY_LEVELS.indexOf(autonomy)

/** The least of the two. */
export function effectiveAutonomy({ employee, form }: Pick<Mandate, 'employee' | 'form'>): Autonomy {
  return form === null || rank(employee) <= rank(form) ? employee : form
}

/** `mandate` is null when it could not be read: then everything is refused. */
export function decide(mandate: Mandate | null, act: Act): Decision {
  if (mandate === null) return { decision: 'DENY', rule: 'mandate_unreadable' }
  if (!mandate.allowedTools.has(act.tool)) return { decision: 'DENY', rule: 'tool_not_allowed' }
  if (act.risk === 'READ') return { decision: 'ALLOW', rule: 'reading_is_free' }
  const autonomy = effectiveAutonomy(mandate)
  const isInside = act.risk === 'INTERNAL_WRITE'
  if (autonomy === 'OBSERVE') return { decision: 'DENY', rule: 'observe_reads_only' }
  // All of these ask; the one that tells the approver most comes first.
  if (act.doubtful && !isInside) return { decision: 'ASK', rule: 'doubtful_send_asks' }
  if (act.repeated && !isInside) return { decision: 'ASK', rule: 'repeated_send_asks' }
  if (autonomy === 'DRAFT') return { decision: 'ASK', rule: 'draft_asks' }
  if (autonomy === 'SUPERVISED' && !isInside) return { decision: 'ASK', rule: 'supervised_asks_outside' }
  if (mandate.tainted && act.foreignRecord) return { decision: 'ASK', rule: 'foreign_record_asks' }
  return autonomy === 'SUPERVISED'
    ? { decision: 'ALLOW', rule: 'supervised_acts_inside' }
    : { decision: 'ALLOW', rule: 'autonomous_acts' }
}

/** Tools worth offering: what would be refused whatever the arguments only costs a turn. */
export const mayEverCall = (mandate: Mandate | null, tool: { readonly name: string; readonly risk: Risk }): boolean =>
  decide(mandate, { tool: tool.name, risk: tool.risk, repeated: false, doubtful: false, foreignRecord: false })
    .decision !== 'DENY'
