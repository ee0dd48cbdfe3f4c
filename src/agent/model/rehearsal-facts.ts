import type { BriefAnswer, BriefSubmission } from './brief-block.ts'
import { isGiven, numberOf } from './criteria.ts'

/** What the answers literally say about the person, and what they ask for. Nothing here is inferred or completed. */
export interface Facts {
  /** Of the contact, and not known to us before. */
  readonly missing: { readonly name?: string; readonly phone?: string; readonly company?: string }
  readonly name: string | null
  readonly company: string | null
  readonly amount: { readonly amount: string; readonly currency: string } | null
  /** An answer asks to be called, met or written to, and none forbids mail. */
  readonly wantsContact: boolean
  readonly forbidsMail: boolean
  /** How people would call this lead: company, else person, else address, else the form. */
  readonly subject: string
}

const NAME = /^(name|full name|your name|contact name)$/
const FIRST_NAME = /^(first name|given name|forename)$/
const LAST_NAME = /^(last name|family name|surname)$/
const COMPANY = /^(company|company name|your company|organi[sz]ation|employer|business)$/
const PHONE = /^(phone|phone number|mobile|telephone|tel|cell)$/
const BUDGET = /\b(budget|amount|deal size)\b/
const ASKS = /\b(call|callback|contact|reach|demo|meeting|talk)\b/
const NO_ASK = /\b(newsletter|marketing|privacy|terms|updates)\b/
const FORBIDS = /\b(do not|don t|dont|no) (e ?mail|mail|contact)\b/

export function readFacts(submission: BriefSubmission): Facts {
  const answers = submission.answers.filter((answer) => isGiven(answer.value))
  const textFor = (pattern: RegExp) => oneLine(answers.find((answer) => pattern.test(words(answer.key)))?.text)

  const stated = textFor(NAME) ?? joined(textFor(FIRST_NAME), textFor(LAST_NAME))
  const statedCompany = textFor(COMPANY)
  const phone = oneLine(answers.find((answer) => answer.type.toUpperCase() === 'PHONE')?.text) ?? textFor(PHONE)
  const { contact } = submission
  const name = contact?.name ?? stated
  const company = contact?.company ?? statedCompany
  const forbidsMail = answers.some((answer) => isYes(answer) && FORBIDS.test(bothWords(answer)))

  return {
    missing: {
      ...(stated !== null && !contact?.name ? { name: stated } : {}),
      ...(phone !== null && !contact?.phone ? { phone } : {}),
      ...(statedCompany !== null && !contact?.company ? { company: statedCompany } : {}),
    },
    name,
    company,
    amount: readAmount(answers, submission.pipeline?.currency ?? null),
    wantsContact: !forbidsMail && answers.some(asksForContact),
    forbidsMail,
    subject: company ?? name ?? contact?.email ?? `a submission of ${submission.form.name}`,
  }
}

/** Money somebody named. Without a currency it is no amount. */
function readAmount(answers: readonly BriefAnswer[], currency: string | null): Facts['amount'] {
  const isMoney = (answer: BriefAnswer) => ['CURRENCY', 'MONEY'].includes(answer.type.toUpperCase())
  const answer =
    answers.find((each) => isMoney(each)) ??
    answers.find((each) => each.type.toUpperCase() === 'NUMBER' && BUDGET.test(bothWords(each)))
  const amount = answer === undefined ? null : numberOf(answer.value)
  if (answer === undefined || amount === null || amount <= 0) return null
  const { value } = answer
  const own = typeof value === 'object' && value !== null && 'currency' in value ? value.currency : null
  const code = typeof own === 'string' ? own : currency
  return code === null ? null : { amount: String(amount), currency: code }
}

function asksForContact(answer: BriefAnswer): boolean {
  const text = bothWords(answer)
  return isYes(answer) && ASKS.test(text) && !NO_ASK.test(text) && !FORBIDS.test(text)
}

const isYes = (answer: BriefAnswer): boolean =>
  answer.value === true || (typeof answer.value === 'string' && /^(yes|true|1)$/i.test(answer.value.trim()))

const bothWords = (answer: BriefAnswer): string => `${words(answer.key)} ${words(answer.label)}`

/** `wantsCall`, `wants_call` and `Wants call?` read the same. */
const words = (text: string): string =>
  text
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()

const joined = (first: string | null, last: string | null): string | null =>
  first !== null && last !== null ? `${first} ${last}` : null

/** A stranger's text for a name or a subject line: no line breaks, no control characters, not endless. */
function oneLine(text: string | undefined): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be removed
  const plain = (text ?? '').replace(/[\s\u0000-\u001f\u007f]+/g, ' ').trim()
  return plain === '' ? null : plain.slice(0, 120)
}
