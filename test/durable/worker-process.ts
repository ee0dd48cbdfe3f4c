import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { DurableTiming } from '../../src/platform/durable/durable.ts'
import type { LogLevel } from '../../src/platform/observability/logger.ts'

export interface WorkerSettings {
  readonly url: string
  /** How many fenced entries a segment has, and how long each takes. */
  readonly entries: number
  readonly entryMs: number
  /** After so many entries each segment waits for `go`. */
  readonly holdAfter?: number | undefined
  readonly concurrency: number
  /** Ends each segment with an act outside, guarded by `maySend`. */
  readonly send: boolean
  readonly timing: Partial<DurableTiming>
  readonly logLevel: LogLevel
}

export type FromWorker =
  | { readonly kind: 'ready'; readonly executorId: string }
  | { readonly kind: 'taken-over'; readonly executorId: string }

export type ToWorker = { readonly kind: 'stop'; readonly graceMs: number } | { readonly kind: 'go' }

export interface WorkerProcess {
  readonly executorId: string
  /** Executors it has taken over from, in order. */
  readonly takenOver: readonly string[]
  /** What it wrote to its standard output and error. */
  output(): string
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** What is held goes on, and nothing is held any more. */
  go(): void
  /** SIGKILL, and its end. */
  kill(): Promise<void>
  /** A graceful stop; resolves with the exit code when the process has ended by itself. */
  stop(graceMs?: number): Promise<number | null>
}

const script = fileURLToPath(new URL('./worker.ts', import.meta.url))
const started = new Set<ChildProcess>()

/** A process of its own that works segments; resolves when it claims. */
export async function startWorker(
  settings: Partial<WorkerSettings> & { readonly url: string },
): Promise<WorkerProcess> {
  const full: WorkerSettings = {
    entries: 5,
    entryMs: 20,
    concurrency: 20,
    send: false,
    timing: {},
    logLevel: 'warn',
    ...settings,
  }
  const child = fork(script, [JSON.stringify(full)], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  started.add(child)
  const exited = once(child, 'exit').then(([code]) => {
    started.delete(child)
    return code as number | null
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const takenOver: string[] = []
  const executorId = await new Promise<string>((resolve, reject) => {
    child.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') resolve(message.executorId)
      else takenOver.push(message.executorId)
    })
    exited.then((code) => reject(new Error(`the worker ended with ${code} before it was ready:\n${output}`)))
  })
  const say = (message: ToWorker) => void child.send(message)
  return {
    executorId,
    takenOver,
    output: () => output,
    signal: (signal) => {
      child.kill(signal)
    },
    go: () => say({ kind: 'go' }),
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
    stop: async (graceMs = 5_000) => {
      say({ kind: 'stop', graceMs })
      return exited
    },
  }
}

/** Ends what a failed test left behind. */
export function killAllWorkers(): void {
  for (const child of started) {
    child.kill('SIGCONT')
    child.kill('SIGKILL')
  }
}
