import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import { processIdentity } from '../../src/platform/db/process-identity.ts'
import { type Ended, runProgram } from '../support/program.ts'
import { ServerProcess } from '../support/server-process.ts'
import { runSql } from '../support/sql.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { createTestDatabase } from '../support/test-database.ts'

// What a newcomer sees when a start fails: the command is run as a process of its own, as `npm start` runs it.

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function openFolder(): string {
  const dir = openTemporaryFolder('cadre-start-test-')
  cleanups.push(async () => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Runs `start` to its end. Whatever the test's own environment says of Cadre is left out. */
const start = (env: Record<string, string>, ...nodeArgs: string[]): Promise<Ended> =>
  runProgram(
    ['start'],
    {
      DATABASE_URL: '',
      DATABASE_DIRECT_URL: '',
      ANTHROPIC_API_KEY: '',
      ANTHROPIC_BASE_URL: '',
      LOG_LEVEL: '',
      LOG_FORMAT: 'json',
      ...env,
    },
    nodeArgs,
  )

/** Exit code 1 and exactly these two lines: no stack, and nothing said besides. */
function expectTwoLines(ended: Ended, what: string, hint: string): void {
  expect(ended.stderr).toBe(`✖ ${what}\n  ${hint}\n`)
  expect(ended.exitCode).toBe(1)
  expect(ended.stdout).not.toContain('"level":"error"')
  expect(ended.stdout).not.toMatch(/^\s+at /m)
}

test('a port that another Cadre has is named with its process and since when, and nothing of the second is left', async () => {
  const database = await createTestDatabase()
  cleanups.push(() => database.drop())
  const first = await ServerProcess.start({ databaseUrl: database.url })
  cleanups.push(() => first.remove())
  const dir = openFolder()
  const second = await start({ PORT: String(first.port), CADRE_DIR: dir })
  const [, since = ''] = /since (\d\d:\d\d)\)/.exec(second.stderr) ?? []
  const [, other = ''] = /PORT=(\d+)/.exec(second.stderr) ?? []
  expectTwoLines(
    second,
    `Port ${first.port} is taken, by another Cadre (pid ${first.pid}, since ${since}).`,
    `PORT=${other} npm start   or stop it: kill ${first.pid}`,
  )
  expect(Number(other)).toBeGreaterThan(first.port)
  expect(existsSync(join(dir, 'postgres-18'))).toBe(false)
  expect((await fetch(`${first.url}/health/ready`)).status).toBe(200)
})

test('a port that a foreign program has is not said to be a Cadre, whatever that program claims', async () => {
  const claims = [
    'hello',
    JSON.stringify({ status: 'ok', process: { identity: '1 another-machine 7', startedAt: new Date().toISOString() } }),
    JSON.stringify({ status: 'ok', process: { identity: processIdentity(process.pid), startedAt: 7 } }),
  ]
  for (const claim of claims) {
    const foreign = createServer((_request, response) => response.end(claim))
    foreign.listen(0, '127.0.0.1')
    await once(foreign, 'listening')
    const { port } = foreign.address() as AddressInfo
    const ended = await start({ PORT: String(port), CADRE_DIR: openFolder() })
    foreign.close()
    const [, other = ''] = /PORT=(\d+)/.exec(ended.stderr) ?? []
    expectTwoLines(ended, `Port ${port} is taken, by another program.`, `PORT=${other} npm start`)
  }
})

test('a database where nobody answers is named with its address and the reason', async () => {
  const port = await findFreePort()
  const ended = await start({
    PORT: String(await findFreePort()),
    CADRE_DIR: openFolder(),
    DATABASE_URL: `postgres://somebody:secret@127.0.0.1:${port}/cadre`,
  })
  expectTwoLines(
    ended,
    `DATABASE_URL: nobody answers at 127.0.0.1:${port} (connection refused).`,
    'Leave DATABASE_URL out to use the embedded PostgreSQL.',
  )
})

test('a database that is newer than the code is left as it is', async () => {
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
  const ended = await start({
    PORT: String(await findFreePort()),
    CADRE_DIR: openFolder(),
    DATABASE_URL: database.url,
  })
  expectTwoLines(
    ended,
    `The database is newer than this code: it has 29991201000000_later, the code ends at ${newest[0]?.name}.`,
    'Update Cadre, or use another database.',
  )
})

test('settings that are wrong are told all together', async () => {
  const ended = await start({ PORT: '40o0', LOG_LEVEL: 'loud', ANTHROPIC_BASE_URL: 'nowhere', CADRE_DIR: openFolder() })
  expectTwoLines(
    ended,
    '3 settings are wrong: PORT "40o0" is not a number · LOG_LEVEL "loud" is none of error warn info debug · ANTHROPIC_BASE_URL is not a URL',
    'Put them right, or leave them out: each has a default.',
  )
  expect(ended.stdout).toBe('')
})

test('a Node that is too old is told so before anything is loaded', async () => {
  const disguise = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.19.0' } })`
  const ended = await start(
    { CADRE_DIR: openFolder() },
    '--import',
    `data:text/javascript,${encodeURIComponent(disguise)}`,
  )
  expectTwoLines(
    ended,
    'Node 18.19.0 is too old. Cadre needs Node 20.19 or newer.',
    'Get one from https://nodejs.org, or: nvm install 22',
  )
  expect(ended.stdout).toBe('')
})

test('a full disk is told with what is free and what is needed, and no PostgreSQL is left behind', async (context) => {
  const disk = openFolder()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=755', 'cadre-test', disk])
  if (mounted.status !== 0) {
    process.stderr.write('A small disk cannot be mounted here: the full disk is NOT tested.\n')
    return context.skip('a small disk cannot be mounted')
  }
  cleanups.push(async () => spawnSync('umount', ['-l', disk]))
  const dir = join(disk, 'cadre')
  mkdirSync(dir)
  const ended = await start({ PORT: String(await findFreePort()), CADRE_DIR: dir })
  expectTwoLines(
    ended,
    `PostgreSQL could not start in ${join(dir, 'postgres-18')}: the disk is full (0.0 GB free, 0.3 GB needed).`,
    'Make room, or set CADRE_DIR to a folder on another disk.',
  )
  expect(existsSync(join(dir, 'postgres-18'))).toBe(false)
})

test('an error that nobody foresaw is a line and where to look; its stack is for who asks for it', async () => {
  const dir = openFolder()
  // A folder where the demo's key should be a file.
  mkdirSync(join(dir, 'demo-key'))
  const database = await createTestDatabase()
  cleanups.push(() => database.drop())
  const env = { PORT: String(await findFreePort()), CADRE_DIR: dir, DATABASE_URL: database.url }
  const quiet = await start(env)
  expect(quiet.exitCode).toBe(1)
  expect(quiet.stderr).toMatch(/^✖ This should not have happened: .*\n {2}LOG_LEVEL=debug shows where: .*\n$/)
  const loud = await start({ ...env, LOG_LEVEL: 'debug' })
  expect(loud.exitCode).toBe(1)
  expect(loud.stderr).toMatch(/^✖ This should not have happened: .*\n[\s\S]*^ {4}at /m)
})
