// npm run dev: generates, then runs `start` from the sources and starts it anew when they change. A change of
// prisma/schema.prisma generates Prisma's client anew first; schema.graphql and the typed documents follow each start.

import { type ChildProcess, spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../platform/db/package-root.ts'

const SETTLE_MS = 200
const root = packageRoot()

const run = (command: string, ...args: string[]): Promise<boolean> =>
  new Promise((resolve) => {
    spawn(command, args, { cwd: root, stdio: 'inherit' }).once('exit', (code) => resolve(code === 0))
  })

let server: ChildProcess | undefined
let queue: Promise<void> = Promise.resolve()

async function restart(schemaChanged: boolean): Promise<void> {
  if (schemaChanged && !(await run('npx', 'prisma', 'generate'))) return
  await stopServer()
  server = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', 'start'], { cwd: root, stdio: 'inherit' })
  await run('npm', 'run', '--silent', 'codegen')
}

async function stopServer(): Promise<void> {
  const running = server
  server = undefined
  if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
  const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()))
  running.kill('SIGTERM')
  await ended
}

let timer: NodeJS.Timeout | undefined
let schemaChanged = false
const onChange = (file: string | null): void => {
  // What generation writes must not start another round.
  if (file === null || /(^|[\\/])(generated|gql)[\\/]/.test(file) || !/\.(ts|json|prisma|sql)$/.test(file)) return
  schemaChanged ||= file.endsWith('.prisma')
  clearTimeout(timer)
  timer = setTimeout(() => {
    const regenerate = schemaChanged
    schemaChanged = false
    queue = queue.then(() => restart(regenerate))
  }, SETTLE_MS)
}

watch(join(root, 'src'), { recursive: true }, (_event, file) => onChange(file))
watch(join(root, 'prisma'), { recursive: true }, (_event, file) => onChange(file))
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    queue = queue.then(stopServer).then(() => process.exit(0))
  })
}
queue = restart(true)
