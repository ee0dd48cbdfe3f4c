import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Ended {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly output: string
}

/** A newcomer's terminal: a shell in a folder, with an environment that holds nothing of ours. */
export class Terminal {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly #running = new Set<Program>()

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder
    this.env = env
  }

  /** Types a command and waits for its end. */
  async run(command: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return this.open(command, env).ended
  }

  /** Types a command and leaves it running. */
  open(command: string, env: Readonly<Record<string, string>> = {}): Program {
    const program = new Program(command, this.folder, { ...this.env, ...env })
    this.#running.add(program)
    return program
  }

  /** Ctrl-C for whatever still runs. */
  async close(): Promise<void> {
    for (const program of this.#running) await program.interrupt()
  }
}

export class Program {
  readonly #child: ChildProcess
  readonly ended: Promise<Ended>
  #output = ''

  constructor(command: string, cwd: string, env: Readonly<Record<string, string>>) {
    // A group of its own, as a shell gives each command one: Ctrl-C reaches all of it and nobody else.
    this.#child = spawn('bash', ['-euo', 'pipefail', '-c', command], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#output += chunk
      })
    }
    this.ended = once(this.#child, 'close').then(([exitCode]) => ({
      exitCode: exitCode as number | null,
      output: this.#output,
    }))
  }

  get output(): string {
    return this.#output
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Ctrl-C, and waits for the end. */
  async interrupt(): Promise<Ended> {
    const { pid } = this.#child
    if (this.isRunning && pid !== undefined) process.kill(-pid, 'SIGINT')
    return this.ended
  }
}
