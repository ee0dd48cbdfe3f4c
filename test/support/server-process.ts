import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readDemoKey } from '../../src/commands/seed.ts'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import { PROGRAM } from './program.ts'
import { openTemporaryFolder } from './temporary-folder.ts'

const READY_WITHIN_MS = 60_000

export interface ServerOptions {
  readonly command?: 'start' | 'server' | 'worker'
  /** Leave out for the embedded PostgreSQL. */
  readonly databaseUrl?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A Cadre of a test's own, as a process that can be killed, stopped, continued and started again in its folder. */
export class ServerProcess {
  readonly dir: string
  readonly #options: ServerOptions
  #child: ChildProcess | undefined
  #output = ''
  port = 0

  private constructor(options: ServerOptions, dir: string) {
    this.#options = options
    this.dir = dir
  }

  /** Starts one and returns when it is ready. `beside` shares another one's folder, and so its key. */
  static async start(options: ServerOptions = {}, beside?: ServerProcess): Promise<ServerProcess> {
    const server = new ServerProcess(options, beside?.dir ?? openTemporaryFolder('cadre-server-test-'))
    server.port = await findFreePort()
    await server.start()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get key(): string {
    return readDemoKey(this.dir)
  }

  /** What it has printed so far. */
  get output(): string {
    return this.#output
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Starts it, again, on its port; returns when it is ready. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [PROGRAM, this.#options.command ?? 'start'], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: {
        ...process.env,
        PORT: String(this.port),
        CADRE_DIR: this.dir,
        LOG_FORMAT: 'json',
        DATABASE_URL: this.#options.databaseUrl ?? '',
        ANTHROPIC_API_KEY: '',
        ANTHROPIC_BASE_URL: '',
        // A test counts its own leads.
        SAMPLE_LEADS: '0',
        ...this.#options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    const saidBefore = this.#output.length
    child.stdout?.on('data', (chunk) => {
      this.#output += chunk
    })
    child.stderr?.on('data', (chunk) => {
      this.#output += chunk
    })
    const giveUpAt = performance.now() + READY_WITHIN_MS
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${this.#output}`)
      if (await this.#isReady(saidBefore)) return
      if (performance.now() > giveUpAt) throw new Error(`the server did not become ready:\n${this.#output}`)
      await sleep(50)
    }
  }

  /** A worker has no doors: it says in its log that it works. */
  async #isReady(saidBefore: number): Promise<boolean> {
    if (this.#options.command === 'worker') return this.#output.slice(saidBefore).includes('"msg":"working"')
    return fetch(`${this.url}/health/ready`).then(
      (response) => response.ok,
      () => false,
    )
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  /** SIGKILL, and returns when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGTERM, and returns the exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /** SIGINT, as Ctrl-C sends it, and returns the exit code. */
  async interrupt(): Promise<number | null> {
    return this.#end('SIGINT')
  }

  /** Ends it if it runs, and removes its folder. */
  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exit = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill(signal)
    await exit
    return child.exitCode
  }

  /** The folder's path to a file, e.g. of its mails. */
  file(...parts: string[]): string {
    return join(this.dir, ...parts)
  }
}
