import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { type EmbeddedPostgres, startEmbedded } from '../../src/platform/db/embedded.ts'
import { readPidFile } from '../../src/platform/db/embedded-postmaster.ts'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { runSql } from './sql.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

const log = createLogger({ level: 'error', format: 'json' })
const CHILD = fileURLToPath(new URL('./embedded-child.ts', import.meta.url))
export const isRoot = process.getuid?.() === 0

/** Something to be undone after the test, the latest first. */
export const afterwards = (cleanup: () => Promise<void> | void): void => onTestFinished(cleanup)

/** A project's folder, removed after the test. */
export function project(): string {
  const folder = openTemporaryFolder('cadre-embedded-test-')
  afterwards(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts the project's PostgreSQL in this process; stopped after the test. */
export async function start(dir: string, rootDir?: string): Promise<EmbeddedPostgres> {
  const postgres = await startEmbedded({ dir, log, durable: false, ...(rootDir === undefined ? {} : { rootDir }) })
  afterwards(() => postgres.stop())
  return postgres
}

interface Child {
  readonly process: ChildProcessWithoutNullStreams
  readonly said: { readonly url: string; readonly adopted: boolean }
  stop(): Promise<void>
}

/** Starts it in a process of its own, which the test ends or kills. */
export async function startInAnotherProcess(dir: string): Promise<Child> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, dir], { stdio: 'pipe' })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const first = await lines.next()
  if (first.done === true) throw new Error(`the process did not start PostgreSQL: ${errors}`)
  return {
    process: child,
    said: JSON.parse(first.value),
    async stop() {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}

export function postmasterPid(dir: string): number {
  const pidFile = readPidFile(realpathSync(join(dir, 'postgres-18')))
  if (pidFile === null) throw new Error('no postmaster runs')
  return pidFile.pid
}

/** The first column of the first row. */
export const one = async (url: string, sql: string): Promise<unknown> =>
  Object.values((await runSql(url, sql))[0] ?? {})[0]
