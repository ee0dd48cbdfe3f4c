import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import { processIdentity } from '../../src/platform/db/process-identity.ts'
import { visit } from '../front-door/visitor.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase } from '../support/test-database.ts'
import type { Hour } from './hour.ts'
import type { Ended } from './terminal.ts'

const cleanups: (() => unknown)[] = []

/** Code that Node runs before the program. */
const first = (code: string): string => `--import "data:text/javascript,${encodeURIComponent(code)}"`

const postmasters = (dir: string): string[] =>
  readdirSync(dir).filter((name) => existsSync(join(dir, name, 'postmaster.pid')))

/** Starts Cadre where it cannot be started. */
export function failToStart(hour: Hour): void {
  /** In a folder of its own, on a port of its own: the newcomer's server has the usual ones, and the port is looked at first. */
  async function start(env: Readonly<Record<string, string>> = {}, nodeArgs = ''): Promise<Ended & { dir: string }> {
    const { newcomer } = hour
    const dir = env.CADRE_DIR ?? newcomer.openFolder()
    const PORT = String(await findFreePort())
    const command = `node ${nodeArgs} dist/main.js start`
    return { ...(await newcomer.terminal.run(command, { PORT, CADRE_DIR: dir, ...env })), dir }
  }

  /** Exit code 1 and exactly these two lines at the end: no stack, and nothing is left running. */
  function expectTwoLines({ exitCode, output, dir }: Ended & { dir: string }, what: string, hint: string): void {
    expect(output.slice(output.indexOf('✖'))).toBe(`✖ ${what}\n  ${hint}\n`)
    expect(exitCode).toBe(1)
    expect(output).not.toMatch(/^\s+at /m)
    expect(postmasters(dir)).toEqual([])
  }

  describe('a start that cannot be', () => {
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    })

    test('because another Cadre has the port names its process and since when, and leaves it alone', async () => {
      const { url, port } = hour.newcomer
      const alive = JSON.parse((await visit(`${url}/health/live`)).body) as { process: { identity: string } }
      const pid = Number.parseInt(alive.process.identity, 10)
      const second = await start({ PORT: String(port) })
      const [, since = ''] = /since (\d\d:\d\d)\)/.exec(second.output) ?? []
      const [, other = ''] = /PORT=(\d+)/.exec(second.output) ?? []
      expectTwoLines(
        second,
        `Port ${port} is taken, by another Cadre (pid ${pid}, since ${since}).`,
        `PORT=${other} npm start   or stop it: kill ${pid}`,
      )
      expect(Number(other)).toBeGreaterThan(port)
      expect(readdirSync(second.dir)).toEqual([])
      expect((await fetch(`${url}/health/ready`)).status).toBe(200)
    })

    test('because a foreign program has the port does not call it a Cadre, whatever that program claims', async () => {
      const claims = [
        'hello',
        JSON.stringify({
          status: 'ok',
          process: { identity: '1 another-machine 7', startedAt: new Date().toISOString() },
        }),
        JSON.stringify({ status: 'ok', process: { identity: processIdentity(process.pid), startedAt: 7 } }),
      ]
      for (const claim of claims) {
        const foreign = createServer((_request, response) => response.end(claim))
        foreign.listen(0, '127.0.0.1')
        await once(foreign, 'listening')
        const { port } = foreign.address() as AddressInfo
        const ended = await start({ PORT: String(port) })
        foreign.close()
        const [, other = ''] = /PORT=(\d+)/.exec(ended.output) ?? []
        expectTwoLines(ended, `Port ${port} is taken, by another program.`, `PORT=${other} npm start`)
      }
    })

    test('because nobody answers at DATABASE_URL names the address and the reason, and keeps the password', async () => {
      const port = await findFreePort()
      expectTwoLines(
        await start({ DATABASE_URL: `postgres://somebody:secret@127.0.0.1:${port}/cadre` }),
        `DATABASE_URL: nobody answers at 127.0.0.1:${port} (connection refused).`,
        'Leave DATABASE_URL out to use the embedded PostgreSQL.',
      )
    })

    test('because the database is newer than the code names both, and leaves it as it is', async () => {
      const database = await createTestDatabase()
      cleanups.push(() => database.drop())
      await runSql(
        database.url,
        `insert into _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
         values ('later', 'x', '29991201000000_later', now(), 1)`,
      )
      const newest = await runSql<{ name: string }>(
        database.url,
        `select max(migration_name) as name from _prisma_migrations where migration_name < '2999'`,
      )
      expectTwoLines(
        await start({ DATABASE_URL: database.url }),
        `The database is newer than this code: it has 29991201000000_later, the code ends at ${newest[0]?.name}.`,
        'Update Cadre, or use another database.',
      )
    })

    test('because settings are wrong names all of them at once', async () => {
      expectTwoLines(
        await start({ PORT: '40o0', LOG_LEVEL: 'loud', ANTHROPIC_BASE_URL: 'nowhere' }),
        '3 settings are wrong: PORT "40o0" is not a number · LOG_LEVEL "loud" is none of error warn info debug · ANTHROPIC_BASE_URL is not a URL',
        'Put them right, or leave them out: each has a default.',
      )
    })

    test('because Node is too old is told so before anything is loaded', async () => {
      const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.19.0' } })`
      const ended = await start({}, first(old))
      expectTwoLines(
        ended,
        'Node 18.19.0 is too old. Cadre needs Node 20.19 or newer.',
        'Get one from https://nodejs.org, or: nvm install 22',
      )
      expect(ended.output.indexOf('✖')).toBe(0)
    })

    test('because the disk is nearly full says what is free and what is needed', async () => {
      const full = `import fs from 'node:fs'
        import { syncBuiltinESMExports } from 'node:module'
        fs.statfsSync = () => ({ bavail: 25_000, bsize: 4_096 })
        syncBuiltinESMExports()`
      const ended = await start({}, first(full))
      expectTwoLines(
        ended,
        `PostgreSQL could not start in ${join(ended.dir, 'postgres-18')}: the disk is full (0.1 GB free, 0.3 GB needed).`,
        'Make room, or set CADRE_DIR to a folder on another disk.',
      )
    })

    test('because a real disk is full leaves no PostgreSQL behind', async (context) => {
      const disk = hour.newcomer.openFolder()
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=755', 'cadre-test', disk]).status !== 0) {
        process.stderr.write('A small disk cannot be mounted here: only a disk that is said to be full is tested.\n')
        return context.skip('a small disk cannot be mounted')
      }
      cleanups.push(() => spawnSync('umount', ['-l', disk]))
      const dir = join(disk, 'cadre')
      mkdirSync(dir)
      expectTwoLines(
        await start({ CADRE_DIR: dir }),
        `PostgreSQL could not start in ${join(dir, 'postgres-18')}: the disk is full (0.0 GB free, 0.3 GB needed).`,
        'Make room, or set CADRE_DIR to a folder on another disk.',
      )
      expect(existsSync(join(dir, 'postgres-18'))).toBe(false)
    })

    test('for a reason that nobody foresaw is a line and where to look; the stack is for who asks for it', async () => {
      const dir = hour.newcomer.openFolder()
      // A folder where the demo's key should be a file: PostgreSQL runs by the time it is missed.
      mkdirSync(join(dir, 'demo-key'))
      const quiet = await start({ CADRE_DIR: dir })
      expect(quiet.exitCode).toBe(1)
      expect(quiet.output).toMatch(/✖ This should not have happened: .*\n {2}LOG_LEVEL=debug shows where: .*\n$/)
      const loud = await start({ CADRE_DIR: dir, LOG_LEVEL: 'debug' })
      expect(loud.exitCode).toBe(1)
      expect(loud.output).toMatch(/✖ This should not have happened: .*\n[\s\S]*^ {4}at /m)
      expect(existsSync(join(dir, 'postgres-18'))).toBe(true)
      expect(postmasters(dir)).toEqual([])
    })
  })
}
