import { z } from 'zod'
import { checkCondition, criteriaSchema, type FormCriteria } from './criteria.ts'
import { attribute, type ContactField, type FormField, fieldSchema, refuseIn, type WithOptional } from './field.ts'

/*
 * What a form asks, and what is done with the answers: the draft that people edit and each published version have this
 * shape. A published version never changes, so everything that is looked up while an answer is parsed stands here.
 */

export const MAX_FIELDS = 50

/** Kept as browsers send it, in ASCII: it goes into a header. */
const redirectSchema = z
  .url({ protocol: /^https?$/, normalize: true, message: 'A redirect goes to an http or https address.' })
  .max(2_000)

const responseSchema = z
  .strictObject({
    message: attribute(z.string().trim().min(1).max(2_000)),
    redirectUrl: attribute(redirectSchema),
  })
  .superRefine((response, ctx) => {
    const refuse = refuseIn(ctx)
    const { message, redirectUrl } = response
    if (message === undefined && redirectUrl === undefined) {
      refuse(['message'], 'REQUIRED', 'A response is a message or a redirectUrl.')
    }
    if (message !== undefined && redirectUrl !== undefined) {
      refuse(['redirectUrl'], 'NOT_ALLOWED', 'A response is a message or a redirectUrl, not both.')
    }
  })

/** What the sender sees afterwards: a message on the form's own thank-you page, or another page. */
export type FormResponse = WithOptional<z.output<typeof responseSchema>>

export const DEFAULT_RESPONSE: FormResponse = { message: 'We have received your message.' }

const definitionShape = z.strictObject({
  fields: z.array(fieldSchema).max(MAX_FIELDS).default([]),
  /** What the employee who takes a submission is to do with it, in plain language. */
  instructions: z.string().trim().max(20_000).default(''),
  criteria: criteriaSchema.prefault({}),
  response: responseSchema.prefault(DEFAULT_RESPONSE),
  /** Tools that are to be used for every qualified submission, by the name the model calls: `send_email`. */
  requestedTools: z
    .array(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'A tool is named in lower case with underscores.'))
    .max(10)
    .default([]),
})

/** A form's definition, checked as a whole: every issue names its place, as in `fields.2.options`. */
export const formDefinitionSchema = definitionShape.superRefine((definition, ctx) => {
  const refuse = refuseIn(ctx)
  const keys = new Set<string>()
  const filled = new Set<ContactField>()
  for (const [index, field] of definition.fields.entries()) {
    if (keys.has(field.key)) {
      refuse(['fields', index, 'key'], 'DUPLICATE', `The key ${field.key} is there twice.`)
    }
    keys.add(field.key)
    if (field.contactField === undefined) continue
    if (filled.has(field.contactField)) {
      const message = `Two fields fill in the contact's ${field.contactField}.`
      refuse(['fields', index, 'contactField'], 'DUPLICATE', message)
    }
    filled.add(field.contactField)
  }
  for (const [index, condition] of definition.criteria.conditions.entries()) {
    checkCondition(condition, definition.fields, (path, code, message) =>
      refuse(['criteria', 'conditions', index, ...path], code, message),
    )
  }
})

export interface FormDefinition {
  readonly fields: readonly FormField[]
  readonly instructions: string
  readonly criteria: FormCriteria
  readonly response: FormResponse
  readonly requestedTools: readonly string[]
}
export type FormDefinitionInput = z.input<typeof formDefinitionSchema>
