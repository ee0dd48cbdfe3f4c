import { canonical, type Review } from '../../domains/approvals/service.ts'
import type { FieldChange } from '../../platform/events/event.ts'

/** What a person is shown of an act: what leaves the house, or the arguments of an act inside. */
export function reviewOf(input: unknown, title: string, changes?: readonly FieldChange[]): Review {
  const record = input as Readonly<Record<string, unknown>>
  return { input: record, title, changes: changes ?? argumentsOf(record) }
}

// In one order: arguments come back from the database in another than they went in.
const argumentsOf = (input: Readonly<Record<string, unknown>>): FieldChange[] =>
  Object.keys(input)
    .sort()
    .flatMap((field) => shownArgument([field, input[field]]))

const shownArgument = ([field, value]: [string, unknown]): FieldChange[] =>
  value === undefined || value === null
    ? []
    : [{ field, from: null, to: typeof value === 'string' ? value : canonical(value) }]
