import { fractionDigits } from '../../platform/lib/currency.ts'
import type { IssueCode } from '../../platform/lib/errors.ts'
import { formatMicros, parseMicros } from '../../platform/lib/money.ts'
import { normaliseEmail, normalisePhone } from '../contacts/model.ts'
import type { FormField } from './field.ts'

/** An answer as it is stored: money as a decimal amount with its currency, a date as `YYYY-MM-DD`. */
export type AnswerValue = string | number | boolean | readonly string[] | MoneyAnswer

export interface MoneyAnswer {
  /** Plain decimal, two to six places: `5000.00`. */
  readonly amount: string
  readonly currency: string
}

/** `unanswered` is not an error by itself: whether it may be left out is the form's decision. */
export type ParsedValue =
  | { readonly value: AnswerValue }
  | { readonly unanswered: true }
  | { readonly code: IssueCode; readonly message: string }

export const isAnswer = (parsed: ParsedValue): parsed is { readonly value: AnswerValue } => 'value' in parsed

const UNANSWERED: ParsedValue = { unanswered: true }
const wrong = (code: IssueCode, message: string): ParsedValue => ({ code, message })

/**
 * One answer from what a caller sent: a JSON value, or the text or texts of a form-encoded field. The result is either
 * an answer that the field allows or what is wrong with it; what was parsed once parses to itself again.
 */
export function parseFieldValue(field: FormField, raw: unknown): ParsedValue {
  if (field.kind === 'CHECKBOX' || field.kind === 'CONSENT') return parseTick(raw)
  if (field.kind === 'MULTI_SELECT') return parseChoices(field, raw)
  if (raw === undefined || raw === null) return UNANSWERED
  if (typeof raw === 'string' && raw.trim() === '') return UNANSWERED
  switch (field.kind) {
    case 'TEXT':
    case 'HIDDEN':
      return parseText(field, raw, 1_000, oneLine)
    case 'LONG_TEXT':
      return parseText(field, raw, 10_000, (text) => text.replace(/\r\n?/g, '\n'))
    case 'EMAIL':
      return parseEmail(raw)
    case 'PHONE':
      return parsePhone(raw)
    case 'URL':
      return parseUrl(field, raw)
    case 'NUMBER':
      return parseNumber(field, raw)
    case 'CURRENCY':
      return parseMoney(field, raw)
    case 'SELECT':
      return parseChoice(field, raw)
    case 'DATE':
      return parseDate(raw)
  }
}

const oneLine = (text: string): string => text.replace(/[\r\n\t]+/g, ' ')

// Neither can be stored as JSON in PostgreSQL (NUL, half a surrogate pair) nor means anything to a reader (the rest).
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be found
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|\p{Surrogate}/u

/**
 * More marks on one letter than Stream-Safe text has (UAX #15), where no language has ten. Composing them takes the square of
 * their number.
 */
const OVERLOADED = /\p{M}{31}/u

/** The text, composed and trimmed, or why it is none. */
function textOf(raw: unknown): string | ParsedValue {
  if (typeof raw !== 'string') return wrong('INVALID_FORMAT', 'This must be a text.')
  if (UNPRINTABLE.test(raw)) return wrong('INVALID_FORMAT', 'This contains characters that cannot be shown.')
  if (OVERLOADED.test(raw)) return wrong('INVALID_FORMAT', 'A letter here has more than 30 marks.')
  return raw.normalize('NFC').trim()
}

function parseText(field: FormField, raw: unknown, longest: number, normalise: (text: string) => string): ParsedValue {
  const text = textOf(raw)
  if (typeof text !== 'string') return text
  const value = normalise(text).trim()
  if (value === '') return UNANSWERED
  return checkLength(field, value, longest) ?? { value }
}

function checkLength(field: FormField, value: string, longest: number): ParsedValue | null {
  const most = field.maxLength ?? longest
  if (value.length > most) return wrong('TOO_LONG', `At most ${most} characters are possible here.`)
  const least = field.minLength ?? 0
  if (value.length < least) return wrong('TOO_SHORT', `At least ${least} characters are needed here.`)
  return null
}

function parseEmail(raw: unknown): ParsedValue {
  const value = textOf(raw)
  if (typeof value !== 'string') return value
  if (value.length > 254) return wrong('TOO_LONG', 'An e-mail address has at most 254 characters.')
  return normaliseEmail(value) === undefined
    ? wrong('INVALID_FORMAT', 'This is not an e-mail address. It looks like name@example.com.')
    : { value }
}

function parsePhone(raw: unknown): ParsedValue {
  const text = textOf(raw)
  if (typeof text !== 'string') return text
  const value = text.length > 64 ? undefined : normalisePhone(text)
  return value === undefined
    ? wrong('INVALID_FORMAT', 'This is not a phone number with its country code, such as +49 30 901820.')
    : { value }
}

function parseUrl(field: FormField, raw: unknown): ParsedValue {
  const text = textOf(raw)
  if (typeof text !== 'string') return text
  const address = /^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`
  const url = URL.canParse(address) ? new URL(address) : null
  if (
    url === null ||
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    !/^(?:[^.]+\.)+[^.]{2,}$|^\[[0-9a-f:.]+\]$|^\d+(?:\.\d+){3}$|^localhost$/.test(url.hostname) ||
    url.username !== '' ||
    url.password !== ''
  ) {
    return wrong('INVALID_FORMAT', 'This is not a web address. It looks like https://example.com.')
  }
  return checkLength(field, url.href, 2_000) ?? { value: url.href }
}

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/
const MAX_NUMBER = 1e15

function parseNumber(field: FormField, raw: unknown): ParsedValue {
  const written = typeof raw === 'string' ? raw.trim() : raw
  const value = typeof written === 'string' && DECIMAL.test(written) ? Number(written) : written
  if (typeof value !== 'number' || !Number.isFinite(value)) return wrong('INVALID_FORMAT', 'This must be a number.')
  // -0 would become 0 when it is stored.
  return checkRange(field, value) ?? { value: value === 0 ? 0 : value }
}

function checkRange(field: FormField, value: number): ParsedValue | null {
  const most = field.max ?? MAX_NUMBER
  if (value > most) return wrong('TOO_LARGE', `At most ${most} is possible here.`)
  const least = field.min ?? (field.kind === 'CURRENCY' ? 0 : -MAX_NUMBER)
  if (value < least) return wrong('TOO_SMALL', `At least ${least} is needed here.`)
  return null
}

function parseMoney(field: FormField, raw: unknown): ParsedValue {
  const currency = field.currency ?? ''
  const { amount, stated } = moneyParts(raw)
  if (stated !== undefined && stated !== currency) return wrong('NOT_ALLOWED', `Amounts are in ${currency} here.`)
  const micros = typeof amount === 'number' || typeof amount === 'string' ? parseMicros(String(amount)) : undefined
  if (micros === undefined) return wrong('INVALID_FORMAT', 'This must be an amount of money, such as 5000 or 12.50.')
  // Half of Europe writes twenty thousand as 20.000: better asked again than taken for twenty.
  const most = Math.max(2, fractionDigits(currency))
  if ((/\.(\d*)$/.exec(String(amount).trim())?.[1]?.length ?? 0) > most) {
    return wrong(
      'INVALID_FORMAT',
      `At most ${most} digits follow the point, and nothing parts thousands: 20000 or 12.50.`,
    )
  }
  return checkRange(field, Number(micros) / 1e6) ?? { value: { amount: formatMicros(micros), currency } }
}

function moneyParts(raw: unknown): { readonly amount: unknown; readonly stated?: unknown } {
  if (typeof raw !== 'object' || raw === null) return { amount: raw }
  const { amount, currency, ...rest } = raw as Record<string, unknown>
  return Object.keys(rest).length > 0 ? { amount: undefined } : { amount, stated: currency }
}

function parseChoice(field: FormField, raw: unknown): ParsedValue {
  if (typeof raw !== 'string') return wrong('INVALID_FORMAT', 'This must be one of the options.')
  const value = raw.trim()
  return field.options?.some((option) => option.value === value)
    ? { value }
    : wrong('NOT_ALLOWED', 'This is none of the options.')
}

function parseChoices(field: FormField, raw: unknown): ParsedValue {
  if (raw === undefined || raw === null) return UNANSWERED
  const chosen = new Set<string>()
  for (const each of Array.isArray(raw) ? raw : [raw]) {
    if (typeof each === 'string' && each.trim() === '') continue
    const choice = parseChoice(field, each)
    if (!isAnswer(choice)) return choice
    chosen.add(choice.value as string)
  }
  if (chosen.size === 0) return UNANSWERED
  // In the order of the options, so that the same choice is the same answer.
  return { value: (field.options ?? []).map((option) => option.value).filter((value) => chosen.has(value)) }
}

const YES: ReadonlySet<unknown> = new Set([true, 'true', 'on', 'yes', '1'])
const NO: ReadonlySet<unknown> = new Set([false, undefined, null, '', 'false', 'off', 'no', '0'])

/** A box that was not sent is not ticked: a browser sends nothing for it. */
function parseTick(raw: unknown): ParsedValue {
  const word = typeof raw === 'string' ? raw.trim().toLowerCase() : raw
  if (YES.has(word)) return { value: true }
  return NO.has(word) ? { value: false } : wrong('INVALID_FORMAT', 'This must be true or false.')
}

function parseDate(raw: unknown): ParsedValue {
  const value = typeof raw === 'string' ? raw.trim() : ''
  const [, year = '', month = '', day = ''] = /^([1-9]\d{3})-(\d\d)-(\d\d)$/.exec(value) ?? []
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return year !== '' && date.toISOString().startsWith(value)
    ? { value }
    : wrong('INVALID_FORMAT', 'This must be a date, written YYYY-MM-DD.')
}
