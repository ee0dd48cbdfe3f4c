import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = join(ROOT, 'src')
const LOCK_FILE = join(ROOT, 'package-lock.json')

/** The built program: what people start, and quicker to start than its sources. `buildProgram` has made it. */
export const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Builds the program where a source is newer than it; once per run, before the tests. */
export function buildProgram(): void {
  const builtAtMs = statSync(PROGRAM, { throwIfNoEntry: false })?.mtimeMs ?? 0
  // What it depends on is bundled in it.
  const sources = [
    LOCK_FILE,
    ...readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).map((file) => join(SOURCES, file)),
  ]
  const isFresh = sources.every((file) => statSync(file).mtimeMs <= builtAtMs)
  if (isFresh) return
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'src/commands/build.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the program cannot be built:\n${stderr}`)
}

export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Longer than any command of a test takes: one that hangs is killed. */
const ENDS_WITHIN_MS = 170_000

/** Runs a command of the program to its end, not on a terminal. */
export async function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  nodeArgs: readonly string[] = [],
): Promise<Ended> {
  const child = spawn(process.execPath, [...nodeArgs, PROGRAM, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: ENDS_WITHIN_MS,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  await once(child, 'close')
  return { exitCode: child.exitCode, stdout, stderr }
}
