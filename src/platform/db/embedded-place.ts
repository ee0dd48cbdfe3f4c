// Where the embedded PostgreSQL keeps its data.
//
// In the project's folder (`.cadre/postgres-18`) wherever the user that runs PostgreSQL can get there. Where it cannot
// (root's project below a closed folder) the data lives in a folder of its own elsewhere and `.cadre/postgres-18` is a
// symbolic link to it; that folder names the project it belongs to. So deleting `.cadre` always means a fresh database,
// a project that was moved keeps its data, and a project that was copied, link and all, gets its own.

import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { StartFault } from '../lib/start-fault.ts'
import type { Logger } from '../observability/logger.ts'
import { type Account, accountFor, canEnter } from './embedded-account.ts'

export interface Place {
  /** What people see: `.cadre/postgres-18`. */
  readonly visible: string
  /** The folder PostgreSQL is given; it may not exist yet, its parent does. */
  readonly dataDir: string
  readonly account: Account | undefined
}

const OWNER_FILE = 'project'

/** The folder for root's databases and copies of the binaries: /var/lib/cadre, or below the temporary folder. */
export function defaultRootDir(usual = '/var/lib/cadre'): string {
  try {
    return makeOpenFolder(usual)
  } catch (err) {
    if (!['EROFS', 'EACCES', 'EPERM', 'ENOENT', 'ENOSPC'].includes((err as NodeJS.ErrnoException).code ?? '')) throw err
    return makeOpenFolder(join(tmpdir(), 'cadre-root'))
  }
}

/** A folder of root's that others may enter and not write, whatever our umask. */
function makeOpenFolder(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const stats = lstatSync(folder)
  if (!stats.isDirectory() || stats.uid !== 0) {
    throw new StartFault(`${folder} belongs to somebody else: it is no place for a database.`, 'Set DATABASE_URL.')
  }
  chmodSync(folder, 0o755)
  return folder
}

/** Decides where the data of the project whose folder is `dir` lives, and who runs PostgreSQL. `dir` must exist. */
export function findPlace(dir: string, major: number, rootDir: () => string, log: Logger): Place {
  const visible = join(dir, `postgres-${major}`)
  const stats = lstatSync(visible, { throwIfNoEntry: false })
  if (stats?.isSymbolicLink() === true) {
    const linked = followLink(dir, visible, log)
    if (linked !== undefined) return { visible, dataDir: linked, account: accountFor(linked) }
    unlinkSync(visible)
  } else if (stats !== undefined) {
    const account = accountFor(visible)
    if (account !== undefined && !canEnter(account, dir)) {
      throw new StartFault(
        `PostgreSQL runs as the user ${account.name}, who cannot enter ${dir}.`,
        'Open the folders above it to that user (chmod o+x), or move the project.',
      )
    }
    return { visible, dataDir: realpathSync(visible), account }
  }
  refuseOtherMajor(dir, major)
  const account = accountFor(visible)
  if (canEnter(account, dir)) return { visible, dataDir: join(realpathSync(dir), basename(visible)), account }
  return { visible, dataDir: relocate(dir, visible, rootDir(), log), account }
}

/** An empty database beside a full one would look like a lost one. */
function refuseOtherMajor(dir: string, major: number): void {
  const other = readdirSync(dir).find((name) => /^postgres-\d+$/.test(name))
  if (other === undefined || other === `postgres-${major}`) return
  throw new StartFault(
    `${join(dir, other)} was written by another PostgreSQL; this Cadre carries PostgreSQL ${major}.`,
    'Start it with the Cadre that wrote it, or move that folder away to begin with an empty database.',
  )
}

function relocate(dir: string, visible: string, rootDir: string, log: Logger): string {
  for (const name of readdirSync(rootDir)) {
    if (readOwner(join(rootDir, name)) === dir) {
      log.warn({ folder: join(rootDir, name) }, 'an earlier database of this project is left; delete it if unneeded')
    }
  }
  const home = mkdtempSync(join(rootDir, 'project-'))
  chmodSync(home, 0o755) // the data folder inside is closed to all but PostgreSQL's user
  writeFileSync(join(home, OWNER_FILE), dir)
  const dataDir = join(home, basename(visible))
  symlinkSync(dataDir, visible)
  return dataDir
}

/** The data folder behind the link, or undefined when there is none or it is another project's. */
function followLink(dir: string, visible: string, log: Logger): string | undefined {
  const dataDir = readlinkSync(visible)
  const home = dirname(dataDir)
  const owner = readOwner(home)
  if (owner === undefined) return undefined
  if (owner === dir) return dataDir
  const theirs = join(owner, basename(visible))
  const copied =
    lstatSync(theirs, { throwIfNoEntry: false })?.isSymbolicLink() === true && readlinkSync(theirs) === dataDir
  if (copied) {
    log.warn({ project: owner }, 'this folder was copied from another project: it gets a database of its own')
    return undefined
  }
  writeFileSync(join(home, OWNER_FILE), dir)
  return dataDir
}

function readOwner(home: string): string | undefined {
  const file = join(home, OWNER_FILE)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

/** Makes a folder that only the account (undefined: ourselves) may enter. */
export function createPrivateFolder(folder: string, account: Account | undefined): void {
  mkdirSync(folder, { mode: 0o700 })
  if (account !== undefined) chownSync(folder, account.uid, account.gid)
}

/** Writes a file that only the account (undefined: ourselves) and root can read. */
export function writePrivateFile(file: string, content: string, account: Account | undefined): void {
  writeFileSync(file, content, { mode: 0o600 })
  if (account !== undefined) chownSync(file, account.uid, account.gid)
}
