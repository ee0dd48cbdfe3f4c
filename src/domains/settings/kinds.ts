// The kinds of values that settings have: how each is given, kept and told, with its default and its bounds.

import { Duration } from 'luxon'
import { z } from 'zod'
import type { Told } from '../../platform/events/changes.ts'
import { parseDuration } from '../../platform/lib/duration.ts'
import { formatMicros, moneyText, parseMicros } from '../../platform/lib/money.ts'
import { normaliseEmail } from '../contacts/model.ts'

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** What a setting looks like from outside; `settings-schema.ts` of the workspace has a GraphQL type for each. */
export type SettingKind =
  | 'DURATION'
  | 'DOLLARS'
  | 'INT'
  | 'PERCENTAGES'
  | 'TEXT'
  | 'EMAIL'
  | 'MODEL_OF_ROLES'
  | 'FORM_LIMITS'
  | 'ORIGINS'

/** One setting of a workspace: all that is known of it. */
export interface Setting<Value> {
  readonly kind: SettingKind
  /** What it does, in a sentence or two. */
  readonly description: string
  readonly default: Value
  /** Its default and its bounds in words, behind the description. */
  readonly bounds: string
  /** Makes the value of what a caller has given; what it refuses becomes an issue of the setting. */
  readonly input: z.ZodType<Value>
  /** The value as it is kept in the workspace's row, and back. */
  store(value: Value): Json
  load(stored: unknown): Value
  /** The value as a person would write it. */
  told(value: Value): Told
}

const refuse = (ctx: z.RefinementCtx, code: string, message: string): never => {
  ctx.addIssue({ code: 'custom', params: { code }, message })
  return z.NEVER
}

/** A length of time in milliseconds, as ISO 8601 writes it: `PT24H` is told as `P1D`. */
export const isoDuration = (ms: number): string => Duration.fromMillis(ms).rescale().toISO() ?? `PT${ms / 1_000}S`

interface Options<Value> {
  readonly description: string
  readonly default: Value
}

interface Bounds<Value> {
  readonly min: Value
  readonly max: Value
}

const msOf = (iso: string): number => Duration.fromISO(iso).as('milliseconds')

/** A length of time; the value is in milliseconds, default and bounds are written in ISO 8601. */
export function duration(options: Options<string> & Bounds<string>): Setting<number> & Bounds<number> {
  const { min, max } = options
  return {
    kind: 'DURATION',
    description: options.description,
    default: msOf(options.default),
    min: msOf(min),
    max: msOf(max),
    bounds: `${options.default} unless set; from ${min} to ${max}.`,
    input: z.string().transform((text, ctx) => {
      const given = parseDuration(text)
      if (given === undefined || given.months !== 0 || given.years !== 0) {
        return refuse(ctx, 'INVALID_FORMAT', 'Write it in weeks, days, hours, minutes and seconds: "P7D", "PT30M".')
      }
      const ms = given.as('milliseconds')
      if (ms < msOf(min)) return refuse(ctx, 'TOO_SMALL', `At least ${min}.`)
      if (ms > msOf(max)) return refuse(ctx, 'TOO_LARGE', `At most ${max}.`)
      return ms
    }),
    store: (ms) => ms,
    load: (stored) => stored as number,
    told: isoDuration,
  }
}

export function wholeNumber(options: Options<number> & Bounds<number>): Setting<number> {
  return {
    kind: 'INT',
    description: options.description,
    default: options.default,
    bounds: `${options.default} unless set; from ${options.min} to ${options.max}.`,
    input: z.int().min(options.min).max(options.max),
    store: (value) => value,
    load: (stored) => stored as number,
    told: (value) => value,
  }
}

/** An amount in US dollars, in micros; null is no limit, and the default. */
export function dollarLimit(options: { readonly description: string } & Bounds<bigint>): Setting<bigint | null> {
  const { min, max } = options
  const text = (micros: bigint) => moneyText({ micros, currency: 'USD' })
  return {
    kind: 'DOLLARS',
    description: options.description,
    default: null,
    bounds: `No limit unless set; from ${text(min)} to ${text(max)}.`,
    input: z.string().transform((given, ctx) => {
      const micros = parseMicros(given)
      if (micros === undefined) {
        return refuse(ctx, 'INVALID_FORMAT', 'Write an amount as a decimal number with at most six places.')
      }
      if (micros < min) return refuse(ctx, 'TOO_SMALL', `At least ${text(min)}.`)
      if (micros > max) return refuse(ctx, 'TOO_LARGE', `At most ${text(max)}.`)
      return micros
    }),
    store: (micros) => (micros === null ? null : formatMicros(micros)),
    load: (stored) => (typeof stored === 'string' ? (parseMicros(stored) ?? null) : null),
    told: (micros) => (micros === null ? null : text(micros)),
  }
}

/** Percentages from 1 to 100, each once; told and kept in their order. */
export function percentages(
  options: Options<readonly number[]> & { readonly most: number },
): Setting<readonly number[]> {
  const shown = (values: readonly number[]) =>
    values.length === 0 ? 'none' : values.map((each) => `${each} %`).join(', ')
  return {
    kind: 'PERCENTAGES',
    description: options.description,
    default: options.default,
    bounds: `${shown(options.default)} unless set; at most ${options.most}, each from 1 to 100.`,
    input: z
      .array(z.int().min(1).max(100))
      .max(options.most)
      .refine((values) => new Set(values).size === values.length, {
        message: 'A percentage stands here twice.',
        params: { code: 'DUPLICATE' },
      })
      .transform((values) => [...values].sort((a, b) => a - b)),
    store: (values) => values,
    load: (stored) => stored as readonly number[],
    told: shown,
  }
}

/** An e-mail address; null is none, and the default. */
export function email(options: { readonly description: string }): Setting<string | null> {
  return {
    kind: 'EMAIL',
    description: options.description,
    default: null,
    bounds: 'None unless set.',
    input: z
      .string()
      .trim()
      .refine((text) => normaliseEmail(text) !== undefined, {
        message: 'This is no e-mail address.',
        params: { code: 'INVALID_FORMAT' },
      }),
    store: (value) => value,
    load: (stored) => stored as string | null,
    told: (value) => value,
  }
}
