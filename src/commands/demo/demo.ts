// npm run demo: sends leads through the public form and shows the employees at work, then accounts for every lead.

import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRequester, type Requester } from '../../client/request.ts'
import type { Config } from '../../config.ts'
import { StartFault } from '../../platform/lib/start-fault.ts'
import { DEMO_FORM_PATH, demoKeyFile, readDemoKey } from '../seed.ts'
import { type ColumnMapping, csvLeads } from './csv-leads.ts'
import { DemoEnds, DemoStart, DemoStory } from './documents.ts'
import type { FieldDescription, Lead } from './lead.ts'
import { accountFor, type Outcomes } from './outcomes.ts'
import { ProgressBar } from './progress-bar.ts'
import { sampleLeads } from './sample-leads.ts'
import { describeForm, type Sent, sendLeads } from './send-leads.ts'
import { watch } from './watcher.ts'

export interface DemoOptions {
  readonly leads: number
  readonly csv?: string
  readonly url?: string
  readonly concurrency: number
}

/** Up to this many leads each gets its sentences on the screen; beyond it the bar says enough. */
const MAX_TOLD = 100
const PATIENCE_MS = 5 * 60_000
const QUIET_MS = 60_000

/** Runs the demo against a running server; exit code 1 when a lead is unaccounted for. Throws a StartFault without a server. */
export async function demo(config: Config, options: DemoOptions): Promise<void> {
  const base = (options.url ?? `http://localhost:${config.http.port}`).replace(/(?<!\/)\/+$/, '')
  const formUrl = `${base}${DEMO_FORM_PATH}`
  const key = keyOf(config)
  const request = createRequester({ url: `${base}/graphql`, token: key })
  const form = await describeForm(formUrl).catch((cause: unknown) => {
    throw new StartFault(
      `No Cadre with the demo form answers at ${base}.`,
      'Start one in another terminal: npm start',
      cause,
    )
  })
  if (options.csv !== undefined && !existsSync(options.csv)) throw new StartFault(`There is no file ${options.csv}.`)
  const { cursor } = await request(DemoStart)
  const out = process.stdout
  out.write(`\n  ${options.csv ?? `${options.leads} leads`} through ${formUrl}\n\n`)
  const told = options.csv === undefined && options.leads <= MAX_TOLD
  const bar = new ProgressBar(out, options.csv === undefined ? options.leads : null)
  const progress = { settled: 0, sent: [] as Sent[], lastAt: performance.now() }
  const startedAt = performance.now()
  const draw = (): void => {
    const perSecond = progress.settled / ((performance.now() - startedAt) / 1_000)
    bar.draw(
      progress.settled,
      sendingEnded ? accepted(progress.sent).length : null,
      `${progress.sent.length} sent · ${perSecond.toFixed(0)} worked/s`,
    )
  }
  let sendingEnded = false
  const settle = (type: string): void => {
    if (type === 'RUN_FINISHED' || type === 'RUN_WAITING') progress.settled++
    progress.lastAt = performance.now()
    draw()
  }
  const watcher = told
    ? watch({
        url: `${base}/graphql`,
        key,
        document: DemoStory,
        after: cursor,
        onItem: ({ events }) => {
          bar.above(`  ${events.occurredAt.slice(11, 19)}  ${events.summary}`)
          settle(events.type)
        },
      })
    : watch({
        url: `${base}/graphql`,
        key,
        document: DemoEnds,
        after: cursor,
        onItem: ({ events }) => settle(events.type),
      })
  try {
    await sendLeads(
      leadsOf(options, form.fields, (mapping) => showMapping(mapping, out)),
      {
        formUrl,
        concurrency: options.concurrency,
        patienceMs: PATIENCE_MS,
        onSent: (sent) => {
          progress.sent.push(sent)
          // A lead that was there before was worked before: the stream has nothing to tell of it.
          if (sent.replayed) progress.settled++
          draw()
        },
      },
    )
    sendingEnded = true
    const sentAfterMs = performance.now() - startedAt
    const outcomes = await untilWorked(accepted(progress.sent), request, progress, draw)
    const workedAfterMs = Math.max(progress.lastAt - startedAt, sentAfterMs)
    bar.end()
    showTable({ sent: progress.sent, outcomes, sentAfterMs, workedAfterMs }, out)
    if (outcomes.unaccounted.length > 0 || outcomes.open > 0) process.exitCode = 1
  } finally {
    watcher.stop()
  }
}

function keyOf(config: Config): string {
  if (existsSync(demoKeyFile(config.dir))) return readDemoKey(config.dir)
  throw new StartFault(
    `There is no demo key in ${demoKeyFile(config.dir)}.`,
    'npm start makes the demo workspace and its key.',
  )
}

const accepted = (sent: readonly Sent[]): readonly string[] =>
  sent.filter((one) => one.accepted).map(({ lead }) => lead.id)

const leadsOf = (
  { csv, leads }: DemoOptions,
  fields: readonly FieldDescription[],
  onMapping: (mapping: ColumnMapping) => void,
): AsyncIterable<Lead> | Iterable<Lead> => (csv === undefined ? sampleLeads(leads) : csvLeads(csv, fields, onMapping))

/** Waits for the stream to have told of every lead, then reads the account; reads again while runs are still open. */
async function untilWorked(
  ids: readonly string[],
  request: Requester,
  progress: { settled: number; lastAt: number },
  draw: () => void,
): Promise<Outcomes> {
  for (;;) {
    while (progress.settled < ids.length && performance.now() - progress.lastAt < QUIET_MS) await sleep(50)
    draw()
    const outcomes = await accountFor(ids, request)
    if (outcomes.open === 0 || performance.now() - progress.lastAt >= QUIET_MS) return outcomes
    await sleep(500)
  }
}

function showMapping({ id, fields, rest, longText }: ColumnMapping, out: NodeJS.WriteStream): void {
  const lines = [...fields].map(([column, field]) => `${column} → ${field.label}`)
  if (id !== null) lines.unshift(`${id} → the submission's id`)
  if (rest.length > 0 && longText !== null) lines.push(`${rest.length} other columns → lines of “${longText.label}”`)
  out.write(`${lines.map((line) => `  ${line}`).join('\n')}\n\n`)
}

interface Closing {
  readonly sent: readonly Sent[]
  readonly outcomes: Outcomes
  readonly sentAfterMs: number
  readonly workedAfterMs: number
}

function showTable({ sent, outcomes, sentAfterMs, workedAfterMs }: Closing, out: NodeJS.WriteStream): void {
  const took = sent.filter((one) => one.accepted).length
  const refused = new Map<string, number>()
  for (const one of sent) {
    if (!one.accepted)
      refused.set(one.reason ?? `HTTP ${one.status}`, (refused.get(one.reason ?? `HTTP ${one.status}`) ?? 0) + 1)
  }
  const replayed = sent.filter((one) => one.replayed).length
  const perSecond = (count: number, ms: number): string => (ms === 0 ? '–' : (count / (ms / 1_000)).toFixed(1))
  const rows: [string, string][] = [
    ['accepted', `${took}${replayed > 0 ? ` (${replayed} were there before)` : ''}`],
    ...[...refused].map(([reason, count]): [string, string] => [`refused: ${reason}`, String(count)]),
    ['contacts', String(outcomes.contacts)],
    ['runs', `${outcomes.runs}`],
    ['  finished', String(outcomes.finished)],
    ['  waiting for an approval', String(outcomes.waiting)],
    ...(outcomes.ended > 0 ? [['  ended otherwise', String(outcomes.ended)] as [string, string]] : []),
    ...(outcomes.open > 0 ? [['  still open', String(outcomes.open)] as [string, string]] : []),
    ['deals', String(outcomes.deals)],
    ['cost', `$${(Number(outcomes.costMicros) / 1_000_000).toFixed(2)}${outcomes.rehearsal ? ' (rehearsal)' : ''}`],
  ]
  out.write(
    `\n  Sent ${sent.length} in ${(sentAfterMs / 1_000).toFixed(1)} s (${perSecond(sent.length, sentAfterMs)}/s), all worked after ` +
      `${(workedAfterMs / 1_000).toFixed(1)} s: ${perSecond(outcomes.finished + outcomes.waiting, workedAfterMs)} leads/s to a finished run\n\n`,
  )
  for (const [label, text] of rows) out.write(`  ${label.padEnd(28)}${text.padStart(8)}\n`)
  const settled = outcomes.finished + outcomes.waiting + outcomes.ended
  out.write(`\n  ${settled + sent.length - took} of ${sent.length} accounted for.`)
  if (outcomes.unaccounted.length === 0 && outcomes.open === 0) out.write(' Nothing lost, nothing twice.')
  for (const line of outcomes.unaccounted.slice(0, 20)) out.write(`\n  ✖ ${line}`)
  out.write('\n')
}
