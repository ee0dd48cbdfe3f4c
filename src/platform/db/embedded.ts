// The embedded PostgreSQL: a real server that runs beside Cadre, so that nothing else needs to be installed.
//
// The server outlives us on purpose. It runs in a session of its own: Ctrl-C at our terminal does not reach it, and
// when our process is killed the next one *adopts* the running server instead of fighting it. Its life:
//
//   absent   → (initdb in a folder aside, moved into place when complete)      → stopped
//   stopped  → (pg_ctl start; a kept port, another when it is taken)            → running
//   running  → (start by any process of this project: adopted)                  → running
//   running  → (stop by the last process that uses it: fast shutdown)           → stopped
//   killed   → (start: stale postmaster.pid is set aside, PostgreSQL recovers)  → running
//
// Everything that changes the state happens under one lock file of the project's folder. Every process that uses the
// server leaves a note with its identity, so that the first to finish does not take the database from the others.

import { randomBytes } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { StartFault } from '../lib/start-fault.ts'
import type { Logger } from '../observability/logger.ts'
import { type EmbeddedBinaries, findPackagedBinaries, prepareBinaries } from './embedded-binaries.ts'
import { type Credentials, readCredentials, urls, writeCredentials } from './embedded-credentials.ts'
import { createPrivateFolder, defaultRootDir, findPlace, type Place, writePrivateFile } from './embedded-place.ts'
import {
  diskFull,
  freeBytes,
  NEEDED_BYTES,
  readPidFile,
  removeStalePidFile,
  runProgram,
  startFault,
  startPostmaster,
  stopPostmaster,
  waitUntilAccepting,
} from './embedded-postmaster.ts'
import { findFreePort, isFree } from './free-port.ts'
import { onlyRow } from './only-row.ts'
import { isIdentityAlive, processIdentity } from './process-identity.ts'
import { withStartLock } from './start-lock.ts'

const LOCK_WAIT_MS = 90_000
const IN_USE_RETRIES = 100
const IN_USE_WAIT_MS = 100

export interface EmbeddedOptions {
  /** The project's folder, usually `.cadre`; made when missing. */
  readonly dir: string
  readonly log: Logger
  readonly maxConnections?: number
  /** False for tests: faster, and a power cut may cost the database. */
  readonly durable?: boolean
  /** Where a Cadre that runs as root keeps what its own folders cannot hold. */
  readonly rootDir?: string
}

export interface EmbeddedPostgres {
  /** For the user `cadre`, who owns the database `cadre` and may create roles and databases but is no superuser. */
  readonly url: string
  /** For the superuser. */
  readonly adminUrl: string
  /** True when the server was already running. */
  readonly adopted: boolean
  /** e.g. "18.4". */
  readonly version: string
  /** Where people find the data, e.g. `/project/.cadre/postgres-18`. */
  readonly dataDir: string
  /**
   * Gives the server back: the last process that uses it stops it (open transactions are rolled back). Returns when that
   * is done; may be called again.
   */
  stop(): Promise<void>
}

/**
 * Starts the project's PostgreSQL, or adopts the one that runs, and returns how to reach it. Safe to call from several
 * processes at once. Throws a StartFault when it cannot.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dir = resolve(options.dir)
  const packaged = findPackagedBinaries()
  makeWritableFolder(dir)
  const lockFile = join(dir, 'postgres.lock')
  try {
    return await withStartLock(lockFile, LOCK_WAIT_MS, async () => {
      const rootDir = () => options.rootDir ?? defaultRootDir()
      const place = findPlace(dir, packaged.major, rootDir, options.log)
      const binaries = prepareBinaries(packaged, place.account, place.account === undefined ? () => dir : rootDir)
      return comeUp({ ...place, binaries, options }, dir, lockFile)
    })
  } catch (err) {
    const isFull = (err as NodeJS.ErrnoException).code === 'ENOSPC'
    throw isFull ? diskFull(join(dir, `postgres-${packaged.major}`), freeBytes(dir)) : err
  }
}

/** Under the lock: initialise, adopt or start; whatever fails, no server of ours is left behind. */
async function comeUp(cluster: Cluster, dir: string, lockFile: string): Promise<EmbeddedPostgres> {
  const note = leaveNote(cluster, dir)
  try {
    if (!existsSync(cluster.dataDir)) await initialize(cluster)
    const adopted = await adopt(cluster)
    if (!adopted) await start(cluster)
    const { url, adminUrl } = urls(cluster)
    const version = await ensureOwner(cluster, adminUrl)
    let stopping: Promise<void> | undefined
    const stop = () => {
      stopping ??= giveBack(cluster, dir, lockFile, note)
      return stopping
    }
    return { url, adminUrl, adopted, version, dataDir: cluster.visible, stop }
  } catch (err) {
    await letGo(cluster, dir, note)
    throw err
  }
}

function makeWritableFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true })
    accessSync(dir, constants.W_OK | constants.X_OK)
  } catch (err) {
    const { message } = err as Error
    throw new StartFault(`${dir} cannot hold a database: ${message}.`, 'Set CADRE_DIR to a folder of your own.', err)
  }
}

interface Cluster extends Place {
  readonly binaries: EmbeddedBinaries
  readonly options: EmbeddedOptions
}

async function initialize({ dataDir, account, binaries, options, visible }: Cluster): Promise<void> {
  const parent = dirname(dataDir)
  const free = freeBytes(parent)
  if (free < NEEDED_BYTES) throw diskFull(visible, free)
  const unfinished = `${dataDir}.new`
  const passwordFolder = `${dataDir}.password`
  for (const leftover of [unfinished, passwordFolder]) rmSync(leftover, { recursive: true, force: true })
  createPrivateFolder(unfinished, account)
  createPrivateFolder(passwordFolder, account)
  const credentials: Credentials = {
    adminPassword: randomBytes(24).toString('hex'),
    password: randomBytes(24).toString('hex'),
    port: await findFreePort(),
  }
  const passwordFile = join(passwordFolder, 'password')
  writePrivateFile(passwordFile, credentials.adminPassword, account)
  const args = [
    ...['-D', unfinished, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
    ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...['-c', 'timezone=UTC', '-c', 'log_timezone=UTC', '--no-instructions'],
    ...(options.durable === false ? ['--no-sync'] : []),
  ]
  const { exitCode, output } = await runProgram(binaries.initdb, args, account)
  rmSync(passwordFolder, { recursive: true, force: true })
  if (exitCode !== 0) {
    rmSync(unfinished, { recursive: true, force: true })
    throw startFault(visible, output)
  }
  writeCredentials(unfinished, credentials, account)
  renameSync(unfinished, dataDir)
}

/** True when a server of this folder runs and accepts us; a stale postmaster.pid is removed. */
async function adopt(cluster: Cluster): Promise<boolean> {
  const { dataDir } = cluster
  const pidFile = readPidFile(dataDir)
  if (pidFile === null) return false
  if (!(await waitUntilAccepting(dataDir, urls(cluster).adminUrl))) {
    removeStalePidFile(dataDir)
    return false
  }
  writeCredentials(dataDir, { ...readCredentials(cluster), port: pidFile.port }, cluster.account)
  return true
}

async function start(cluster: Cluster): Promise<void> {
  const { dataDir, account, binaries, options } = cluster
  const credentials = readCredentials(cluster)
  let port = (await isFree(credentials.port)) ? credentials.port : await findFreePort()
  for (let attempt = 0; ; attempt++) {
    const outcome = await startPostmaster({
      binaries,
      account,
      dataDir,
      port,
      maxConnections: options.maxConnections ?? 200,
      durable: options.durable ?? true,
    })
    if (outcome === 'started') break
    if (attempt >= IN_USE_RETRIES) throw startFault(cluster.visible, `it cannot start: ${outcome}`)
    if (outcome === 'port-taken') port = await findFreePort()
    else await sleep(IN_USE_WAIT_MS)
  }
  if (port !== credentials.port) writeCredentials(dataDir, { ...credentials, port }, account)
}

/** Makes the user and the database Cadre works with, where they are missing; returns the server's version. */
async function ensureOwner(cluster: Cluster, adminUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    const found = onlyRow(
      await client.query<{ version: string; role: boolean; database: boolean }>(
        `SELECT current_setting('server_version') AS version,
                EXISTS (SELECT FROM pg_roles WHERE rolname = 'cadre') AS role,
                EXISTS (SELECT FROM pg_database WHERE datname = 'cadre') AS database`,
      ),
    )
    if (!found.role) {
      const password = client.escapeLiteral(readCredentials(cluster).password)
      await client.query(`CREATE ROLE cadre LOGIN CREATEROLE CREATEDB PASSWORD ${password}`)
    }
    if (!found.database) await client.query('CREATE DATABASE cadre OWNER cadre')
    return found.version
  } finally {
    await client.end()
  }
}

async function giveBack(cluster: Cluster, dir: string, lockFile: string, note: string): Promise<void> {
  // Somebody deleted the project's folder: there is nobody left to agree with, and perhaps a server without its files.
  if (!existsSync(dir)) return stopPostmaster(cluster.binaries, cluster.account, cluster.dataDir)
  await withStartLock(lockFile, LOCK_WAIT_MS, () => letGo(cluster, dir, note))
}

/** Under the lock: stops the server unless another living process uses it. */
async function letGo({ binaries, account, dataDir }: Cluster, dir: string, note: string): Promise<void> {
  rmSync(note, { force: true })
  if (!hasUsers(dataDir, dir)) await stopPostmaster(binaries, account, dataDir)
}

function notesFolder(dir: string): string {
  return join(dir, 'postgres-users')
}

function leaveNote({ dataDir }: Cluster, dir: string): string {
  mkdirSync(notesFolder(dir), { recursive: true })
  const note = join(notesFolder(dir), randomBytes(8).toString('hex'))
  writeFileSync(note, `${processIdentity(process.pid)}\n${dataDir}`)
  return note
}

/**
 * True when a living process uses the server of this data folder. Notes of the dead are removed; those that speak of
 * another folder do not count: a copied project brings the notes of its original along.
 */
function hasUsers(dataDir: string, dir: string): boolean {
  let used = false
  for (const name of existsSync(notesFolder(dir)) ? readdirSync(notesFolder(dir)) : []) {
    const note = join(notesFolder(dir), name)
    const [identity = '', folder] = readFileSync(note, 'utf8').split('\n')
    if (!isIdentityAlive(identity)) unlinkSync(note)
    else if (folder === dataDir) used = true
  }
  return used
}
