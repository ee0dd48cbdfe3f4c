import { addDuration, parseDuration } from '../lib/duration.ts'
import { type InputIssue, invalidInput } from '../lib/errors.ts'
import { builder } from './builder.ts'

/** From a moment on, up to but not including another. */
export interface Period {
  readonly from: Date
  readonly to: Date
}

const PeriodRangeInput = builder.inputType('PeriodRangeInput', {
  description: 'A period between two moments.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', required: true, description: 'Its first moment.' }),
    to: t.field({ type: 'DateTime', required: true, description: 'The moment it ends before.' }),
  }),
})

/** The argument that says which period figures are for; `periodOf` reads it. */
export const PeriodInput = builder.inputType('PeriodInput', {
  isOneOf: true,
  description: 'Which period: exactly one of these.',
  fields: (t) => ({
    last: t.field({ type: 'Duration', description: 'So long, up to now: `P7D`.' }),
    between: t.field({ type: PeriodRangeInput, description: 'Between two moments.' }),
  }),
})

/** The period an argument names, as of now. INVALID_INPUT for one that does not lie ahead of its own beginning. */
export function periodOf(
  input: { readonly last?: string | null; readonly between?: { readonly from: Date; readonly to: Date } | null },
  now: Date,
): Period {
  if (input.between != null) {
    if (input.between.to <= input.between.from) throw refuse(['period', 'between', 'to'], 'It ends before it begins.')
    return { from: input.between.from, to: input.between.to }
  }
  const duration = parseDuration(input.last ?? '')
  const from = duration === undefined ? undefined : addDuration(now, duration.negate())
  if (from === undefined || from >= now) throw refuse(['period', 'last'], 'Write how long it is, as in P7D.')
  // What happens in this very millisecond belongs to it.
  return { from, to: new Date(now.getTime() + 1) }
}

const refuse = (path: string[], message: string) =>
  invalidInput([{ path, code: 'INVALID_FORMAT', message } satisfies InputIssue])
