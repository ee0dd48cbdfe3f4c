import type { CallState } from '../conversation.ts'

/*
 * Which records a run may act on without asking. After reading what a stranger wrote, an id in a call's arguments is trusted
 * if our own brief names it, or a tool of ours did in this run: as `{ deal: "deal_…" }` or `{ id: "deal_…" }`. An id that
 * merely stands in some text (a name, an answer) may be a stranger's doing.
 */

const RECORD_ID =
  /^(?:workspace|member|employee|goal|form|submission|contact|pipeline|stage|deal|run|approval|inbox_message)_[0-9a-f-]{36}$/i

/** Whether the arguments name a record of ours that the brief did not. */
export function namesForeignRecord(value: unknown, known: ReadonlySet<string>): boolean {
  if (typeof value === 'string') return RECORD_ID.test(value) && !known.has(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some((inner) => namesForeignRecord(inner, known))
}

/** The records that the results of these calls name. */
export function recordsNamedBy(calls: readonly CallState[]): Set<string> {
  const records = new Set<string>()
  for (const call of calls) if (call.status === 'DONE') collect(call.output, records)
  return records
}

function collect(value: unknown, records: Set<string>): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner !== 'string') collect(inner, records)
    else if (RECORD_ID.test(inner) && (key === 'id' || inner.startsWith(`${key}_`))) records.add(inner)
  }
}
