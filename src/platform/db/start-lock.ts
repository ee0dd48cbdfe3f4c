// One process at a time, between processes on one machine, by a file.
//
// The lock is a file that names its holder's process. It is written aside and linked into place, so that nobody ever
// reads a half-written one. A holder that died leaves the file behind; whoever finds it removes it, and only one may
// do so at a time (`.break`), else a slow remover would take away the lock that a quick one has just acquired.

import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartFault } from '../lib/start-fault.ts'
import { isIdentityAlive, processIdentity } from './process-identity.ts'

const POLL_MS = 25
const BREAK_ABANDONED_MS = 10_000

/** Tokens this process holds: a file that names this process but not one of them was left by an earlier namesake. */
const held = new Set<string>()

/**
 * Runs `work` while holding the lock file and removes it afterwards. Waits for another holder up to `waitMs`, then
 * throws a StartFault that names the holder.
 */
export async function withStartLock<Result>(
  lockFile: string,
  waitMs: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const token = randomUUID()
  const deadline = Date.now() + waitMs
  held.add(token)
  try {
    while (!tryAcquire(lockFile, token)) {
      breakIfAbandoned(lockFile)
      if (Date.now() > deadline) {
        const holder = read(lockFile)?.identity.split(' ')[0] ?? 'unknown'
        throw new StartFault(
          `The database is being started by another process (pid ${holder}), which does not finish.`,
          `If that process has nothing to do with it, delete ${lockFile} and start again.`,
        )
      }
      await sleep(POLL_MS)
    }
    try {
      return await work()
    } finally {
      rmSync(lockFile, { force: true })
    }
  } finally {
    held.delete(token)
  }
}

function tryAcquire(lockFile: string, token: string): boolean {
  const aside = `${lockFile}.${token}`
  try {
    writeFileSync(aside, JSON.stringify({ identity: processIdentity(process.pid), token }), { mode: 0o600 })
    linkSync(aside, lockFile)
    return true
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw err
  } finally {
    rmSync(aside, { force: true })
  }
}

interface LockContent {
  readonly identity: string
  readonly token: string
}

function read(lockFile: string): LockContent | undefined {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')) as LockContent
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (err instanceof SyntaxError) return { identity: 'unreadable', token: '' }
    throw err
  }
}

function isAbandoned(content: LockContent): boolean {
  if (content.identity === processIdentity(process.pid)) return !held.has(content.token)
  return !isIdentityAlive(content.identity)
}

function breakIfAbandoned(lockFile: string): void {
  const content = read(lockFile)
  if (content === undefined || !isAbandoned(content)) return
  const breaking = `${lockFile}.break`
  try {
    writeFileSync(breaking, '', { flag: 'wx', mode: 0o600 })
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err
    const since = statSync(breaking, { throwIfNoEntry: false })?.mtimeMs
    if (since !== undefined && Date.now() - since > BREAK_ABANDONED_MS) rmSync(breaking, { force: true })
    return
  }
  try {
    const again = read(lockFile)
    if (again !== undefined && again.token === content.token) rmSync(lockFile, { force: true })
  } finally {
    rmSync(breaking, { force: true })
  }
}
