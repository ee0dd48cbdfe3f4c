import { z } from 'zod'
import { isCurrency } from '../../platform/lib/currency.ts'
import type { IssueCode } from '../../platform/lib/errors.ts'

export const FIELD_KINDS = [
  'TEXT',
  'LONG_TEXT',
  'EMAIL',
  'PHONE',
  'NUMBER',
  'CURRENCY',
  'SELECT',
  'MULTI_SELECT',
  'CHECKBOX',
  'CONSENT',
  'DATE',
  'URL',
  'HIDDEN',
] as const
export type FieldKind = (typeof FIELD_KINDS)[number]

export const CONTACT_FIELDS = ['NAME', 'EMAIL', 'PHONE', 'COMPANY'] as const
/** The field of the contact that an answer fills in where it is empty. */
export type ContactField = (typeof CONTACT_FIELDS)[number]

export const MAX_OPTIONS = 200
/** Most characters of any text answer, whatever the field says. */
export const MAX_TEXT_LENGTH = 20_000

const KEY = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

/** The stable name of a field: what answers, criteria and integrations call it, in every version. */
export const fieldKeySchema = z
  .string()
  .regex(KEY, 'A key is a letter followed by up to 63 letters, digits or underscores.')
  .refine((key) => !(key in Object.prototype), 'Every object in JavaScript has a member of this name: take another.')

/** Left out and null are the same: the attribute is not there. */
export const attribute = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value): z.output<Schema> | undefined => value ?? undefined)

/** Members that may be undefined may also be left out: what comes back from JSON has them not at all. */
export type WithOptional<Value> = {
  readonly [Key in keyof Value as undefined extends Value[Key] ? never : Key]: Value[Key]
} & {
  readonly [Key in keyof Value as undefined extends Value[Key] ? Key : never]?: Value[Key]
}

const optionSchema = z.strictObject({
  value: z.string().trim().min(1).max(255),
  label: z.string().trim().min(1).max(255),
})

const fieldShape = z.strictObject({
  key: fieldKeySchema,
  kind: z.enum(FIELD_KINDS),
  label: z.string().trim().min(1).max(255),
  help: z.string().trim().max(1_000).default(''),
  required: z.boolean().default(false),
  /** Smallest number or amount. */
  min: attribute(z.number()),
  /** Largest number or amount. */
  max: attribute(z.number()),
  minLength: attribute(z.int().min(1).max(MAX_TEXT_LENGTH)),
  maxLength: attribute(z.int().min(1).max(MAX_TEXT_LENGTH)),
  options: attribute(z.array(optionSchema).max(MAX_OPTIONS)),
  /** ISO 4217 code of a CURRENCY field's amounts. */
  currency: attribute(z.string().refine(isCurrency, 'This is no currency. Write its code, as in EUR.')),
  contactField: attribute(z.enum(CONTACT_FIELDS)),
})

export type FieldOption = z.output<typeof optionSchema>
export type FormField = WithOptional<z.output<typeof fieldShape>>

const HAS_RANGE: ReadonlySet<FieldKind> = new Set(['NUMBER', 'CURRENCY'])
const HAS_LENGTH: ReadonlySet<FieldKind> = new Set(['TEXT', 'LONG_TEXT', 'URL', 'HIDDEN'])
export const HAS_OPTIONS: ReadonlySet<FieldKind> = new Set(['SELECT', 'MULTI_SELECT'])

/** Adds an issue whose `code` the caller's edge passes on. */
export type Refuse = (path: (string | number)[], code: IssueCode, message: string) => void

export const refuseIn =
  (ctx: z.core.$RefinementCtx): Refuse =>
  (path, code, message) =>
    ctx.addIssue({ code: 'custom', path, message, params: { code } })

function checkField(field: FormField, refuse: Refuse): void {
  const { kind } = field
  for (const name of ['min', 'max'] as const) {
    if (field[name] !== undefined && !HAS_RANGE.has(kind))
      refuse([name], 'NOT_ALLOWED', `A ${kind} field has no ${name}.`)
  }
  for (const name of ['minLength', 'maxLength'] as const) {
    if (field[name] !== undefined && !HAS_LENGTH.has(kind))
      refuse([name], 'NOT_ALLOWED', `A ${kind} field has no ${name}.`)
  }
  if (field.min !== undefined && field.max !== undefined && field.min > field.max) {
    refuse(['max'], 'TOO_SMALL', 'max must not be less than min.')
  }
  if (field.minLength !== undefined && field.maxLength !== undefined && field.minLength > field.maxLength) {
    refuse(['maxLength'], 'TOO_SMALL', 'maxLength must not be less than minLength.')
  }
  if (kind === 'CURRENCY' && field.currency === undefined) {
    refuse(['currency'], 'REQUIRED', 'A CURRENCY field needs the currency of its amounts.')
  }
  if (kind !== 'CURRENCY' && field.currency !== undefined) {
    refuse(['currency'], 'NOT_ALLOWED', `A ${kind} field has no currency.`)
  }
  checkOptions(field, refuse)
  if (field.contactField !== undefined && !FILLS[field.contactField].has(kind)) {
    refuse(['contactField'], 'NOT_ALLOWED', `A ${kind} field cannot fill in the contact's ${field.contactField}.`)
  }
}

const FILLS: Readonly<Record<ContactField, ReadonlySet<FieldKind>>> = {
  NAME: new Set(['TEXT', 'HIDDEN']),
  COMPANY: new Set(['TEXT', 'HIDDEN']),
  EMAIL: new Set(['EMAIL']),
  PHONE: new Set(['PHONE']),
}

function checkOptions(field: FormField, refuse: Refuse): void {
  const options = field.options ?? []
  if (!HAS_OPTIONS.has(field.kind)) {
    if (field.options !== undefined) refuse(['options'], 'NOT_ALLOWED', `A ${field.kind} field has no options.`)
    return
  }
  if (options.length === 0) refuse(['options'], 'REQUIRED', `A ${field.kind} field needs at least one option.`)
  const seen = new Set<string>()
  for (const [index, option] of options.entries()) {
    if (seen.has(option.value)) {
      refuse(['options', index, 'value'], 'DUPLICATE', `The option ${option.value} is there twice.`)
    }
    seen.add(option.value)
  }
}

export const fieldSchema = fieldShape.superRefine((field, ctx) => checkField(field, refuseIn(ctx)))
