import type { BriefAnswer, BriefCondition, BriefCriteria } from './brief-block.ts'

/** From this share of the threshold on, and below the threshold, a person is asked: 0.4 of the usual 0.6. */
const UNSURE_FROM = 2 / 3

export interface Verdict {
  /** Share of the conditions' weight that is met, 0 to 1, rounded to hundredths. */
  readonly fit: number
  readonly qualified: boolean
  /** Neither clearly good nor clearly bad, or there was nothing to go by. */
  readonly unsure: boolean
  /** One sentence per condition, for people. */
  readonly reasons: readonly string[]
}

/** Holds the answers against the typed conditions. A condition on an unanswered field is not met, `absent` aside. */
export function evaluateCriteria(criteria: BriefCriteria, answers: readonly BriefAnswer[]): Verdict {
  const { conditions, threshold } = criteria
  if (conditions.length === 0) {
    const reason = 'The form has no typed criteria, so a person has to judge.'
    return { fit: 0.5, qualified: false, unsure: true, reasons: [reason] }
  }
  const byKey = new Map(answers.map((answer) => [answer.key, answer]))
  let met = 0
  let total = 0
  const reasons: string[] = []
  for (const condition of conditions) {
    const answer = byKey.get(condition.field)
    const holds = isMet(condition, answer)
    total += condition.weight
    if (holds) met += condition.weight
    reasons.push(reasonOf(condition, answer, holds))
  }
  const fit = Math.round((met / total) * 100) / 100
  const qualified = fit >= threshold
  return { fit, qualified, unsure: !qualified && fit >= threshold * UNSURE_FROM, reasons }
}

function isMet(condition: BriefCondition, answer: BriefAnswer | undefined): boolean {
  const value = answer?.value
  const given = answer !== undefined && isGiven(value)
  if (condition.op === 'present') return given
  if (condition.op === 'absent') return !given
  if (!given) return false
  const wanted = condition.value
  switch (condition.op) {
    case 'eq':
      return listOf(value).some((each) => isSame(each, wanted))
    case 'not':
      return !listOf(value).some((each) => isSame(each, wanted))
    case 'in':
      return listOf(value).some((each) => listOf(wanted).some((one) => isSame(each, one)))
    case 'contains':
      return Array.isArray(value)
        ? value.some((each) => isSame(each, wanted))
        : fold(scalarOf(value)).includes(fold(scalarOf(wanted)))
    case 'gt':
      return compare(value, wanted, (order) => order > 0)
    case 'gte':
      return compare(value, wanted, (order) => order >= 0)
    case 'lt':
      return compare(value, wanted, (order) => order < 0)
    case 'lte':
      return compare(value, wanted, (order) => order <= 0)
  }
}

/** An unticked box is an answer; an empty text or list is none. */
export const isGiven = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0)

/** A number, a numeric text, or the amount of a sum of money. */
export function numberOf(value: unknown): number | null {
  const plain = scalarOf(value)
  if (typeof plain === 'number') return Number.isFinite(plain) ? plain : null
  return typeof plain === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(plain) ? Number(plain) : null
}

function isSame(a: unknown, b: unknown): boolean {
  const [x, y] = [numberOf(a), numberOf(b)]
  return x !== null && y !== null ? x === y : fold(scalarOf(a)) === fold(scalarOf(b))
}

/** Numbers by size, texts (ISO dates among them) by their order; what cannot be compared does not hold. */
function compare(a: unknown, b: unknown, holds: (order: number) => boolean): boolean {
  const [x, y] = [numberOf(a), numberOf(b)]
  if (x !== null && y !== null) return holds(x - y)
  if (typeof a !== 'string' || typeof b !== 'string' || x !== null || y !== null) return false
  return holds(a === b ? 0 : a < b ? -1 : 1)
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])

const scalarOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'amount' in value ? value.amount : value

const fold = (value: unknown): string => {
  if (value === true) return 'yes'
  if (value === false) return 'no'
  const text = String(value).trim().toLowerCase()
  return text === 'true' ? 'yes' : text === 'false' ? 'no' : text
}

const WORDS: Readonly<Record<BriefCondition['op'], string>> = {
  eq: '',
  not: 'other than',
  in: 'one of',
  gt: 'more than',
  gte: 'at least',
  lt: 'less than',
  lte: 'at most',
  contains: 'something with',
  present: 'an answer',
  absent: 'no answer',
}

/** `Team size: 40, at least 20 was wanted and is met.` */
function reasonOf(condition: BriefCondition, answer: BriefAnswer | undefined, holds: boolean): string {
  const name = condition.label || answer?.label || condition.field
  const said = answer !== undefined && isGiven(answer.value) ? shorten(answer.text) : 'not answered'
  const target = [WORDS[condition.op], wordsOf(condition.value)].filter((word) => word !== '').join(' ')
  return `${name}: ${said}; wanted ${target}: ${holds ? 'met' : 'not met'}.`
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 6 })

function wordsOf(value: unknown): string {
  if (!isGiven(value)) return ''
  if (Array.isArray(value)) return value.map(wordsOf).join(', ')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') return grouped.format(value)
  return String(scalarOf(value))
}

const shorten = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}
