import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { isRoot, one, postmasterPid, project, start } from '../../../test/support/embedded.ts'
import { runSql } from '../../../test/support/sql.ts'
import { createLogger } from '../observability/logger.ts'
import { createPrivateFolder, defaultRootDir, findPlace, writePrivateFile } from './embedded-place.ts'

const log = createLogger({ level: 'error', format: 'json' })
const refuseRootDir = () => {
  throw new Error('the data was to stay in the project')
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe.runIf(isRoot)('the embedded PostgreSQL of root, below a folder closed to all others', () => {
  async function closedProject(): Promise<{ dir: string; rootDir: string; closed: string }> {
    const closed = join(project(), 'closed')
    mkdirSync(closed, { mode: 0o700 })
    const rootDir = project()
    return { closed, dir: join(closed, '.cadre'), rootDir }
  }

  it('keeps its data elsewhere, where the next start finds it', async () => {
    const { dir, rootDir } = await closedProject()
    const first = await start(dir, rootDir)
    await runSql(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    expect(lstatSync(join(dir, 'postgres-18')).isSymbolicLink()).toBe(true)
    expect(realpathSync(join(dir, 'postgres-18')).startsWith(realpathSync(rootDir))).toBe(true)
    const second = await start(dir, rootDir)
    expect(await one(second.url, 'SELECT answer FROM kept')).toBe(42)
  })

  it('begins anew when .cadre was deleted', async () => {
    const { dir, rootDir } = await closedProject()
    const first = await start(dir, rootDir)
    await runSql(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    rmSync(dir, { recursive: true })
    const second = await start(dir, rootDir)
    expect(await one(second.url, "SELECT to_regclass('kept') AS kept")).toBeNull()
  })

  it('keeps its data when the project is moved', async () => {
    const { dir, rootDir, closed } = await closedProject()
    const first = await start(dir, rootDir)
    await runSql(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    const moved = join(closed, 'moved')
    renameSync(dir, moved)
    const second = await start(moved, rootDir)
    expect(await one(second.url, 'SELECT answer FROM kept')).toBe(42)
  })

  it('gives a copied project a database of its own', async () => {
    const { dir, rootDir, closed } = await closedProject()
    const original = await start(dir, rootDir)
    await runSql(original.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const copyDir = join(closed, 'copy')
    cpSync(dir, copyDir, { recursive: true, verbatimSymlinks: true })
    const copy = await start(copyDir, rootDir)
    expect(await one(copy.url, "SELECT to_regclass('kept') AS kept")).toBeNull()
    expect(await one(original.url, 'SELECT answer FROM kept')).toBe(42)
    expect(existsSync(join(dir, 'postgres-18', 'PG_VERSION'))).toBe(true)
    await copy.stop()
    expect(() => postmasterPid(copyDir)).toThrow('no postmaster runs')
    expect(await one(original.url, 'SELECT answer FROM kept')).toBe(42)
  })
})

describe.runIf(isRoot)('the folder for what root’s projects cannot hold', () => {
  it('is open to enter and closed to write for others, whatever the umask', () => {
    const folder = join(project(), 'lib', 'cadre')
    const before = process.umask(0o077)
    try {
      expect(defaultRootDir(folder)).toBe(folder)
    } finally {
      process.umask(before)
    }
    expect(statSync(folder).mode & 0o777).toBe(0o755)
  })

  it.runIf(existsSync('/sys/kernel'))('is below the temporary folder where the usual one cannot be made', () => {
    const temporary = project()
    vi.stubEnv('TMPDIR', temporary)
    expect(defaultRootDir('/sys/kernel/cadre')).toBe(join(temporary, 'cadre-root'))
    expect(lstatSync(join(temporary, 'cadre-root')).isDirectory()).toBe(true)
  })

  it('is not one that somebody else has put there: not his folder, not his link', () => {
    const theirs = join(project(), 'cadre')
    mkdirSync(theirs)
    chownSync(theirs, 54_321, 54_321)
    expect(() => defaultRootDir(theirs)).toThrow(/belongs to somebody else: it is no place for a database/)
    const link = join(project(), 'cadre')
    symlinkSync(project(), link)
    expect(() => defaultRootDir(link)).toThrow(/belongs to somebody else/)
  })

  it('is not replaced by another where a file stands in its way: that is to be seen', () => {
    const file = join(project(), 'file')
    writeFileSync(file, '')
    expect(() => defaultRootDir(join(file, 'cadre'))).toThrow(/ENOTDIR/)
  })
})

describe('the place of a project’s data', () => {
  it('is its own folder again when the link in it leads to nothing', () => {
    const dir = project()
    symlinkSync(join(dir, 'gone', 'postgres-18'), join(dir, 'postgres-18'))
    const place = findPlace(dir, 18, refuseRootDir, log)
    expect(place.dataDir).toBe(join(realpathSync(dir), 'postgres-18'))
    expect(lstatSync(join(dir, 'postgres-18'), { throwIfNoEntry: false })).toBeUndefined()
  })

  it.runIf(isRoot)('is refused, and left alone, where its owner can no longer get to it', () => {
    const dir = project()
    mkdirSync(join(dir, 'postgres-18'))
    chownSync(join(dir, 'postgres-18'), 54_321, 54_321)
    expect(findPlace(dir, 18, refuseRootDir, log).account).toEqual({ name: 'uid 54321', uid: 54_321, gid: 54_321 })
    chmodSync(dir, 0o700)
    expect(() => findPlace(dir, 18, refuseRootDir, log)).toThrow(
      `PostgreSQL runs as the user uid 54321, who cannot enter ${dir}.`,
    )
  })

  it('belongs to whoever is not root, in files that he alone can read', () => {
    vi.spyOn(process, 'getuid').mockReturnValue(1000)
    const dir = project()
    const { dataDir, account } = findPlace(dir, 18, refuseRootDir, log)
    expect(account).toBeUndefined()
    createPrivateFolder(dataDir, account)
    writePrivateFile(join(dataDir, 'secret'), 'secret', account)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(statSync(join(dataDir, 'secret')).mode & 0o777).toBe(0o600)
    expect(findPlace(dir, 18, refuseRootDir, log)).toEqual({ visible: join(dir, 'postgres-18'), dataDir, account })
  })
})
