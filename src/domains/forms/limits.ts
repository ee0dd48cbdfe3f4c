import { z } from 'zod'
import { fieldKeySchema } from './field.ts'

/*
 * Limits and anti-spam of a form. They are settings of the form, not of a version: a change is in force for the next
 * submission. Null (or 0 for times) switches one off, and a form that has one off pays nothing for it. A form keeps those
 * that it was given; the others are as its workspace has set them, and where that has not, as they are here.
 */

export interface FormLimits {
  /** Accepted submissions per hour from one network address. */
  readonly perAddressPerHour: number | null
  /** Accepted submissions per hour with one e-mail address. */
  readonly perEmailPerHour: number | null
  /** A page that was opened less long ago was not filled in by a person. */
  readonly minimumTimeMs: number
  /** The same answers from the same sender within this time are one submission. */
  readonly duplicateWindowMinutes: number
  /** Name of a field that people do not see: who fills it in is a program. */
  readonly honeypot: string | null
}

/** Those that were set at one place. */
export type OwnLimits = { readonly [Name in keyof FormLimits]?: FormLimits[Name] | undefined }

/** Every bot fills in a field with that name; nothing a browser or a password manager knows is called so. */
const DEFAULT_HONEYPOT = 'subject_line'

export const DEFAULT_LIMITS: FormLimits = {
  perAddressPerHour: 10,
  perEmailPerHour: 5,
  minimumTimeMs: 1_500,
  duplicateWindowMinutes: 5,
  honeypot: DEFAULT_HONEYPOT,
}

/** The limits by the words that name them. */
export const FORM_LIMITS = {
  PER_ADDRESS_PER_HOUR: 'perAddressPerHour',
  PER_EMAIL_PER_HOUR: 'perEmailPerHour',
  MINIMUM_TIME: 'minimumTimeMs',
  DUPLICATE_WINDOW: 'duplicateWindowMinutes',
  HONEYPOT: 'honeypot',
} as const satisfies Readonly<Record<string, keyof FormLimits>>
export type FormLimit = keyof typeof FORM_LIMITS

const WORDS = Object.keys(FORM_LIMITS) as FormLimit[]

/** Limits as they are given; what is left out is not said. */
export const ownLimitsSchema = z
  .strictObject({
    perAddressPerHour: z.int().min(1).max(10_000).nullable(),
    perEmailPerHour: z.int().min(1).max(10_000).nullable(),
    minimumTimeMs: z.int().min(0).max(60_000),
    duplicateWindowMinutes: z.int().min(0).max(1_440),
    honeypot: fieldKeySchema.nullable(),
  })
  .partial()

/** What to change of a form's own; left out means unchanged, and what is reset is the workspace's again. */
export const formLimitsPatchSchema = ownLimitsSchema
  .extend({ reset: z.array(z.enum(WORDS)).max(WORDS.length).nullish() })
  .superRefine(({ reset, ...given }, ctx) => {
    for (const [index, limit] of (reset ?? []).entries()) {
      if (given[FORM_LIMITS[limit]] === undefined) continue
      const message = 'A limit is set or reset, not both.'
      ctx.addIssue({ code: 'custom', path: ['reset', index], params: { code: 'NOT_ALLOWED' }, message })
    }
  })
export type FormLimitsPatch = z.output<typeof formLimitsPatchSchema>

/** A form's own limits after a change. */
export function patchLimits(own: OwnLimits, { reset, ...given }: FormLimitsPatch): OwnLimits {
  const gone = new Set<string>((reset ?? []).map((limit) => FORM_LIMITS[limit]))
  const left = Object.entries({ ...own, ...said(given) }).filter(([name]) => !gone.has(name))
  return Object.fromEntries(left) as OwnLimits
}

const said = (own: OwnLimits): OwnLimits =>
  Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))

/** The limits as they are in force: `own` is what was stored at one place, the others are as `byDefault` has them. */
export const limitsOf = (own: OwnLimits, byDefault: FormLimits): FormLimits =>
  ({ ...byDefault, ...said(own) }) as FormLimits

/** Which limits were set. */
export const namesOfOwn = (own: OwnLimits): FormLimit[] =>
  WORDS.filter((limit) => own[FORM_LIMITS[limit]] !== undefined)

/** A form's own limits as the log tells them; of the others it says what they are at that moment. */
export const toldLimits = (own: OwnLimits, byDefault: FormLimits): Record<string, string | number | null> =>
  Object.fromEntries(
    Object.values(FORM_LIMITS).map((name) => {
      const value = own[name]
      return [`limits.${name}`, value === undefined ? `default (${byDefault[name] ?? 'none'})` : value]
    }),
  )
