// One postmaster: is it there, is it ours, start it, stop it. Everything here runs as the account that owns the data.

import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { StartFault } from '../lib/start-fault.ts'
import type { Account } from './embedded-account.ts'
import type { EmbeddedBinaries } from './embedded-binaries.ts'
import { onlyRow } from './only-row.ts'
import { isProcessAlive } from './process-identity.ts'

const START_TIMEOUT_S = 60
const STOP_TIMEOUT_S = 60
const LOG_LIMIT_BYTES = 10 * 1024 * 1024
const POLL_MS = 50

export interface ProgramResult {
  readonly exitCode: number | null
  readonly output: string
}

/**
 * Runs one of PostgreSQL's programs to its end, in a session of its own so that Ctrl-C at our terminal does not reach
 * it, and with an environment that knows nothing of ours (PGPORT, PGDATA and the like would be obeyed).
 */
export function runProgram(
  program: string,
  args: readonly string[],
  account: Account | undefined,
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(process.platform === 'win32' ? {} : { cwd: '/', env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' } }),
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    })
    let output = ''
    const append = (chunk: Buffer) => {
      output += chunk.toString('utf8')
    }
    child.stdout.on('data', append)
    child.stderr.on('data', append)
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, output }))
  })
}

export interface PidFile {
  readonly pid: number
  readonly dataDir: string
  readonly port: number
}

/** What postmaster.pid says, or null when there is none or it is still being written. */
export function readPidFile(dataDir: string): PidFile | null {
  const file = join(dataDir, 'postmaster.pid')
  if (!existsSync(file)) return null
  const [first, folder, , fourth] = readFileSync(file, 'utf8').split('\n')
  const pid = Math.abs(Number(first))
  const port = Number(fourth)
  if (!Number.isInteger(pid) || pid === 0 || folder === undefined || !Number.isInteger(port)) return null
  return { pid, dataDir: folder, port }
}

/**
 * True when the process of postmaster.pid is a postmaster of this folder. A crash leaves the file behind and its
 * process id may belong to anything by now; a folder copied while it ran carries the file of the original.
 */
export function isPostmasterOf(dataDir: string, pidFile: PidFile): boolean {
  if (!isProcessAlive(pidFile.pid)) return false
  if (!existsSync(pidFile.dataDir) || realpathSync(pidFile.dataDir) !== realpathSync(dataDir)) return false
  try {
    // A postmaster's working folder is its data folder.
    return readlinkSync(`/proc/${pidFile.pid}/cwd`) === realpathSync(dataDir)
  } catch {
    // No /proc, or not allowed to look: the file names our folder and its process lives.
    return true
  }
}

/**
 * Waits until the running postmaster of this folder accepts connections; false when it is not ours, or went away.
 * Throws a StartFault when it lives and accepts nobody.
 */
export async function waitUntilAccepting(dataDir: string, adminUrl: string): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_S * 1000
  for (;;) {
    const pidFile = readPidFile(dataDir)
    if (pidFile === null || !isPostmasterOf(dataDir, pidFile)) return false
    const url = new URL(adminUrl)
    url.port = String(pidFile.port)
    const answer = await askDataDirectory(url.href)
    if (answer.dataDir !== undefined) return realpathSync(answer.dataDir) === realpathSync(dataDir)
    if (Date.now() > deadline) {
      throw new StartFault(
        `PostgreSQL runs in ${dataDir} (pid ${pidFile.pid}) but accepts no connection: ${answer.reason}.`,
        `See ${logFile(dataDir)}, or stop it: kill -INT ${pidFile.pid}`,
      )
    }
    await sleep(POLL_MS)
  }
}

async function askDataDirectory(url: string): Promise<{ dataDir: string } | { dataDir?: never; reason: string }> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const shown = await client.query<{ data_directory: string }>('SHOW data_directory')
    return { dataDir: onlyRow(shown).data_directory }
  } catch (err) {
    return { reason: (err as Error).message }
  } finally {
    await client.end()
  }
}

export function logFile(dataDir: string): string {
  return join(dataDir, 'server.log')
}

export interface StartOptions {
  readonly binaries: EmbeddedBinaries
  readonly account: Account | undefined
  readonly dataDir: string
  readonly port: number
  readonly maxConnections: number
  readonly durable: boolean
}

/** How a start ended: 'started', 'port-taken', or 'in-use' while processes of a killed postmaster are still going away. */
export type StartOutcome = 'started' | 'port-taken' | 'in-use'

/** Starts a postmaster and returns when it accepts connections. Throws a StartFault that quotes PostgreSQL's reason. */
export async function startPostmaster(options: StartOptions): Promise<StartOutcome> {
  const { binaries, account, dataDir, port, maxConnections, durable } = options
  const log = logFile(dataDir)
  const before = rotate(log)
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: maxConnections,
    log_checkpoints: 'off',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  const flags = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)
  const args = ['start', '-D', dataDir, '-l', log, '-w', '-t', String(START_TIMEOUT_S), '-o', flags.join(' ')]
  const { exitCode, output } = await runProgram(binaries.pgCtl, args, account)
  if (exitCode === 0) return 'started'
  const written = existsSync(log) ? readFileSync(log).subarray(before).toString('utf8') : ''
  if (/could not bind IPv4 address|could not create any TCP\/IP sockets/.test(written)) return 'port-taken'
  if (/is still in use/.test(written)) return 'in-use'
  throw startFault(dataDir, `${written}\n${output}`)
}

/** Stops the postmaster of this folder, letting transactions go; returns when it is gone. Fine when there is none. */
export async function stopPostmaster(
  binaries: EmbeddedBinaries,
  account: Account | undefined,
  dataDir: string,
): Promise<void> {
  const pidFile = readPidFile(dataDir)
  if (pidFile === null || !isPostmasterOf(dataDir, pidFile)) return
  const args = ['stop', '-D', dataDir, '-m', 'fast', '-w', '-t', String(STOP_TIMEOUT_S)]
  const { exitCode, output } = await runProgram(binaries.pgCtl, args, account)
  if (exitCode !== 0 && isProcessAlive(pidFile.pid)) {
    throw new Error(`PostgreSQL (pid ${pidFile.pid}) could not be stopped: ${output.trim()}`)
  }
}

/** Begins a new log file when the old one is large; returns where in the file the next start begins. */
function rotate(log: string): number {
  const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0
  if (size <= LOG_LIMIT_BYTES) return size
  renameSync(log, `${log}.1`)
  return 0
}

/** Removes a postmaster.pid whose process is not a postmaster of this folder; PostgreSQL itself would refuse to start. */
export function removeStalePidFile(dataDir: string): void {
  rmSync(join(dataDir, 'postmaster.pid'), { force: true })
}

export const NEEDED_BYTES = 300 * 1024 * 1024

export function freeBytes(folder: string): number {
  const stats = statfsSync(folder)
  return stats.bavail * stats.bsize
}

/** The fault for a PostgreSQL that did not come up: the disk, or its own last words. */
export function startFault(dataDir: string, output: string): StartFault {
  if (/No space left on device/.test(output)) {
    const free = freeBytes(existsSync(dataDir) ? dataDir : dirname(dataDir))
    return diskFull(dataDir, free)
  }
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter(
      (line) => line !== '' && !/^waiting for server to start|^pg_ctl: could not start|^Examine the log/.test(line),
    )
  return new StartFault(
    `PostgreSQL could not start in ${dataDir}: ${lines.slice(-5).join(' · ') || 'it said nothing'}`,
    `See ${logFile(dataDir)}, or set DATABASE_URL to use another PostgreSQL.`,
  )
}

export function diskFull(dataDir: string, free: number): StartFault {
  const gigabytes = (bytes: number) => (bytes / 1024 ** 3).toFixed(1)
  return new StartFault(
    `PostgreSQL could not start in ${dataDir}: the disk is full (${gigabytes(free)} GB free, ${gigabytes(NEEDED_BYTES)} GB needed).`,
    'Make room, or set CADRE_DIR to a folder on another disk.',
  )
}
