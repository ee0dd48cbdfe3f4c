import { createHash } from 'node:crypto'
import type { InputIssue } from '../../platform/lib/errors.ts'
import { moneyText, parseMicros } from '../../platform/lib/money.ts'
import type { FormDefinition } from './definition.ts'
import { CONTACT_FIELDS, type ContactField, type FormField } from './field.ts'
import { type AnswerValue, isAnswer, parseFieldValue } from './field-value.ts'

/** Answers by field key, in the order of the fields; what was not answered is left out. */
export type Answers = Readonly<Record<string, AnswerValue>>

export type ParsedAnswers = { readonly answers: Answers } | { readonly issues: readonly InputIssue[] }

/** More would help nobody: a body can hold a hundred thousand wrong keys. */
const MAX_ISSUES = 50

/**
 * The answers to a published version, or one issue per thing that is wrong, each at its field's key. It takes the body
 * of a JSON request and the fields of a form-encoded one alike (numbers and ticks as text, several texts for several
 * choices), never throws, and lets nothing through that the definition does not allow. Answers that were parsed once
 * parse to themselves.
 */
export function parseAnswers(definition: Pick<FormDefinition, 'fields'>, raw: unknown): ParsedAnswers {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    const message = 'Answers are an object with a member for each field: { "email": "ada@example.com" }.'
    return { issues: [{ path: [], code: 'INVALID_FORMAT', message }] }
  }
  const given = raw as Readonly<Record<string, unknown>>
  const issues: InputIssue[] = []
  const answers: [string, AnswerValue][] = []
  for (const field of definition.fields) {
    const { key } = field
    const parsed = parseFieldValue(field, Object.hasOwn(given, key) ? given[key] : undefined)
    if (!isAnswer(parsed)) {
      if ('code' in parsed) issues.push({ path: [key], code: parsed.code, message: parsed.message })
      else if (field.required) issues.push({ path: [key], code: 'REQUIRED', message: requiredMessage(field) })
    } else if (field.required && parsed.value === false) {
      issues.push({ path: [key], code: 'REQUIRED', message: requiredMessage(field) })
    } else {
      answers.push([key, parsed.value])
    }
  }
  const known = new Set(definition.fields.map((field) => field.key))
  for (const key of Object.keys(given)) {
    if (issues.length >= MAX_ISSUES) break
    if (known.has(key)) continue
    const shown = key.length > 64 ? `${key.slice(0, 63)}…` : key
    issues.push({ path: [shown], code: 'NOT_ALLOWED', message: `This form has no field "${shown}".` })
  }
  return issues.length > 0 ? { issues } : { answers: Object.fromEntries(answers) }
}

function requiredMessage(field: FormField): string {
  switch (field.kind) {
    case 'CONSENT':
      return 'Your consent is needed here.'
    case 'CHECKBOX':
      return 'This box must be ticked.'
    case 'SELECT':
      return 'Please choose one.'
    case 'MULTI_SELECT':
      return 'Please choose at least one.'
    default:
      return 'Please fill this in.'
  }
}

/** SHA-256 of the parsed answers, hex: equal exactly when the answers are. */
export function hashAnswers(answers: Answers): string {
  const canonical = Object.keys(answers)
    .sort()
    .map((key) => [key, answers[key]])
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex')
}

// What a field is taken for when the form does not say: the usual names of the usual fields.
const USUAL_KEYS: Readonly<Partial<Record<ContactField, RegExp>>> = {
  NAME: /^(?:full_?|your_?|contact_?)?name$/i,
  COMPANY: /^(?:company|organi[sz]ation|employer|business)(?:_?name)?$/i,
}
const FIRST_NAME = /^(?:first|given)_?name$/i
const LAST_NAME = /^(?:last|family|sur)_?name$/i

/** What the answers say about the person: texts to fill a contact with, and only what was answered. */
export interface StatedContact {
  readonly name?: string
  readonly email?: string
  readonly phone?: string
  readonly companyName?: string
}

/**
 * Reads the contact out of the answers: the fields that name a `contactField`, else the first e-mail and phone field and
 * the fields with the usual keys (`name`, or `first_name` and `last_name`; `company`).
 */
export function statedContact(definition: Pick<FormDefinition, 'fields'>, answers: Answers): StatedContact {
  const facts: { name?: string; email?: string; phone?: string; companyName?: string } = {}
  for (const target of CONTACT_FIELDS) {
    const text = textAnswer(answers, fieldFor(definition.fields, target)?.key)
    if (text !== undefined) facts[MEMBERS[target]] = text
  }
  if (facts.name === undefined && !definition.fields.some((field) => field.contactField === 'NAME')) {
    const parts = [FIRST_NAME, LAST_NAME].map((pattern) =>
      textAnswer(answers, definition.fields.find((field) => pattern.test(field.key))?.key),
    )
    const name = parts.filter((part) => part !== undefined).join(' ')
    if (name !== '') facts.name = name
  }
  return facts
}

const MEMBERS = { NAME: 'name', EMAIL: 'email', PHONE: 'phone', COMPANY: 'companyName' } as const

function fieldFor(fields: readonly FormField[], target: ContactField): FormField | undefined {
  const named = fields.find((field) => field.contactField === target)
  if (named !== undefined) return named
  const free = fields.filter((field) => field.contactField === undefined)
  const usual = USUAL_KEYS[target]
  return usual === undefined
    ? free.find((field) => field.kind === target)
    : free.find((field) => field.kind === 'TEXT' && usual.test(field.key))
}

function textAnswer(answers: Answers, key: string | undefined): string | undefined {
  const value = key === undefined ? undefined : answers[key]
  return typeof value === 'string' ? value : undefined
}

/** An answer as a table shows it: option labels instead of values, money with its currency, yes and no. */
export function answerText(field: FormField, value: AnswerValue): string {
  if (typeof value === 'boolean') return value ? 'Yes' : 'No'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return field.kind === 'SELECT' ? optionLabel(field, value) : value
  if ('amount' in value) return moneyText({ micros: parseMicros(value.amount) ?? 0n, currency: value.currency })
  return value.map((each) => optionLabel(field, each)).join(', ')
}

const optionLabel = (field: FormField, value: string): string =>
  field.options?.find((option) => option.value === value)?.label ?? value
