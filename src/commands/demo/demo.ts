// npm run demo: sends leads through the public form and shows the employees at work, then accounts for every lead.

import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DemoTeamQuery } from '../../client/gql/graphql.ts'
import { createRequester, type Requester, RequestFailed } from '../../client/request.ts'
import type { Config } from '../../config.ts'
import { graphiqlLink } from '../../explorer/examples.ts'
import { StartFault } from '../../platform/lib/start-fault.ts'
import { DEMO_FORM_PATH, demoKeyFile, readDemoKey } from '../seed.ts'
import { oneLine, seconds, timeOfDay, wholeNumber } from '../terminal-text.ts'
import { type Closing, closingJson, closingText, isComplete } from './closing.ts'
import { type ColumnMapping, csvLeads, mappingText } from './csv-leads.ts'
import { DemoDeals, DemoEnds, DemoEverything, DemoInFlight, DemoStart, DemoStory, DemoTeam } from './documents.ts'
import type { FieldDescription, Lead } from './lead.ts'
import { compareWithLog, OwnServer } from './own-server.ts'
import { ProgressBar } from './progress-bar.ts'
import { sampleLeads } from './sample-leads.ts'
import { describeForm, type Sent, sendLeads } from './send-leads.ts'
import { PATIENCE_MS, type Progress, untilWorked, watchServer } from './until-worked.ts'
import { type Watcher, watch } from './watcher.ts'

export interface DemoOptions {
  readonly leads: number
  readonly csv?: string
  readonly url?: string
  readonly concurrency: number
  /** A server of the demo's own is killed in the middle and started again. */
  readonly kill?: boolean
  /** The closing account as one object, and nothing else. */
  readonly json?: boolean
}

/** Up to this many leads each gets its sentences on the screen; beyond it the bar says enough. */
const MAX_TOLD = 100
const TEAM_EVERY_MS = 1_000
/** How much of the work is done when the server is killed. */
const KILL_AT = 0.4

/** Runs the demo against a running server; exit code 1 when a lead is unaccounted for. Throws a StartFault without a server. */
export async function demo(config: Config, options: DemoOptions): Promise<void> {
  if (options.csv !== undefined && !existsSync(options.csv)) throw new StartFault(`There is no file ${options.csv}.`)
  if (options.kill !== true) {
    const base = (options.url ?? `http://localhost:${config.http.port}`).replace(/(?<!\/)\/+$/, '')
    return await run({ base, key: keyOf(config), options })
  }
  if (options.url !== undefined) {
    throw new StartFault('--kill has a server of its own, and never kills yours.', 'Leave --url out.')
  }
  if (options.json !== true) process.stdout.write("\n  Starting a server of the demo's own, to be killed …\n")
  const server = await OwnServer.start()
  const onSignal = (): void => void server.remove().finally(() => process.exit(130))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  try {
    await run({ base: server.url, key: readDemoKey(server.dir), options, server })
  } finally {
    await server.remove()
  }
}

interface Place {
  readonly base: string
  readonly key: string
  readonly options: DemoOptions
  /** To be killed. */
  readonly server?: OwnServer
}

async function run(place: Place): Promise<void> {
  const { base, key, options, server } = place
  const formUrl = `${base}${DEMO_FORM_PATH}`
  const request = createRequester({ url: `${base}/graphql`, token: key })
  const { form, cursor } = await reach(base, formUrl, request)
  const out = process.stdout
  const say = (text: string): void => {
    if (options.json !== true) out.write(text)
  }
  const count = options.csv === undefined ? options.leads : null
  say(`\n  ${count === null ? options.csv : `${wholeNumber(count)} leads`} through ${formUrl}\n\n`)
  const bar = options.json === true ? null : new ProgressBar(out, count)
  const progress: Progress = {
    ...{ settled: 0, sent: [], sendingEnded: false, lastAt: performance.now(), away: false, told: [], takenOver: 0 },
    doneBy: new Map(),
  }
  const startedAt = performance.now()
  let killing: Promise<void> | undefined
  const kill = (victim: OwnServer): void => {
    if (killing !== undefined) return
    killing = killAndRestart(victim, request, (line) => bar?.above(line))
    killing.catch(() => {}) // told below, where it is awaited
  }
  const draw = (): void => {
    const { settled, sent, sendingEnded } = progress
    const perSecond = settled / ((performance.now() - startedAt) / 1_000)
    const detail = progress.away ? 'the server is away, waiting for it' : `${perSecond.toFixed(0)} leads/s`
    bar?.draw(settled, sendingEnded ? accepted(sent).length : null, detail)
    if (server !== undefined && count !== null && settled >= count * KILL_AT) {
      kill(server)
    }
  }
  const note = (line: string): void => bar?.above(line)
  const stopLooking = watchServer(request, progress, draw)
  const watcher = beginWatching(place, cursor, count, progress, bar, draw)
  const team = bar !== null && out.isTTY ? showTeam(request, bar, progress.doneBy, draw) : null
  try {
    await sendLeads(
      leadsOf(options, form.fields, (mapping) => say(mappingText(mapping))),
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
    progress.sendingEnded = true
    const sentAfterMs = performance.now() - startedAt
    await killing
    await untilWorked(accepted(progress.sent), request, progress, draw, note)
    // Leads from a file have no middle: their server is killed when they are worked, and has to remember.
    if (server !== undefined) kill(server)
    await killing
    const outcomes = await untilWorked(accepted(progress.sent), request, progress, draw, note)
    const workedAfterMs = Math.max(progress.lastAt - startedAt, sentAfterMs)
    await team?.finish()
    bar?.end()
    const closing: Closing = {
      ...{ sent: progress.sent, outcomes, sentAfterMs, workedAfterMs },
      links: server === undefined ? { deals: `${base}${graphiqlLink(DEALS)}`, waiting: `${base}/` } : null,
      killed:
        server === undefined
          ? null
          : {
              ...(await compareWithLog(cursor, progress.told, request)),
              takenOver: progress.takenOver,
              dealsInAll: (await request(DemoDeals)).deals.totalCount,
            },
    }
    out.write(options.json === true ? `${closingJson(closing)}\n` : closingText(closing))
    if (!isComplete(closing)) process.exitCode = 1
  } finally {
    team?.stop()
    stopLooking()
    watcher.stop()
  }
}

/** The form and the place in the log from which on everything is ours. Throws a StartFault when there is no such server. */
async function reach(base: string, formUrl: string, request: Requester) {
  const form = await describeForm(formUrl).catch((cause: unknown) => {
    throw new StartFault(
      `No Cadre with the demo form answers at ${base}.`,
      'Start one in another terminal: npm start   (on another port: PORT=4001 npm run demo)',
      cause,
    )
  })
  try {
    return { form, cursor: (await request(DemoStart)).cursor }
  } catch (err) {
    if (!(err instanceof RequestFailed) || err.code !== 'UNAUTHENTICATED') throw err
    throw new StartFault(
      `The Cadre at ${base} does not know our demo key.`,
      'It runs in another folder: run the demo there, or set CADRE_DIR to its folder.',
      err,
    )
  }
}

/** Follows what is needed and no more: every event of a server that is killed, the story of few leads, the ends of many. */
function beginWatching(
  { base, key, server }: Place,
  after: string,
  count: number | null,
  progress: Progress,
  bar: ProgressBar | null,
  draw: () => void,
): Watcher {
  const place = { url: `${base}/graphql`, key, after }
  const settle = (type: string): void => {
    if (type === 'RUN_FINISHED' || type === 'RUN_WAITING') progress.settled++
    progress.lastAt = performance.now()
    draw()
  }
  if (server !== undefined) {
    const onItem = ({ events }: { events: { id: string; type: string } }): void => {
      progress.told.push(events.id)
      if (events.type === 'RUN_RESUMED') progress.takenOver++
      settle(events.type)
    }
    return watch({ ...place, document: DemoEverything, onItem })
  }
  if (bar === null || !process.stdout.isTTY || count === null || count > MAX_TOLD) {
    return watch({ ...place, document: DemoEnds, onItem: ({ events }) => settle(events.type) })
  }
  return watch({
    ...place,
    document: DemoStory,
    onItem: ({ events: { type, actor, occurredAt, summary } }) => {
      if (type === 'RUN_FINISHED') progress.doneBy.set(actor.name, (progress.doneBy.get(actor.name) ?? 0) + 1)
      if (!ENDS.has(type)) bar.above(`  ${timeOfDay(new Date(occurredAt))}  ${oneLine(summary)}`)
      settle(type)
    },
  })
}

/** Counted, and told by what came of them. */
const ENDS: ReadonlySet<string> = new Set(['RUN_FINISHED', 'RUN_WAITING'])

/**
 * Keeps below the bar who does what; asks seldom, for the server has better things to do. `finish` ends that with a last look,
 * so that what stays on the screen is how it ended; `stop` only ends it.
 */
function showTeam(request: Requester, bar: ProgressBar, doneBy: ReadonlyMap<string, number>, draw: () => void) {
  const end = new AbortController()
  let team: DemoTeamQuery['employees']['nodes'] = []
  bar.below = () => team.map((employee) => teamLine(employee, doneBy.get(employee.name)))
  const look = async (): Promise<void> => {
    // The server may be away for a moment.
    const answer = await request(DemoTeam).catch(() => null)
    team = answer?.employees.nodes ?? team
    draw()
  }
  const looking = (async () => {
    while (!end.signal.aborted) {
      await look()
      await sleep(TEAM_EVERY_MS, undefined, { signal: end.signal }).catch(() => {})
    }
  })()
  return {
    stop: () => end.abort(),
    finish: async () => {
      end.abort()
      await looking
      await look()
    },
  }
}

function teamLine(
  employee: { name: string; title: string; activity: { state: string; text: string } },
  done: number | undefined,
): string {
  const { name, title, activity } = employee
  const doing = `${activity.state.toLowerCase().padEnd(9)} ${oneLine(activity.text, 46).padEnd(46)}`
  return `  ${name.padEnd(7)} ${title.padEnd(18)} ${doing}${done === undefined ? '' : `  ${done} done`}`
}

async function killAndRestart(server: OwnServer, request: Requester, say: (line: string) => void): Promise<void> {
  const { runs } = await request(DemoInFlight)
  say(`  ⚡ SIGKILL to the server (pid ${server.pid}) with ${wholeNumber(runs.totalCount)} runs in flight`)
  await server.kill()
  const killedAt = performance.now()
  await server.start()
  say(`  …  started again in ${seconds(performance.now() - killedAt)}, pid ${server.pid}`)
}

const DEALS = 'query Deals { deals { nodes { name amount { text } stage { name } } } }'

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
