// A server of the demo's own, to be killed: another port, another folder, another database, always in rehearsal and
// without mail. Never the user's. What it leaves behind (the folder, a PostgreSQL that outlived the kill) is taken away.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Requester } from '../../client/request.ts'
import { environmentWith } from '../../config.ts'
import { startEmbedded } from '../../platform/db/embedded.ts'
import { findFreePort } from '../../platform/db/free-port.ts'
import { StartFault } from '../../platform/lib/start-fault.ts'
import { createLogger } from '../../platform/observability/logger.ts'
import { DemoLog } from './documents.ts'

const READY_WITHIN_MS = 120_000

export class OwnServer {
  readonly dir: string
  readonly port: number
  #child: ChildProcess | undefined

  private constructor(dir: string, port: number) {
    this.dir = dir
    this.port = port
  }

  /** Starts one in a temporary folder; returns when it is ready. Throws a StartFault when it does not come up. */
  static async start(): Promise<OwnServer> {
    const dir = mkdtempSync(join(tmpdir(), 'cadre-demo-'))
    // PostgreSQL may run as another user, who must get there.
    chmodSync(dir, 0o755)
    const server = new OwnServer(dir, await findFreePort())
    try {
      await server.start()
    } catch (err) {
      await server.remove()
      throw err
    }
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', 'start'], {
      env: environmentWith({
        PORT: String(this.port),
        HOST: '127.0.0.1',
        CADRE_DIR: this.dir,
        LOG_FORMAT: 'json',
        LOG_LEVEL: 'error',
        DATABASE_URL: '',
        DATABASE_APP_URL: '',
        DATABASE_SYSTEM_URL: '',
        DATABASE_DIRECT_URL: '',
        ANTHROPIC_API_KEY: '',
        SMTP_URL: '',
        // It is for the demo's own leads, which are counted.
        SAMPLE_LEADS: '0',
        NODE_ENV: '',
      }),
      // Ctrl-C at the terminal is for the demo, which then ends it.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    let said = ''
    child.stderr?.on('data', (chunk) => {
      said += chunk
    })
    const giveUpAt = performance.now() + READY_WITHIN_MS
    for (;;) {
      if (hasEnded(child) || performance.now() > giveUpAt) {
        throw new StartFault(
          "The demo's own server did not come up.",
          said.trim().replace(/\n\s*/g, ' · ') || undefined,
        )
      }
      const isReady = await fetch(`${this.url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
      if (isReady) return
      await sleep(50)
    }
  }

  /** SIGKILL; returns when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Stops it, and what it left running, and removes its folder. May be called in any state. */
  async remove(): Promise<void> {
    if ((await this.#end('SIGTERM')) !== 0) {
      const postgres = await startEmbedded({ dir: this.dir, log: createLogger({ level: 'error', format: 'json' }) })
      await postgres.stop()
    }
    // The data of a root's demo may live elsewhere, with a link to it here.
    for (const name of readdirSync(this.dir)) {
      const path = join(this.dir, name)
      if (lstatSync(path).isSymbolicLink()) rmSync(dirname(readlinkSync(path)), { recursive: true, force: true })
    }
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child !== undefined && !hasEnded(child)) {
      const exit = once(child, 'exit')
      child.kill(signal)
      await exit
    }
    return child?.exitCode ?? null
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** What a watcher received, held against the log. */
export interface Comparison {
  /** In the log. */
  readonly events: number
  readonly missing: number
  readonly twice: number
  readonly inOrder: boolean
}

const UNTIL_TOLD_MS = 30_000

/** Reads the log from a place on and compares it with the ids a watcher has had, which may still be arriving. */
export async function compareWithLog(
  from: string,
  received: readonly string[],
  request: Requester,
): Promise<Comparison> {
  const logged: string[] = []
  for (let after: string | null = null; ; ) {
    const { events }: Awaited<ReturnType<typeof readLog>> = await readLog(request, from, after)
    logged.push(...events.nodes.map(({ id }) => id))
    if (!events.pageInfo.hasNextPage) break
    after = events.pageInfo.endCursor
  }
  const giveUpAt = performance.now() + UNTIL_TOLD_MS
  while (received.length < logged.length && performance.now() < giveUpAt) await sleep(20)
  const had = new Set(received)
  return {
    events: logged.length,
    missing: logged.filter((id) => !had.has(id)).length,
    twice: received.length - had.size,
    inOrder: [...had].filter((id, at) => id !== logged[at]).length === 0,
  }
}

const readLog = (request: Requester, from: string, after: string | null) => request(DemoLog, { from, after })
