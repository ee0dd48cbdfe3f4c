import { z } from 'zod'
import { fieldKeySchema } from './field.ts'

/*
 * Limits and anti-spam of a form. They are settings of the form, not of a version: a change is in force for the next
 * submission. Null (or 0 for times) switches one off, and a form that has one off pays nothing for it.
 */

/** Every bot fills in a field with that name; nothing a browser or a password manager knows is called so. */
export const DEFAULT_HONEYPOT = 'subject_line'

export const formLimitsSchema = z.strictObject({
  /** Accepted submissions per hour from one network address. */
  perAddressPerHour: z.int().min(1).max(10_000).nullable().default(10),
  /** Accepted submissions per hour with one e-mail address. */
  perEmailPerHour: z.int().min(1).max(10_000).nullable().default(5),
  /** A page that was opened less long ago was not filled in by a person. */
  minimumTimeMs: z.int().min(0).max(60_000).default(1_500),
  /** The same answers from the same sender within this time are one submission. */
  duplicateWindowMinutes: z.int().min(0).max(1_440).default(5),
  /** Name of a field that people do not see: who fills it in is a program. */
  honeypot: fieldKeySchema.nullable().default(DEFAULT_HONEYPOT),
})

export interface FormLimits {
  readonly perAddressPerHour: number | null
  readonly perEmailPerHour: number | null
  readonly minimumTimeMs: number
  readonly duplicateWindowMinutes: number
  readonly honeypot: string | null
}

/** What to change; left out means unchanged. */
export const formLimitsPatchSchema = formLimitsSchema.partial()

export const DEFAULT_LIMITS: FormLimits = formLimitsSchema.parse({})

/** The limits as they are in force: what a stored row does not say is at its default. */
export const limitsOf = (stored: unknown): FormLimits => ({ ...DEFAULT_LIMITS, ...(stored as Partial<FormLimits>) })
