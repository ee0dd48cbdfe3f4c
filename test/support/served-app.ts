import { rmSync } from 'node:fs'
import { type App, createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { createLogger, type LogLevel } from '../../src/platform/observability/logger.ts'
import { openTemporaryFolder } from './temporary-folder.ts'
import { createTestDatabase } from './test-database.ts'

export interface ServedApp {
  readonly app: App
  readonly url: string
  /** Its database's owner: past row-level security. */
  readonly ownerUrl: string
  /** Everything it has logged so far, line by line. */
  readonly lines: readonly string[]
  close(): Promise<void>
}

export interface ServeOptions {
  /** As `npm start` serves: introspection and GraphiQL are on. Else as production does. */
  readonly development: boolean
  readonly level?: LogLevel
  readonly work?: boolean
  readonly env?: Readonly<Record<string, string>>
}

/** The whole server in the test's own process, with every door open, on a database of its own. */
export async function serveApp({ development, level = 'warn', work = false, env }: ServeOptions): Promise<ServedApp> {
  const database = await createTestDatabase()
  const folder = openTemporaryFolder('cadre-served-')
  const lines: string[] = []
  const settings = {
    DATABASE_URL: database.url,
    PORT: '0',
    CADRE_DIR: folder,
    ...(development ? {} : { NODE_ENV: 'production' }),
  }
  const app = await createApp({
    config: loadConfig({ ...settings, ...env }, false),
    log: createLogger({ level, format: 'json', stream: { write: (line) => void lines.push(line) } }),
    urls: { appUrl: database.url, systemUrl: database.url, systemDirectUrl: database.url },
    serve: true,
    work,
    development,
  })
  return {
    app,
    url: app.url ?? '',
    ownerUrl: database.url,
    lines,
    close: async () => {
      await app.close()
      await database.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
