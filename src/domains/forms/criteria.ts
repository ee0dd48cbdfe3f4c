import { z } from 'zod'
import { attribute, type FieldKind, type FormField, MAX_OPTIONS, type Refuse, type WithOptional } from './field.ts'
import { isAnswer, parseFieldValue } from './field-value.ts'

export const CRITERION_OPS = ['EQ', 'NOT', 'IN', 'GT', 'GTE', 'LT', 'LTE', 'CONTAINS', 'PRESENT', 'ABSENT'] as const
export type CriterionOp = (typeof CRITERION_OPS)[number]

const scalarSchema = z.union([z.string().max(1_000), z.number(), z.boolean()])

const conditionSchema = z.strictObject({
  /** Key of the field it looks at. */
  field: z.string(),
  op: z.enum(CRITERION_OPS),
  /** What is compared with: a list for IN, nothing for PRESENT and ABSENT. */
  value: attribute(z.union([scalarSchema, z.array(scalarSchema).min(1).max(MAX_OPTIONS)])),
  /** Its share of the fit, relative to the others. */
  weight: z.number().positive().max(100).default(1),
  /** The condition in a person's words. */
  label: z.string().trim().max(255).default(''),
})
export type CriterionCondition = WithOptional<z.output<typeof conditionSchema>>

export const DEFAULT_THRESHOLD = 0.6

export const criteriaSchema = z.strictObject({
  conditions: z.array(conditionSchema).max(50).default([]),
  /** What the conditions cannot say, for whoever judges. */
  text: z.string().trim().max(5_000).default(''),
  /** From this share of the weights on a submission counts as qualified. */
  threshold: z.number().min(0).max(1).default(DEFAULT_THRESHOLD),
})
export interface FormCriteria {
  readonly conditions: readonly CriterionCondition[]
  readonly text: string
  readonly threshold: number
}

const ORDERED: ReadonlySet<FieldKind> = new Set(['NUMBER', 'CURRENCY', 'DATE'])
const SEARCHABLE: ReadonlySet<FieldKind> = new Set([
  'TEXT',
  'LONG_TEXT',
  'EMAIL',
  'PHONE',
  'URL',
  'HIDDEN',
  'MULTI_SELECT',
])
const YES_NO: ReadonlySet<FieldKind> = new Set(['CHECKBOX', 'CONSENT'])

/** A condition must be about a field of the form, and one that its answers can meet and miss. */
export function checkCondition(condition: CriterionCondition, fields: readonly FormField[], refuse: Refuse): void {
  const field = fields.find((each) => each.key === condition.field)
  if (field === undefined) {
    refuse(['field'], 'UNKNOWN_REFERENCE', `No field of this form has the key ${condition.field}.`)
    return
  }
  const { op, value } = condition
  if (op === 'PRESENT' || op === 'ABSENT') {
    if (value !== undefined) refuse(['value'], 'NOT_ALLOWED', `${op} takes no value.`)
    return
  }
  if (value === undefined) {
    refuse(['value'], 'REQUIRED', `${op} needs a value.`)
    return
  }
  if (Array.isArray(value) !== (op === 'IN')) {
    const message = op === 'IN' ? 'IN takes a list of values.' : `${op} takes one value, not a list.`
    refuse(['value'], 'INVALID_FORMAT', message)
    return
  }
  const ordered = op === 'GT' || op === 'GTE' || op === 'LT' || op === 'LTE'
  if ((ordered && !ORDERED.has(field.kind)) || (op === 'CONTAINS' && !SEARCHABLE.has(field.kind))) {
    refuse(['op'], 'NOT_ALLOWED', `${op} does not apply to a ${field.kind} field.`)
    return
  }
  if (op === 'CONTAINS' && field.kind !== 'MULTI_SELECT') {
    if (typeof value !== 'string') refuse(['value'], 'INVALID_FORMAT', 'CONTAINS looks for a text.')
    return
  }
  for (const each of Array.isArray(value) ? value : [value]) {
    if (!isComparable(field, each)) {
      refuse(['value'], 'INVALID_FORMAT', `${JSON.stringify(each)} can never be an answer to ${field.key}.`)
    }
  }
}

/** Whether the field could be answered like that, its own bounds aside: "less than 10" may be asked of "at least 10". */
function isComparable(field: FormField, value: string | number | boolean): boolean {
  if (YES_NO.has(field.kind)) return typeof value === 'boolean'
  const { max: _, minLength: __, ...unbounded } = field
  const asked = field.kind === 'MULTI_SELECT' ? [value] : value
  return isAnswer(parseFieldValue({ ...unbounded, min: -1e15 }, asked))
}
