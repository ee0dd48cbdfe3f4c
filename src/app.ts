// The composition root: with `app-doors.ts` the only place that constructs what lives long, and that knows in which order
// things start and stop. Nothing here decides anything.

import { join } from 'node:path'
import { measuredModel } from './agent/model/measured.ts'
import { createModel } from './agent/model/model.ts'
import { loadPrices } from './agent/model/prices.ts'
import { createWorker } from './agent/runs.ts'
import { createToolRegistry } from './agent/tools/registry.ts'
import { connectAgent } from './agent/wiring.ts'
import { openDoors } from './app-doors.ts'
import type { Config } from './config.ts'
import { purgeSessions } from './domains/accounts/sweeps.ts'
import { sweepApprovals } from './domains/approvals/service.ts'
import { sweepAccountErasures, sweepErasures } from './domains/erasures/service.ts'
import { eventTypes } from './domains/event-types.ts'
import { createMailer } from './domains/mail/mailer.ts'
import { connectMailServers } from './domains/mail/servers.ts'
import { countOpenRuns, measureRuns, sweepRuns } from './domains/runs/service.ts'
import { sweepSubmissions } from './domains/submissions/sweeps.ts'
import type { Ctx } from './platform/context.ts'
import { createDatabase, type Database } from './platform/db/database.ts'
import { assertServingRole } from './platform/db/roles.ts'
import { createDurable, type Durable } from './platform/durable/durable.ts'
import { createSweep, type Sweep } from './platform/durable/sweep.ts'
import { createEvents } from './platform/events/events.ts'
import type { EventFeed } from './platform/events/feed.ts'
import { purgeClaims } from './platform/graphql/idempotency.ts'
import { systemClock } from './platform/lib/clock.ts'
import { newId } from './platform/lib/ids.ts'
import { Slots } from './platform/lib/slots.ts'
import { measureHouse } from './platform/observability/house-metrics.ts'
import type { Logger } from './platform/observability/logger.ts'
import { createMetrics } from './platform/observability/metrics.ts'
import { openMetricsServer } from './platform/observability/metrics-server.ts'
import { rewrapCredentials } from './platform/secrets/credentials.ts'
import { createKeyring } from './platform/secrets/keyring.ts'
import type { DemoPlace } from './start-page/http.ts'

/** Used for employees that name no model, with a live key, where their workspace has set none. */
const DEFAULT_MODEL = 'claude-sonnet-5-5'
const FALLBACK_MODEL = 'claude-haiku-5-5'
const MODEL_TIMEOUT_MS = 120_000
const STOP_GRACE_MS = 10_000
// A rehearsed run waits for no network: more of them at once only queue for connections.
const REHEARSAL_CONCURRENCY = 24

export interface AppOptions {
  readonly config: Config
  readonly log: Logger
  /** How to reach the migrated database. */
  readonly urls: { readonly appUrl: string; readonly systemUrl: string; readonly systemDirectUrl: string }
  /** Open the doors: GraphQL, forms, health. */
  readonly serve: boolean
  /** Work runs. */
  readonly work: boolean
  /** The key that GraphiQL carries on this machine; none unless given. */
  readonly graphiqlKey?: string
  /** The workspace that the start page shows to who sits at this machine; none unless given. */
  readonly demo?: DemoPlace
  /** A development server: loopback origins may call it, and the schema can be asked for. */
  readonly development: boolean
}

export interface App {
  /** Where it listens; null for a worker. */
  readonly url: string | null
  readonly db: Database
  readonly feed: EventFeed
  readonly mode: 'live' | 'rehearsal'
  /** How many runs are being worked on at this moment, each at one step. */
  working(): number
  /**
   * Stops in order: doors, runs, events, database. Returns how many runs go on when somebody works again; null when the
   * database does not say. May be called twice.
   */
  close(): Promise<{ readonly unfinished: number | null }>
}

/** Builds and starts everything. What was started is stopped again when a later part cannot start. */
export async function createApp(options: AppOptions): Promise<App> {
  const { config, log, urls } = options
  const clock = systemClock
  const opened: (() => Promise<unknown>)[] = []
  const closeAll = async (): Promise<void> => {
    const faults: unknown[] = []
    // One part that cannot close must not keep the others open.
    for (const close of opened.splice(0).reverse()) await close().catch((err: unknown) => faults.push(err))
    if (faults.length > 0) throw faults[0]
  }
  try {
    const db = createDatabase({
      appUrl: urls.appUrl,
      systemUrl: urls.systemUrl,
      appConnections: config.database.poolApp,
      systemConnections: config.database.poolSystem,
      log,
    })
    opened.push(() => db.close())
    await assertServingRole(db.app, 'cadre_app')
    await assertServingRole(db.system, 'cadre_system')

    const defaultFrom = config.mail.from ?? 'cadre@localhost'
    const mailer = createMailer({ smtpUrl: config.mail.smtpUrl, folder: join(config.dir, 'mail'), defaultFrom })
    opened.push(async () => mailer.close())
    const keyring = createKeyring({
      keys: config.secrets.keys,
      file: join(config.dir, 'secret-key'),
      mayMake: !config.production,
    })
    connectMailServers({ keyring, allowPrivate: config.mail.privateServers, defaultFrom })
    const registry = createToolRegistry({ mailer })
    connectAgent(registry)

    const events = createEvents({ db, directUrl: urls.systemDirectUrl, log, clock })
    opened.push(() => events.stop())
    await events.start()

    const contextOf = (workspaceId: string): Ctx => ({
      viewer: { kind: 'system' },
      workspaceId,
      db,
      bell: events.bell,
      clock,
      log,
      origin: { requestId: 'system' },
    })

    await rewrapCredentials({ db, contextOf, keyring, log })

    let durable: Durable | undefined
    const metrics = createMetrics()
    measureHouse(metrics, {
      pools: { app: db.app, system: db.system },
      system: db.system,
      tailPosition: () => events.tail.position,
      working: () => durable?.working() ?? 0,
    })
    measureRuns(metrics, db.system)

    const live = config.model.anthropicApiKey !== undefined
    let unfinished: number | null = 0
    if (options.work) {
      const model = createModel({
        mode: live ? 'live' : 'rehearsal',
        ...(config.model.anthropicApiKey === undefined ? {} : { apiKey: config.model.anthropicApiKey }),
        ...(config.model.anthropicBaseUrl === undefined ? {} : { baseUrl: config.model.anthropicBaseUrl }),
        timeoutMs: MODEL_TIMEOUT_MS,
      })
      const prices = loadPrices()
      durable = createDurable({
        systemUrl: urls.systemDirectUrl,
        executorId: newId(),
        log,
        clock,
        concurrency: live ? config.runs.concurrency : Math.min(config.runs.concurrency, REHEARSAL_CONCURRENCY),
        work: createWorker({
          db,
          bell: events.bell,
          clock,
          log,
          model: measuredModel(model, prices, clock, metrics.model),
          prices,
          registry,
          defaultModel: DEFAULT_MODEL,
          fallbackModel: FALLBACK_MODEL,
        }),
      })
      const worker = durable
      opened.push(async () => {
        await worker.stop({ graceMs: STOP_GRACE_MS })
        unfinished = await countOpenRuns(db)
      })
      await worker.start()
    }

    const sequencePass = () => events.sequencer.sequencePass()
    const sweeps = createSweeps(db, contextOf, log, {
      erasures: () => sweepErasures({ db, contextOf, log, mailer, sequencePass, kept: eventTypes.kept }),
      accountErasures: () => sweepAccountErasures({ db, clock, log, mailer }),
    })
    for (const sweep of sweeps) sweep.start()
    opened.push(() => Promise.all(sweeps.map((sweep) => sweep.stop())))

    const server = options.serve ? await openDoors(options, { db, events, metrics, mailer, opened }) : null
    const { port, token } = config.metrics
    if (port !== undefined) {
      const beside = await openMetricsServer({ metrics, host: config.http.host, port, token, log })
      opened.push(() => beside.close())
    }

    let closing: ReturnType<App['close']> | undefined
    return {
      url: server?.url ?? null,
      db,
      feed: events.feed,
      mode: live ? 'live' : 'rehearsal',
      working: () => durable?.working() ?? 0,
      close: () => {
        closing ??= closeAll().then(() => ({ unfinished }))
        return closing
      },
    }
  } catch (err) {
    await closeAll().catch((fault: unknown) => log.error({ err: fault }, 'could not close what had been opened'))
    throw err
  }
}

/** What becomes due by the clock; every process sweeps, of each kind one at a time. */
function createSweeps(
  db: Database,
  contextOf: (workspaceId: string) => Ctx,
  log: Logger,
  { erasures, accountErasures }: Readonly<Record<'erasures' | 'accountErasures', () => Promise<number>>>,
): Sweep[] {
  const shared = new Slots(1)
  const sweep = (name: string, everyMs: number, run: () => Promise<boolean>, slots = shared): Sweep =>
    createSweep({ name, everyMs, system: db.system, slots, log, clock: systemClock, run })
  return [
    sweep('due-runs', 1_000, async () => (await sweepRuns(db, contextOf, log)) > 0),
    sweep('expired-approvals', 5_000, async () => (await sweepApprovals(db, contextOf, log)) > 0),
    sweep('abandoned-submissions', 60_000, async () => (await sweepSubmissions(db, contextOf)) > 0),
    sweep('erasures', 1_000, async () => (await erasures()) > 0),
    // It sends mail, which takes its time: the others do not wait for it.
    sweep('account-erasures', 1_000, async () => (await accountErasures()) > 0, new Slots(1)),
    sweep('old-sessions', 600_000, async () => (await purgeSessions(db, systemClock.now())) > 0),
    sweep('old-idempotency-claims', 600_000, async () => (await purgeClaims(db, systemClock.now())) > 0),
  ]
}
