import { randomUUID } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/platform/db/migrate.ts'
import { installDurable } from '../../src/platform/durable/install.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { startTestPostgres } from './postgres.ts'
import { buildProgram } from './program.ts'
import { runSql } from './sql.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The server's URL, and the name of the migrated database that tests clone. */
    readonly postgres: { readonly url: string; readonly template: string }
  }
}

/** One PostgreSQL for the whole run, and one migrated database in it from which every test file clones its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  buildProgram()
  const postgres = await startTestPostgres()
  const template = `cadre_test_${randomUUID().slice(0, 8)}`
  const templateUrl = new URL(postgres.url)
  templateUrl.pathname = `/${template}`
  await runSql(postgres.url, `create database ${template}`)
  const log = createLogger({ level: 'error', format: 'json' })
  await migrate({ url: templateUrl.href, log, afterMigrate: [installDurable] })
  project.provide('postgres', { url: postgres.url, template })
  return async () => {
    await runSql(postgres.url, `drop database if exists ${template}`)
    await postgres.stop()
  }
}
