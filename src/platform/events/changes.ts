import type { FieldChange } from './event.ts'

/** What a field may hold for its change to be told; lists are told as one text. */
export type Told = string | number | bigint | boolean | Date | readonly string[] | null | undefined

/**
 * What an event tells as `changes`: the fields of `after` that differ from `before`, as a person would write them.
 * A field that `after` leaves out (or holds undefined in) is unchanged.
 */
export function changesBetween(
  before: Readonly<Record<string, Told>>,
  after: Readonly<Record<string, Told>>,
): FieldChange[] {
  return Object.entries(after).flatMap(([field, value]) => {
    if (value === undefined) return []
    const change = { field, from: told(before[field]), to: told(value) }
    return change.from === change.to ? [] : [change]
  })
}

function told(value: Told): string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? value.join(', ') : String(value)
}
