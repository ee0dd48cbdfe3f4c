import type { BriefBlock, BriefSubmission } from './brief-block.ts'
import { isGiven, type Verdict } from './criteria.ts'
import type { Facts } from './rehearsal-facts.ts'
import type { Act } from './rehearsal-history.ts'

/** What the rehearsal writes, from facts alone. */

export interface InboxDraft {
  readonly priority: 'NORMAL' | 'HIGH'
  readonly subject: string
  readonly blocks: readonly object[]
  readonly text: string
}

export function draftInboxMessage(submission: BriefSubmission, facts: Facts, verdict: Verdict): InboxDraft {
  const fit = percent(verdict.fit)
  const from = `${capital(facts.subject)} came in through ${submission.form.name}`
  const text = verdict.qualified
    ? `${from} and meets the criteria (fit ${fit}). ${dealSentence(facts)}`
    : `${from}. The criteria do not settle it (fit ${fit}), so I go no further. To take it on, record your judgement ` +
      'with qualifySubmission and open a deal with createDeal.'
  return {
    priority: verdict.qualified ? 'NORMAL' : 'HIGH',
    subject: verdict.qualified
      ? `Qualified: ${facts.subject} (fit ${fit})`
      : `Not clear-cut: ${facts.subject} (fit ${fit})`,
    blocks: [
      { type: 'text', kind: 'text', text },
      { type: 'list', kind: 'list', title: 'Why', items: verdict.reasons },
      { type: 'link', kind: 'link', label: 'What was sent', node: submission.id },
    ],
    text: [text, ...verdict.reasons].join('\n'),
  }
}

const dealSentence = (facts: Facts): string =>
  facts.amount === null
    ? 'I am opening a deal for it.'
    : `I am opening a deal for it over ${facts.amount.amount} ${facts.amount.currency}.`

const NOT_REPEATED = new Set(['EMAIL', 'PHONE', 'CONSENT', 'CHECKBOX', 'HIDDEN', 'FILE'])

export function draftEmail(brief: BriefBlock, submission: BriefSubmission, facts: Facts) {
  const said = submission.answers
    .filter((answer) => isGiven(answer.value) && !NOT_REPEATED.has(answer.type.toUpperCase()))
    .filter((answer) => answer.text.length <= 120 && answer.text !== facts.name)
    .slice(0, 5)
    .map((answer) => `- ${answer.label}: ${answer.text}`)
  const request = facts.wantsContact
    ? 'You asked us to get in touch: when would suit you?'
    : 'We would like to talk with you about it: when would suit you?'
  const lines = [
    facts.name === null ? 'Hello,' : `Hello ${facts.name},`,
    '',
    `thank you for writing to us through "${submission.form.name}". ${request}`,
    ...(said.length === 0 ? [] : ['', 'This is what you told us:', ...said]),
    '',
    'Best regards',
    ...(brief.employee === undefined ? [] : [brief.employee.name]),
  ]
  const subject = facts.name === null ? submission.form.name : `${submission.form.name}: thank you, ${facts.name}`
  return { subject, body: lines.join('\n') }
}

/** One or two sentences: the judgement, and what was and was not done. */
export function summarise(facts: Facts, verdict: Verdict, acts: readonly Act[], impossible: readonly string[]): string {
  const judgement = verdict.qualified ? 'is qualified' : verdict.unsure ? 'is not clear-cut' : 'does not qualify'
  const last = new Map(acts.map((act) => [act.tool, act]))
  const parts = [...last.values()]
    .map(describe)
    .concat(impossible.map((tool) => `${name(tool)} could not be filled in`))
  const done = parts.length === 0 ? 'Nothing else was done.' : `${capital(parts.join('; '))}.`
  return `${capital(facts.subject)} ${judgement} (fit ${percent(verdict.fit)}). ${done}`
}

const DONE: Readonly<Record<string, string>> = {
  qualify_submission: 'the judgement is recorded',
  update_contact: 'the contact is completed',
  open_deal: 'a deal is open',
  send_inbox_message: 'the team has a message',
  send_email: 'an e-mail is sent',
}

function describe(act: Act): string {
  const because = act.reason === '' ? '' : ` (${act.reason})`
  switch (act.state) {
    case 'DONE':
      return DONE[act.tool] ?? `${name(act.tool)} is done`
    case 'WAITING':
      return `${name(act.tool)} waits for approval`
    case 'REJECTED':
      return `${name(act.tool)} was not allowed${because}`
    case 'FAILED':
      return `${name(act.tool)} failed${because}`
  }
}

const name = (tool: string): string => tool.replaceAll('_', ' ')

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const percent = (fit: number): string => fit.toFixed(2)
