import { DEFAULT_LIMITS, type FormLimits, limitsOf, type OwnLimits, ownLimitsSchema } from '../forms/limits.ts'
import type { Setting } from './kinds.ts'

/** The limits of a workspace that it has set otherwise than they are by default. */
export const ownOf = (limits: FormLimits): OwnLimits =>
  Object.fromEntries(
    Object.entries(limits).filter(([name, value]) => value !== DEFAULT_LIMITS[name as keyof FormLimits]),
  )

const told = (limits: FormLimits): string =>
  Object.entries(limits)
    .map(([name, value]) => `${name} ${value ?? 'none'}`)
    .join(', ')

/** The limits of forms that say nothing else; they are given as a whole. */
export function formLimits(options: { readonly description: string }): Setting<FormLimits> {
  return {
    kind: 'FORM_LIMITS',
    description: options.description,
    default: DEFAULT_LIMITS,
    bounds: `Unless set: ${told(DEFAULT_LIMITS)}.`,
    input: ownLimitsSchema.transform((given) => limitsOf(given, DEFAULT_LIMITS)),
    store: (value) => ({ ...ownOf(value) }) as Readonly<Record<string, string | number | null>>,
    load: (stored) => limitsOf(stored as OwnLimits, DEFAULT_LIMITS),
    told,
  }
}
