import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = join(ROOT, 'src')

/** The built program: what people start, and quicker to start than its sources. `buildProgram` has made it. */
export const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Builds the program where a source is newer than it; once per run, before the tests. */
export function buildProgram(): void {
  const builtAtMs = statSync(PROGRAM, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const isFresh = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).every(
    (file) => statSync(join(SOURCES, file)).mtimeMs <= builtAtMs,
  )
  if (isFresh) return
  const { status, stdout } = spawnSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  )
  if (status !== 0) throw new Error(`the program cannot be built:\n${stdout}`)
}
