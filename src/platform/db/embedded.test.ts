import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import {
  afterwards,
  isRoot,
  one,
  postmasterPid,
  project,
  start,
  startInAnotherProcess,
} from '../../../test/support/embedded.ts'
import { runSql } from '../../../test/support/sql.ts'
import { createLogger } from '../observability/logger.ts'
import { startEmbedded } from './embedded.ts'
import { isProcessAlive } from './process-identity.ts'

const log = createLogger({ level: 'error', format: 'json' })

describe('the embedded PostgreSQL', () => {
  it('gives a database whose owner may create roles and databases and is no superuser', async () => {
    const postgres = await start(project())
    const [me] = await runSql(
      postgres.url,
      `SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, datname, pg_encoding_to_char(encoding) AS encoding
         FROM pg_roles JOIN pg_database ON datdba = pg_roles.oid WHERE rolname = current_user AND datname = current_database()`,
    )
    expect(me).toEqual({
      rolname: 'cadre',
      rolsuper: false,
      rolcreaterole: true,
      rolcreatedb: true,
      rolbypassrls: false,
      datname: 'cadre',
      encoding: 'UTF8',
    })
    expect(await one(postgres.adminUrl, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toBe(true)
    expect(postgres.version).toMatch(/^18\./)
  })

  it('listens on loopback only and asks for the password', async () => {
    const postgres = await start(project())
    expect(await one(postgres.adminUrl, 'SHOW listen_addresses')).toBe('127.0.0.1')
    expect(await one(postgres.adminUrl, 'SHOW unix_socket_directories')).toBe('')
    expect(
      await one(postgres.adminUrl, "SELECT rolpassword ^@ 'SCRAM-SHA-256' FROM pg_authid WHERE rolname = 'cadre'"),
    ).toBe(true)
    const wrong = new URL(postgres.url)
    wrong.password = 'wrong'
    await expect(runSql(wrong.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/)
  })

  it('keeps its data, its port and its passwords for the next start, closed to other users', async () => {
    const dir = project()
    const first = await start(dir)
    await runSql(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    await first.stop()
    expect(() => postmasterPid(dir)).toThrow('no postmaster runs')
    const credentials = statSync(join(dir, 'postgres-18', 'cadre.json'))
    expect(credentials.mode & 0o777).toBe(0o600)
    const second = await start(dir)
    expect(second.url).toBe(first.url)
    expect(second.adopted).toBe(false)
    expect(await one(second.url, 'SELECT answer FROM kept')).toBe(42)
  })

  it('is durable unless tests ask otherwise', async () => {
    const dir = project()
    const durable = await startEmbedded({ dir, log })
    afterwards(() => durable.stop())
    for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
      expect(await one(durable.url, `SHOW ${setting}`)).toBe('on')
    }
    await durable.stop()
    expect(await one((await start(dir)).url, 'SHOW fsync')).toBe('off')
  })

  it('takes another port when its own is taken', async () => {
    const dir = project()
    const first = await start(dir)
    await first.stop()
    const port = Number(new URL(first.url).port)
    const squatter = createServer().listen(port, '127.0.0.1')
    await once(squatter, 'listening')
    afterwards(async () => void squatter.close())
    const second = await start(dir)
    expect(Number(new URL(second.url).port)).not.toBe(port)
    expect(await one(second.url, 'SELECT 1 AS one')).toBe(1)
  })

  it('outlives a process that is killed, and the next process adopts it with everything committed', async () => {
    const dir = project()
    const child = await startInAnotherProcess(dir)
    const pid = postmasterPid(dir)
    await runSql(child.said.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    child.process.kill('SIGKILL')
    await once(child.process, 'exit')
    expect(isProcessAlive(pid)).toBe(true)
    const adopted = await start(dir)
    expect(adopted.adopted).toBe(true)
    expect(postmasterPid(dir)).toBe(pid)
    expect(await one(adopted.url, 'SELECT answer FROM kept')).toBe(42)
    await adopted.stop()
    await expect.poll(() => isProcessAlive(pid)).toBe(false)
  })

  it('comes up once when two processes start it at the same moment, and goes with the last of them', async () => {
    const dir = project()
    const both = await Promise.all([startInAnotherProcess(dir), startInAnotherProcess(dir)])
    expect(both.map((child) => child.said.adopted).sort()).toEqual([false, true])
    expect(both[0].said.url).toBe(both[1].said.url)
    const pid = postmasterPid(dir)
    await both[0].stop()
    expect(await one(both[1].said.url, 'SELECT 1 AS one')).toBe(1)
    await both[1].stop()
    await expect.poll(() => isProcessAlive(pid)).toBe(false)
  })

  it('starts when postmaster.pid names a living process that is not PostgreSQL', async () => {
    const dir = project()
    const first = await start(dir)
    await runSql(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const pidFile = readFileSync(join(dir, 'postgres-18', 'postmaster.pid'), 'utf8')
    await first.stop()
    const stale = pidFile.split('\n').with(0, String(process.pid)).join('\n')
    writeFileSync(join(dir, 'postgres-18', 'postmaster.pid'), stale)
    const second = await start(dir)
    expect(second.adopted).toBe(false)
    expect(await one(second.url, 'SELECT answer FROM kept')).toBe(42)
  })

  it('recovers everything committed when PostgreSQL itself was killed', async () => {
    const dir = project()
    const first = await startEmbedded({ dir, log })
    afterwards(() => first.stop())
    const user = new pg.Client({ connectionString: first.url })
    user.on('error', () => {})
    await user.connect()
    afterwards(() => user.end())
    await runSql(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    process.kill(postmasterPid(dir), 'SIGKILL')
    const second = await start(dir)
    expect(second.adopted).toBe(false)
    expect(await one(second.url, 'SELECT answer FROM kept')).toBe(42)
  })

  it('begins anew when its folder was deleted', async () => {
    const dir = project()
    const first = await start(dir)
    await runSql(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    rmSync(dir, { recursive: true })
    const second = await start(dir)
    expect(await one(second.url, "SELECT to_regclass('kept') AS kept")).toBeNull()
  })

  it('goes with its last process also when the notes of who uses it were deleted', async () => {
    const dir = project()
    const postgres = await start(dir)
    rmSync(join(dir, 'postgres-users'), { recursive: true })
    await postgres.stop()
    expect(() => postmasterPid(dir)).toThrow('no postmaster runs')
  })

  it('quotes initdb when the folder cannot hold a database, and leaves nothing half made in it', async () => {
    // Longer than PostgreSQL's paths may be, shorter than the system's.
    const dir = join(project(), ...Array.from({ length: 5 }, () => 'long'.repeat(60)))
    await expect(start(dir)).rejects.toThrow(/PostgreSQL could not start in /)
    expect(readdirSync(dir)).toEqual(['postgres-users'])
    expect(readdirSync(join(dir, 'postgres-users'))).toEqual([])
  })

  it('is refused in words where a file stands in the place of its folder', async () => {
    const file = join(project(), 'file')
    writeFileSync(file, '')
    await expect(start(join(file, '.cadre'))).rejects.toThrow(/cannot hold a database: ENOTDIR/)
  })

  it('never touches the original when a folder was copied while PostgreSQL ran', async () => {
    const dir = project()
    const original = await start(dir)
    await runSql(original.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await runSql(original.adminUrl, 'CHECKPOINT')
    const copyDir = join(project(), 'copy')
    cpSync(dir, copyDir, { recursive: true, preserveTimestamps: true })
    giveLikeOriginal(dir, copyDir)
    const copy = await start(copyDir)
    expect(copy.adopted).toBe(false)
    expect(new URL(copy.url).port).not.toBe(new URL(original.url).port)
    await runSql(copy.url, 'DROP TABLE kept')
    await copy.stop()
    expect(() => postmasterPid(copyDir)).toThrow('no postmaster runs')
    expect(await one(original.url, 'SELECT answer FROM kept')).toBe(42)
  })

  it('says so when the data is there but the password to it is not', async () => {
    const dir = project()
    await (await start(dir)).stop()
    rmSync(join(dir, 'postgres-18', 'cadre.json'))
    await expect(start(dir)).rejects.toThrow(/holds a database, but not the password to it/)
  })

  it('does not begin an empty database beside one of another major version', async () => {
    const dir = project()
    mkdirSync(join(dir, 'postgres-17'))
    await expect(start(dir)).rejects.toThrow(/postgres-17 was written by another PostgreSQL/)
  })

  it('leaves no server behind when the start fails after it came up', async () => {
    const dir = project()
    const first = await start(dir)
    await runSql(first.adminUrl, 'DROP DATABASE cadre')
    await runSql(first.adminUrl, 'ALTER DATABASE template1 IS_TEMPLATE false')
    await runSql(first.adminUrl, 'ALTER DATABASE template1 RENAME TO gone')
    await first.stop()
    await expect(start(dir)).rejects.toThrow(/template1/)
    expect(() => postmasterPid(dir)).toThrow('no postmaster runs')
  })

  it('quotes PostgreSQL when it does not start', async () => {
    const dir = project()
    await (await start(dir)).stop()
    writeFileSync(join(dir, 'postgres-18', 'postgresql.conf'), 'no_such_setting = 1\n')
    await expect(start(dir)).rejects.toThrow(
      /could not start in .*unrecognized configuration parameter "no_such_setting"/,
    )
  })
})

/** A copy made by root belongs to root, which cp -a would not have done. */
function giveLikeOriginal(from: string, to: string): void {
  if (!isRoot) return
  const { uid, gid } = statSync(join(from, 'postgres-18'))
  const result = spawnSync('chown', ['-R', `${uid}:${gid}`, join(to, 'postgres-18')])
  if (result.status !== 0) throw new Error(String(result.stderr))
}
