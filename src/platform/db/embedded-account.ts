// Which operating-system user runs the embedded PostgreSQL.
//
// PostgreSQL refuses to run as root. A Cadre that was started by root (containers, small servers) therefore runs it as
// an unprivileged user, and that user must be able to reach both the binaries and the data: a folder below root's home
// or below a fresh `mktemp -d` (mode 0700) is closed to it.

import { accessSync, constants, readFileSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { StartFault } from '../lib/start-fault.ts'

/** The user and group a command runs as; undefined means ours. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const CANDIDATES = ['postgres', '_postgres', 'nobody']

/**
 * The account for PostgreSQL: undefined (ourselves) unless we are root; for root the owner of existing data, else the
 * first of postgres, _postgres and nobody. Throws a StartFault when the machine has none of them.
 */
export function accountFor(dataDir: string, passwd = '/etc/passwd'): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const data = statSync(dataDir, { throwIfNoEntry: false })
  const accounts = readFileSync(passwd, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((account) => account.uid > 0)
  if (data !== undefined && data.uid !== 0) {
    const owner = accounts.find((account) => account.uid === data.uid)
    return owner ?? { name: `uid ${data.uid}`, uid: data.uid, gid: data.gid }
  }
  for (const name of CANDIDATES) {
    const account = accounts.find((candidate) => candidate.name === name)
    if (account !== undefined) return account
  }
  throw new StartFault(
    'PostgreSQL does not run as root, and this machine has no user "postgres" or "nobody" to run it as.',
    'Start Cadre as an ordinary user, or set DATABASE_URL.',
  )
}

/** True when the account (undefined: ourselves) may enter the folder, through every folder above it. */
export function canEnter(account: Account | undefined, folder: string): boolean {
  if (account === undefined) {
    try {
      accessSync(folder, constants.X_OK)
      return true
    } catch {
      return false
    }
  }
  let current = realpathSync(folder)
  for (;;) {
    if (!mayTraverse(account, statSync(current))) return false
    const parent = dirname(current)
    if (parent === current) return true
    current = parent
  }
}

function mayTraverse(account: Account, stats: Stats): boolean {
  if (stats.uid === account.uid) return (stats.mode & 0o100) !== 0
  if (stats.gid === account.gid) return (stats.mode & 0o010) !== 0
  return (stats.mode & 0o001) !== 0
}
