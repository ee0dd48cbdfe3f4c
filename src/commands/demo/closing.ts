// What the demo says at its end, for a person or for a program; both say the same.

import { loadPrices } from '../../agent/model/prices.ts'
import { oneLine, seconds, wholeNumber } from '../terminal-text.ts'
import type { Lead } from './lead.ts'
import type { Outcomes } from './outcomes.ts'
import type { Comparison } from './own-server.ts'
import type { Sent } from './send-leads.ts'

export interface Closing {
  readonly sent: readonly Sent[]
  readonly outcomes: Outcomes
  readonly sentAfterMs: number
  readonly workedAfterMs: number
  /** Where it goes on: the deals in GraphiQL, what waits on the start page; null when the server is gone by then. */
  readonly links: { readonly deals: string; readonly waiting: string } | null
  /** Of a demo that killed its server. */
  readonly killed: (Comparison & { readonly takenOver: number; readonly dealsInAll: number }) | null
}

/** Whether every lead sent has exactly one end, and nothing was lost or doubled on the way. */
export function isComplete({ outcomes, killed }: Closing): boolean {
  return outcomes.unaccounted.length === 0 && outcomes.open === 0 && (killed === null || isSame(killed, outcomes))
}

const isSame = (killed: NonNullable<Closing['killed']>, { deals }: Outcomes): boolean =>
  killed.missing === 0 && killed.twice === 0 && killed.inOrder && killed.dealsInAll === deals

interface Figures {
  readonly accepted: number
  readonly replayed: number
  readonly refused: ReadonlyMap<string, readonly Lead[]>
  readonly accountedFor: number
  readonly costUsd: number
  /** What a model would have cost, at its published price for what the rules read and wrote; null where that is unknown. */
  readonly asLiveUsd: number | null
}

function figuresOf({ sent, outcomes }: Closing): Figures {
  const accepted = sent.filter((one) => one.accepted).length
  const refused = new Map<string, Lead[]>()
  for (const one of sent) {
    if (one.accepted) continue
    const reason = one.reason ?? `HTTP ${one.status}`
    const others = refused.get(reason)
    if (others === undefined) refused.set(reason, [one.lead])
    else others.push(one.lead)
  }
  const settled = outcomes.finished + outcomes.waiting + outcomes.ended
  return {
    accepted,
    replayed: sent.filter((one) => one.replayed).length,
    refused,
    accountedFor: sent.length - accepted + settled,
    costUsd: Number(outcomes.costMicros) / 1_000_000,
    asLiveUsd: asLiveUsd(outcomes),
  }
}

function asLiveUsd({ rehearsed }: Outcomes): number | null {
  const prices = loadPrices()
  let micros = 0n
  for (const [model, usage] of rehearsed) {
    if (!prices.has(model)) return null
    micros += prices.costMicros(usage, model)
  }
  return rehearsed.size === 0 ? null : Number(micros) / 1_000_000
}

/** One object, on one line. */
export function closingJson(closing: Closing): string {
  const { sent, outcomes, sentAfterMs, workedAfterMs, killed } = closing
  const { refused, ...figures } = figuresOf(closing)
  const { contacts, deals, runs, finished, waiting, ended, open, rehearsal, unaccounted } = outcomes
  return JSON.stringify({
    complete: isComplete(closing),
    leads: {
      sent: sent.length,
      accepted: figures.accepted,
      replayed: figures.replayed,
      refused: sent.length - figures.accepted,
    },
    refusedBecause: Object.fromEntries([...refused].map(([reason, leads]) => [reason, leads.length])),
    accountedFor: figures.accountedFor,
    unaccounted,
    contacts,
    deals,
    runs: { all: runs, finished, waiting, ended, open },
    sentAfterMs: Math.round(sentAfterMs),
    workedAfterMs: Math.round(workedAfterMs),
    rehearsal,
    costUsd: figures.costUsd,
    asLiveUsd: figures.asLiveUsd,
    ...(killed === null ? {} : { killed }),
  })
}

type Cell = readonly [label: string, value: string]
const NAMED = 20

/** The table, and whether everything is accounted for. */
export function closingText(closing: Closing): string {
  const { sent, outcomes, sentAfterMs, workedAfterMs, killed, links } = closing
  const figures = figuresOf(closing)
  const { accepted, refused, replayed, accountedFor } = figures
  const settled = outcomes.finished + outcomes.waiting
  const left: Cell[] = [
    ['accepted', wholeNumber(accepted)],
    ...(replayed > 0 ? [['  sent before', wholeNumber(replayed)] as const] : []),
    ['refused', wholeNumber(sent.length - accepted)],
  ]
  const middle: Cell[] = [
    ['contacts', `${wholeNumber(outcomes.contacts.new)} new, ${wholeNumber(outcomes.contacts.known)} known`],
    ['deals', wholeNumber(outcomes.deals)],
    ['runs', `${wholeNumber(outcomes.finished)} finished`],
  ]
  if (outcomes.ended > 0) middle.push(['', `${wholeNumber(outcomes.ended)} ended otherwise`])
  if (outcomes.open > 0) middle.push(['', `${wholeNumber(outcomes.open)} still open`])
  if (outcomes.runs === accepted && accepted > 0) middle.push(['', 'each exactly once'])
  const right: Cell[] = [
    ['waiting for you', wholeNumber(outcomes.waiting)],
    ['cost', `$${figures.costUsd.toFixed(2)}`],
  ]
  if (figures.asLiveUsd !== null) right.push(['on Claude, about', `$${figures.asLiveUsd.toFixed(2)}`])
  const lines = [
    '',
    `  Sent ${wholeNumber(sent.length)} in ${seconds(sentAfterMs)} (${perSecond(sent.length, sentAfterMs)}/s), ` +
      `all worked after ${seconds(workedAfterMs)}    ${perSecond(settled, workedAfterMs)} runs/s`,
    '',
    ...sideBySide(left, middle, right),
    ...[...refused].map(([reason, leads]) => refusedLine(reason, leads)),
    '',
    ...(killed === null ? [] : [...killedLines(killed, outcomes, accepted), '']),
    `  ${wholeNumber(accountedFor)} of ${wholeNumber(sent.length)} accounted for.` +
      (isComplete(closing) ? ' Nothing lost, nothing twice.' : ''),
    ...outcomes.unaccounted.slice(0, NAMED).map((line) => `  ✖ ${line}`),
    ...(outcomes.unaccounted.length > NAMED ? [`  ✖ and ${outcomes.unaccounted.length - NAMED} more`] : []),
  ]
  if (links !== null) {
    lines.push('', `  Look:    ${links.deals}`)
    if (outcomes.waiting > 0) lines.push(`  Decide:  ${links.waiting}`)
  }
  return `${lines.join('\n')}\n`
}

function refusedLine(reason: string, leads: readonly Lead[]): string {
  // Many are sent at once, so who was refused first need not stand first in the file.
  const [first] = leads.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
  const where = first?.line === undefined ? '' : `, line ${first.line}`
  const named = first === undefined ? '' : ` (${leads.length > 1 ? 'first ' : ''}${oneLine(first.label, 30)}${where})`
  return `    ${wholeNumber(leads.length).padStart(6)}  refused: ${oneLine(reason, 90)}${named}`
}

function killedLines(killed: NonNullable<Closing['killed']>, outcomes: Outcomes, accepted: number): string[] {
  const doubled = killed.dealsInAll - outcomes.deals
  const order = killed.inOrder ? 'in order' : 'NOT in order'
  return [
    `  accepted ${wholeNumber(accepted)} = ${wholeNumber(outcomes.finished + outcomes.waiting)} finished or waiting for you, ` +
      `each exactly once · deals ${wholeNumber(killed.dealsInAll)}, ${doubled === 0 ? 'none' : doubled} twice`,
    `  ${wholeNumber(killed.takenOver)} runs taken over · watcher: ${wholeNumber(killed.events)} events, ` +
      `${killed.missing} missing, ${killed.twice} twice, ${order} (compared with the log)`,
  ]
}

const perSecond = (count: number, ms: number): string => (ms === 0 ? '–' : (count / (ms / 1_000)).toFixed(1))

function sideBySide(left: readonly Cell[], middle: readonly Cell[], right: readonly Cell[]): string[] {
  const cell = ([label, value]: Cell, labelWidth: number, valueWidth: number) =>
    `${label.padEnd(labelWidth)}${value.padStart(valueWidth)}`
  const none: Cell = ['', '']
  const rows = Math.max(left.length, middle.length, right.length)
  return Array.from({ length: rows }, (_, row) =>
    `  ${cell(left[row] ?? none, 16, 6)}     ${cell(middle[row] ?? none, 10, 20)}     ${cell(right[row] ?? none, 18, 8)}`.trimEnd(),
  )
}
