import type { App } from '../app.ts'
import type { Config } from '../config.ts'
import { createDatabase } from '../platform/db/database.ts'
import { migrate } from '../platform/db/migrate.ts'
import { installDurable } from '../platform/durable/install.ts'
import { shownUrl } from '../platform/http/shown-url.ts'
import { systemClock } from '../platform/lib/clock.ts'
import type { Logger } from '../platform/observability/logger.ts'
import type { Banner } from './banner.ts'
import { type DemoFigures, readDemoFigures } from './demo-figures.ts'
import type { Postgres } from './postgres.ts'
import { DEMO_FORM_PATH, DEMO_OWNER, DEMO_SLUG, readDemoKey, type Seeded, seedDemo } from './seed.ts'
import { counted } from './terminal-text.ts'

/** The greater part of the program: read while PostgreSQL starts and the database is made ready. */
const application = Promise.all([import('../app.ts'), import('./story.ts')])
application.catch(() => {}) // told below, where it is needed

export interface BroughtUp {
  readonly app: App
  /** What is told at the terminal from now on; `stop` returns when the last line is written. */
  readonly story: { stop(): Promise<void> }
}

interface Parts {
  readonly config: Config
  readonly log: Logger
  readonly postgres: Postgres
  readonly banner: Banner
}

/** Migrates, seeds and serves, and says so step by step. What it started is stopped again when a later step fails. */
export async function bringUp({ config, log, postgres, banner }: Parts): Promise<BroughtUp> {
  const { applied } = await migrate({ url: postgres.ownerUrl, log, afterMigrate: [installDurable] })
  banner.step(
    'Schema up to date',
    applied.length === 0 ? 'nothing to apply' : `${counted(applied.length, 'migration')} applied`,
  )
  const { seeded, figures } = await seed(config, postgres, log)
  if (figures !== null) banner.step('Demo workspace', seeded.created ? contentsText(figures) : stateText(figures))
  const { keyFile } = seeded
  const signedIn = keyFile !== null && !config.production && isLoopback(config.http.host)
  const [{ createApp }, { tellStory }] = await application
  banner.begin()
  const app = await createApp({
    config,
    log,
    urls: postgres,
    serve: true,
    work: true,
    development: !config.production,
    ...(signedIn
      ? {
          graphiqlKey: readDemoKey(config.dir),
          demo: { workspace: DEMO_SLUG, formPath: DEMO_FORM_PATH, owner: DEMO_OWNER },
        }
      : {}),
  })
  const url = shownUrl(app.url ?? '')
  const demo =
    keyFile === null || figures === null
      ? null
      : { formPath: DEMO_FORM_PATH, keyFile, signedIn, dailyBudgetMicros: figures.dailyBudgetMicros }
  if (banner.shown) {
    banner.serving({
      url,
      mode: app.mode,
      demo,
      development: !config.production,
      graphiql: config.graphql.graphiql,
      sendsMail: config.mail.smtpUrl !== undefined,
      dataDir: postgres.embedded ? config.dir : null,
    })
  } else {
    log.info({ url: app.url, model: app.mode }, 'serving')
  }
  return { app, story: beginStory(tellStory, app, banner.shown ? seeded.workspaceId : null, log) }
}

type TellStory = typeof import('./story.ts').tellStory

async function seed(config: Config, postgres: Postgres, log: Logger) {
  const db = createDatabase({ ...postgres, appConnections: 1, systemConnections: 1, log })
  try {
    const { sampleLeads } = config.demo
    const bell = { ring: () => {} }
    const seeded: Seeded = await seedDemo({ db, dir: config.dir, sampleLeads, bell, clock: systemClock, log })
    const isDemo = seeded.keyFile !== null && seeded.workspaceId !== null
    return { seeded, figures: isDemo ? await readDemoFigures(db, seeded.workspaceId) : null }
  } finally {
    await db.close()
  }
}

function beginStory(tellStory: TellStory, app: App, workspaceId: string | null, log: Logger): BroughtUp['story'] {
  if (workspaceId === null) return { stop: async () => {} }
  const end = new AbortController()
  const telling = tellStory({ feed: app.feed, db: app.db, workspaceId, out: process.stdout, signal: end.signal }).catch(
    // The server works without it.
    (err: unknown) => log.error({ err }, 'the terminal tells no more of what happens'),
  )
  return {
    stop: () => {
      end.abort()
      return telling
    },
  }
}

const contentsText = ({ employees, forms, pipelines }: DemoFigures): string =>
  [counted(employees, 'employee'), counted(forms, 'form'), counted(pipelines, 'pipeline')].join(' · ')

const stateText = ({ deals, approvals }: DemoFigures): string =>
  `as you left it: ${counted(deals, 'deal')}, ${counted(approvals, 'approval')} waiting`

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')
