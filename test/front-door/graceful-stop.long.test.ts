import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { rehearsalFetch } from '../../src/agent/model/rehearsal.ts'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import {
  expectEachLeadWorkedOnce,
  expectNothingMissed,
  FEED,
  type FeedItem,
  headOf,
  sendSample,
  untilSettled,
} from '../chaos/accounting.ts'
import { postmasterPid } from '../support/embedded.ts'
import { startMessagesServer } from '../support/messages-server.ts'
import { RawSubscriber } from '../support/raw-subscriber.ts'
import { type ServerOptions, ServerProcess } from '../support/server-process.ts'
import { runSql } from '../support/sql.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { createTestDatabase } from '../support/test-database.ts'
import { ask, complaintsOf, formUrlOf, goodLead, post, sendLead } from './visitor.ts'

// A test starts processes up to three times, on a machine that may be busy with other tests.
const WITHIN_MS = 180_000
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function openDatabase(): Promise<string> {
  const database = await createTestDatabase()
  cleanups.push(() => database.drop())
  return database.url
}

async function startServer(options: ServerOptions, beside?: ServerProcess): Promise<ServerProcess> {
  const server = await ServerProcess.start(options, beside)
  cleanups.push(() => (beside === undefined ? server.remove() : server.stop()))
  return server
}

/** A model whose answers are held back until the test lets them go. */
async function startHeldModel(): Promise<{
  env: Record<string, string>
  asked(count: number): Promise<void>
  letGo(): void
}> {
  let letGo = () => {}
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const api = await startMessagesServer({
    policy: async (url, init) => {
      await gate
      return rehearsalFetch(url, init)
    },
  })
  cleanups.push(() => api.stop())
  return {
    env: { ANTHROPIC_API_KEY: 'a-key', ANTHROPIC_BASE_URL: api.url },
    asked: (count) => until(async () => api.requests.length >= count),
    letGo,
  }
}

async function until(holds: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error('waited in vain')
    await sleep(50)
  }
}

const openRuns = async (databaseUrl: string): Promise<number> =>
  (await runSql(databaseUrl, `select id from run where status in ('QUEUED', 'RUNNING')`)).length

test(
  'SIGTERM with runs in flight: exit code 0, and the next start goes on with them and loses nothing',
  async () => {
    const databaseUrl = await openDatabase()
    const model = await startHeldModel()
    const server = await startServer({ databaseUrl, env: model.env })
    const head = await headOf(databaseUrl)
    const key = server.key
    const subscriber = new RawSubscriber<FeedItem>({ url: () => server.url, key, query: FEED })
    cleanups.push(() => subscriber.stop())
    await subscriber.subscribed
    const sent = await sendSample(6, formUrlOf(server))
    await model.asked(6)
    expect(await server.stop()).toBe(0)
    expect(await openRuns(databaseUrl)).toBe(6)

    model.letGo()
    await server.start()
    expect(server.key).toBe(key)
    await untilSettled(databaseUrl)
    await expectEachLeadWorkedOnce(databaseUrl, sent)
    await expectNothingMissed(databaseUrl, subscriber, head)
    expect(subscriber.connections).toBeGreaterThan(1)
    const { contacts } = await ask<{ contacts: { totalCount: number } }>(server, '{ contacts { totalCount } }')
    expect(contacts.totalCount).toBe(6)
  },
  WITHIN_MS,
)

test(
  'on a terminal, Ctrl-C says what it finishes and what goes on, and the next start says how it was left',
  async () => {
    const databaseUrl = await openDatabase()
    const model = await startHeldModel()
    const server = await startServer({ databaseUrl, env: { ...model.env, LOG_FORMAT: 'pretty' } })
    expect(server.output).toMatch(/✔ Demo workspace +2 employees · 1 form · 1 pipeline/)
    await sendSample(3, formUrlOf(server))
    await model.asked(3)
    expect(await server.interrupt()).toBe(0)
    expect(server.output).toMatch(/^ {2}Finishing 3 steps … stopped\. 3 runs go on at the next start\.$/m)
    expect(server.output).toMatch(/^ {2}\d\d:\d\d:\d\d {2}(?:Iris|Marco) +took "[^"]+" from Book a demo$/m)

    model.letGo()
    await server.start()
    expect(server.output).toMatch(/✔ Schema up to date +nothing to apply/)
    expect(server.output).toMatch(/✔ Demo workspace +as you left it: 0 deals, 0 approvals waiting/)
    await untilSettled(databaseUrl)
  },
  WITHIN_MS,
)

test(
  'SIGINT twice with runs in flight ends the server at once, and the next start finishes them',
  async () => {
    const databaseUrl = await openDatabase()
    const model = await startHeldModel()
    const server = await startServer({ databaseUrl, env: model.env })
    const sent = await sendSample(4, formUrlOf(server))
    await model.asked(4)
    server.signal('SIGINT')
    // The first is being obeyed when it takes no more connections; the second must not wait for anything.
    await until(() =>
      fetch(`${server.url}/health/live`).then(
        () => false,
        () => true,
      ),
    )
    server.signal('SIGINT')
    const code = await server.stop()
    expect([0, 130]).toContain(code)
    expect(await openRuns(databaseUrl)).toBe(4)

    model.letGo()
    await server.start()
    await untilSettled(databaseUrl)
    await expectEachLeadWorkedOnce(databaseUrl, sent)
  },
  WITHIN_MS,
)

test(
  'a database with a workspace of its own is served as it is: nothing is seeded, and no key is made',
  async () => {
    const databaseUrl = await openDatabase()
    await runSql(
      databaseUrl,
      `insert into workspace (id, slug, name, time_zone, currency)
     values ('0197fbd1-7a00-7000-8000-000000000001', 'acme', 'Acme', 'Europe/Vienna', 'EUR')`,
    )
    const server = await startServer({ databaseUrl })
    expect(await runSql(databaseUrl, 'select slug from workspace')).toEqual([{ slug: 'acme' }])
    for (const table of ['employee', 'form', 'member', 'api_key']) {
      expect(await runSql(databaseUrl, `select * from ${table}`)).toEqual([])
    }
    expect(existsSync(server.file('demo-key'))).toBe(false)
    expect((await post(formUrlOf(server), goodLead('kim@nimbus.example'))).status).toBe(404)
    expect(complaintsOf(server.output)).toEqual([])
  },
  WITHIN_MS,
)

test(
  'without DATABASE_URL: after SIGKILL the next start adopts the running PostgreSQL, and keeps and finishes everything',
  async () => {
    const model = await startHeldModel()
    const server = await startServer({ env: model.env })
    const key = server.key
    const ids: string[] = []
    for (const n of [1, 2, 3]) ids.push(await sendLead(server, `kim${n}@nimbus.example`))
    await model.asked(3)
    const postmaster = postmasterPid(server.dir)
    await server.kill()
    expect(postmasterPid(server.dir)).toBe(postmaster)
    process.kill(postmaster, 0)

    model.letGo()
    await server.start()
    expect(postmasterPid(server.dir)).toBe(postmaster)
    expect(server.key).toBe(key)
    interface Worked {
      readonly submissions: {
        readonly nodes: readonly { id: string; contact: object | null; runs: { status: string }[] }[]
      }
    }
    const worked = async () =>
      (await ask<Worked>(server, '{ submissions { nodes { id contact { id } runs { status } } } }')).submissions.nodes
    const isSettled = (status: string) => status === 'SUCCEEDED' || status === 'WAITING'
    await until(async () => (await worked()).every(({ runs }) => runs.every(({ status }) => isSettled(status))))
    const submissions = await worked()
    expect(submissions.map(({ id }) => id).sort()).toEqual([...ids].sort())
    expect(submissions.filter(({ contact, runs }) => contact === null || runs.length !== 1)).toEqual([])
    expect(await server.stop()).toBe(0)
    expect(() => postmasterPid(server.dir)).toThrow('no postmaster runs')
  },
  WITHIN_MS,
)

test(
  'a server and a worker on one database share the runs: both work, and nothing is done twice',
  async () => {
    const databaseUrl = await openDatabase()
    const server = await startServer({ databaseUrl })
    const worker = await startServer({ databaseUrl, command: 'worker' }, server)
    expect((await runSql(databaseUrl, 'select pid from process order by pid')).map(({ pid }) => pid)).toEqual(
      [server.pid, worker.pid].sort((a, b) => a - b),
    )
    const head = await headOf(databaseUrl)
    const subscriber = new RawSubscriber<FeedItem>({ url: () => server.url, key: server.key, query: FEED })
    cleanups.push(() => subscriber.stop())
    await subscriber.subscribed
    const sent = await sendSample(60, formUrlOf(server))
    await untilSettled(databaseUrl)
    await expectEachLeadWorkedOnce(databaseUrl, sent)
    await expectNothingMissed(databaseUrl, subscriber, head)
    const executors = await runSql<{ pid: number }>(
      databaseUrl,
      'select distinct p.pid from run r join process p on p.executor_id = r.executor_id order by 1',
    )
    expect(executors.map(({ pid }) => pid)).toEqual([server.pid, worker.pid].sort((a, b) => a - b))
    const claims = await runSql(databaseUrl, 'select id from run where attempt <> segment or takeovers > 0')
    expect(claims).toEqual([])
  },
  WITHIN_MS,
)

test(
  'npm start that is told to end where there is no terminal ends its server with it',
  async () => {
    const [dir, port] = [openTemporaryFolder('cadre-npm-start-'), await findFreePort()]
    const npm = spawn('npm', ['start'], {
      env: {
        ...process.env,
        PORT: String(port),
        CADRE_DIR: dir,
        DATABASE_URL: await openDatabase(),
        SAMPLE_LEADS: '0',
      },
      stdio: 'ignore',
    })
    const isThere = () =>
      fetch(`http://127.0.0.1:${port}/health/live`).then(
        (answer) => answer.ok,
        () => false,
      )
    await until(isThere)
    npm.kill('SIGTERM')
    await until(async () => !(await isThere()), 20_000)
  },
  WITHIN_MS,
)
