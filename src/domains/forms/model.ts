import { z } from 'zod'
import { decodeId } from '../../platform/lib/ids.ts'
import type { FormDefinitionInput } from './definition.ts'
import { formLimitsPatchSchema } from './limits.ts'

export * from './answers.ts'
export * from './criteria.ts'
export * from './definition.ts'
export {
  CONTACT_FIELDS,
  type ContactField,
  FIELD_KINDS,
  type FieldKind,
  type FieldOption,
  type FormField,
} from './field.ts'
export type { AnswerValue, MoneyAnswer } from './field-value.ts'
export * from './limits.ts'

/*
 * A form: what people outside are asked, who takes what they send, and what protects it.
 *
 * DRAFT     being made; nobody outside sees it.
 * ACTIVE    takes submissions of its newest published version.
 * PAUSED    refuses submissions with a clear message; can be resumed.
 * ARCHIVED  refuses them for good; never left.
 *
 * Publishing freezes the draft as a version with the next number, and opens a form that was a draft.
 */

export const FORM_STATUSES = ['DRAFT', 'ACTIVE', 'PAUSED', 'ARCHIVED'] as const
export type FormStatus = (typeof FORM_STATUSES)[number]

export const FORM_KINDS = ['MARKETING', 'SALES', 'SUPPORT', 'BOOKING', 'GENERAL'] as const
export type FormKind = (typeof FORM_KINDS)[number]

export const HANDLER_STRATEGIES = ['PRINCIPAL', 'ROUND_ROBIN'] as const
export type HandlerStrategy = (typeof HANDLER_STRATEGIES)[number]

/** How far the employees may go with what this form brings; the least of it and the employee's own holds. */
export const FORM_AUTONOMIES = ['OBSERVE', 'DRAFT', 'SUPERVISED', 'AUTONOMOUS'] as const
export type FormAutonomy = (typeof FORM_AUTONOMIES)[number]

export type FormAct = 'publish' | 'pause' | 'resume' | 'archive'

const TRANSITIONS: Readonly<Record<FormStatus, Readonly<Partial<Record<FormAct, FormStatus>>>>> = {
  DRAFT: { publish: 'ACTIVE', archive: 'ARCHIVED' },
  ACTIVE: { publish: 'ACTIVE', pause: 'PAUSED', archive: 'ARCHIVED' },
  PAUSED: { publish: 'PAUSED', resume: 'ACTIVE', archive: 'ARCHIVED' },
  ARCHIVED: {},
}

/** The status that an act leads to, or undefined where it is not possible. */
export const statusAfter = (status: FormStatus, act: FormAct): FormStatus | undefined => TRANSITIONS[status][act]

const formId = z.string().transform((publicId) => decodeId('form', publicId, 'Form'))
const employeeId = z.string().transform((publicId) => decodeId('employee', publicId, 'Employee'))
const pipelineId = z.string().transform((publicId) => decodeId('pipeline', publicId, 'Pipeline'))

const slug = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'A slug is lower-case letters and digits, in groups joined by hyphens.')

/** The part of an address that a name suggests: `Book a demo!` → `book-a-demo`. */
export const slugOf = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/\p{Diacritic}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-|-$/g, '') || 'form'

const handlers = z.strictObject({
  strategy: z.enum(HANDLER_STRATEGIES),
  /** In this order: the first is the principal. */
  employees: z
    .array(employeeId)
    .min(1)
    .max(50)
    .refine((ids) => new Set(ids).size === ids.length, 'An employee can be a handler only once.'),
})
export type Handlers = z.output<typeof handlers>

// Whether the parts of a definition fit together is known only when they are laid over what is there: the verbs parse
// the whole with `formDefinitionSchema`, and its issues have the paths of these members.
const part = <Key extends keyof FormDefinitionInput>(_key: Key) => z.custom<FormDefinitionInput[Key]>().optional()
const definitionParts = {
  fields: part('fields'),
  instructions: part('instructions'),
  criteria: part('criteria'),
  response: part('response'),
  requestedTools: part('requestedTools'),
}

const name = z.string().trim().min(2).max(255)

export const createFormInput = z.object({
  id: formId.nullish(),
  name,
  slug: slug.nullish(),
  kind: z.enum(FORM_KINDS).nullish(),
  handlers: handlers.nullish(),
  pipeline: pipelineId.nullish(),
  autonomy: z.enum(FORM_AUTONOMIES).nullish(),
  limits: formLimitsPatchSchema.nullish(),
  ...definitionParts,
})
export type CreateFormInput = z.output<typeof createFormInput>

/** Left out means unchanged, null means cleared. */
export const updateFormInput = z.object({
  id: formId,
  ifVersion: z.int().nullish(),
  name: name.optional(),
  slug: slug.optional(),
  kind: z.enum(FORM_KINDS).optional(),
  handlers: handlers.nullish(),
  pipeline: pipelineId.nullish(),
  autonomy: z.enum(FORM_AUTONOMIES).optional(),
  limits: formLimitsPatchSchema.optional(),
  ...definitionParts,
})
export type UpdateFormInput = z.output<typeof updateFormInput>

export const decideFormInput = z.object({ id: formId, ifVersion: z.int().nullish() })
export type DecideFormInput = z.output<typeof decideFormInput>

/** A form by one of its names: public id, slug in the caller's workspace, or `workspace/form` as in its address. */
export interface FormBy {
  readonly id?: string | null
  readonly slug?: string | null
  readonly path?: string | null
}
