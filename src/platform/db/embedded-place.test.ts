import { cpSync, existsSync, lstatSync, mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isRoot, one, postmasterPid, project, start } from '../../../test/support/embedded.ts'
import { runSql } from '../../../test/support/sql.ts'

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
