// Makes the fixture of a release, once, when it is cut: npx tsx test/upgrade/make-fixture.ts VERSION
//
// The real server works leads on PostgreSQL 15 and is killed when there is a run of each kind in flight: waiting for an
// approval, approved but not gone on, in the middle of a mail that was sent but not confirmed, in the middle of a
// transaction, and queued. None of it is left to chance: a mail server that never confirms and a locked table hold four
// runs where they are, and four is all that the server works at once.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { SMTPServer } from 'smtp-server'
import type { Lead } from '../../src/commands/demo/lead.ts'
import { sendLeads } from '../../src/commands/demo/send-leads.ts'
import { rolesSql } from '../../src/platform/db/roles.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { FEED, type FeedItem } from '../chaos/accounting.ts'
import { startDebianPostgres15 } from '../support/postgres15.ts'
import { RawSubscriber } from '../support/raw-subscriber.ts'
import { ServerProcess } from '../support/server-process.ts'
import { runSql } from '../support/sql.ts'
import { decide, listApprovals } from './ask.ts'
import { FIXTURES, type FixtureFacts, writeFixture } from './fixture.ts'

const PG_DUMP = '/usr/lib/postgresql/15/bin/pg_dump'
const WORKED_AT_ONCE = 4
const PATIENCE_MS = 60_000

/**
 * Who fits gets a deal and a mail, which Iris sends by herself and Marco asks for; who does not fit gets neither. The
 * demo form hands its leads to the two in turn, Iris first.
 */
type Kind = 'fits' | 'does not fit'
/** Three of Iris finish, three of Marco wait for approval. */
const SETTLED: readonly Kind[] = ['fits', 'fits', 'fits', 'fits', 'fits', 'fits']
/** Two of Iris hang at their mail, two of Marco finish. */
const AT_A_MAIL: readonly Kind[] = ['fits', 'does not fit', 'fits', 'does not fit']
/** One of each hangs at its deal. */
const AT_A_DEAL: readonly Kind[] = ['fits', 'fits']
const QUEUED: readonly Kind[] = ['fits', 'fits', 'does not fit', 'does not fit']

interface InFlight {
  readonly succeeded: number
  readonly queued: number
  readonly running: number
  readonly waiting: number
  readonly sent: number
  readonly approved: number
  readonly pending: number
  /** Rows of DBOS's queue that nobody has, and that the killed server has. */
  readonly enqueued: number
  readonly claimed: number
}

const NEVER_CONFIRMED = 2
const EXPECTED: InFlight = {
  succeeded: 5,
  queued: QUEUED.length + 1,
  running: WORKED_AT_ONCE,
  waiting: 2,
  sent: NEVER_CONFIRMED,
  approved: 1,
  pending: 2,
  enqueued: QUEUED.length + 1,
  claimed: WORKED_AT_ONCE,
}

const readInFlight = async (url: string): Promise<InFlight> =>
  (
    await runSql<InFlight & pg.QueryResultRow>(
      url,
      `select (select count(*)::int from run where status = 'SUCCEEDED') as succeeded,
              (select count(*)::int from run where status = 'QUEUED') as queued,
              (select count(*)::int from run where status = 'RUNNING') as running,
              (select count(*)::int from run where status = 'WAITING') as waiting,
              (select count(*)::int from effect where status = 'SENT') as sent,
              (select count(*)::int from approval where status = 'APPROVED') as approved,
              (select count(*)::int from approval where status = 'PENDING') as pending,
              (select count(*)::int from dbos.workflow_status where status = 'ENQUEUED') as enqueued,
              (select count(*)::int from dbos.workflow_status where status = 'PENDING') as claimed`,
    )
  )[0] as InFlight

/** Waits until these facts hold. */
async function until(url: string, facts: Partial<InFlight>): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS
  for (;;) {
    const now = await readInFlight(url)
    const names = Object.keys(facts) as (keyof InFlight)[]
    if (names.every((name) => now[name] === facts[name])) return
    if (performance.now() > giveUpAt) {
      throw new Error(`waited in vain for ${JSON.stringify(facts)}; there is ${JSON.stringify(now)}`)
    }
    await sleep(25)
  }
}

function lead(kind: Kind, number: number): Lead {
  const answers = {
    email: `lead-${number}@leads.example`,
    name: `Lead Number${number}`,
    ...(kind === 'fits'
      ? { company: `Company ${number}`, occupation: 'Owner', budget: 10_000 + number, call_me: true }
      : { occupation: 'Student', message: 'Just looking around for now.' }),
  }
  return { id: newId(), label: answers.name, answers }
}

interface MailServer {
  readonly url: string
  /** From now on it takes every mail and confirms none. */
  fallSilent(): void
  close(): void
}

async function startMailServer(): Promise<MailServer> {
  let silent = false
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData: (stream, _session, confirm) => {
      stream.resume()
      stream.once('end', () => {
        if (!silent) confirm()
      })
    },
  })
  server.on('error', () => {}) // The killed server's connections.
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    fallSilent: () => {
      silent = true
    },
    close: () => void server.close(),
  }
}

/** What the killed server was doing in PostgreSQL is undone; returns when nothing of it is left. */
async function untilAlone(adminUrl: string, database: string): Promise<void> {
  const sessions = `select count(*)::int as n from pg_stat_activity where datname = $1`
  while ((await runSql<{ n: number }>(adminUrl, sessions, [database]))[0]?.n !== 0) await sleep(50)
}

async function make(version: string): Promise<void> {
  const postgres = await startDebianPostgres15({ superuser: false })
  const { url, adminUrl } = postgres
  const owner = new URL(url).username
  const database = new URL(url).pathname.slice(1)
  await runSql(adminUrl, rolesSql(owner, 150_000))
  const mail = await startMailServer()
  const server = await ServerProcess.start({
    databaseUrl: url,
    env: { SMTP_URL: mail.url, RUN_CONCURRENCY: String(WORKED_AT_ONCE) },
  })
  const blocker = new pg.Client({ connectionString: url })
  try {
    await blocker.connect()
    const { key } = server
    let number = 0
    const send = (kinds: readonly Kind[]) =>
      sendLeads(
        kinds.map((kind) => lead(kind, ++number)),
        {
          formUrl: `${server.url}/f/demo/book-a-demo`,
          concurrency: 1,
          patienceMs: PATIENCE_MS,
          onSent: ({ accepted, reason }) => {
            if (!accepted) throw new Error(`a lead was refused: ${reason}`)
          },
        },
      )

    const subscriber = new RawSubscriber<FeedItem>({ url: () => server.url, key, query: FEED })
    await subscriber.subscribed
    await send(SETTLED)
    await until(url, { succeeded: 3, waiting: 3, pending: 3 })
    await subscriber.until((items) => items.filter(({ data }) => data.events.type === 'RUN_WAITING').length === 3)
    const seen = subscriber.items.at(-1)?.data.events
    await subscriber.stop()
    if (seen === undefined) throw new Error('the subscriber has had nothing')

    mail.fallSilent()
    await send(AT_A_MAIL)
    await until(url, { succeeded: EXPECTED.succeeded, running: NEVER_CONFIRMED, sent: NEVER_CONFIRMED })
    await blocker.query('begin; lock table deal in share mode')
    await send(AT_A_DEAL)
    await until(url, { running: EXPECTED.running, claimed: EXPECTED.claimed })
    await untilBlocked(adminUrl, AT_A_DEAL.length)
    await send(QUEUED)
    const [approval] = (await listApprovals(server, key)).filter(({ status }) => status === 'PENDING')
    if (approval === undefined) throw new Error('there is no approval')
    await decide(server, key, approval.id, 'APPROVE')
    await until(url, EXPECTED)
    await server.kill()
    const takenAt = new Date().toISOString()
    await blocker.query('rollback')
    await blocker.end()
    await untilAlone(adminUrl, database)
    await until(url, EXPECTED)

    // A machine that nobody will ever be: the next one finds out by watching, as it would beside a lost machine.
    await runSql(url, `update process set host = 'a-lost-machine', boot_id = 'lost', pid = 1, pid_start = '0'`)
    const facts: FixtureFacts = { version, takenAt, key, seen: { eventId: seen.id, cursor: seen.cursor } }
    const dump = execFileSync(PG_DUMP, ['-d', url, '--inserts', '--rows-per-insert=100', '--no-comments'], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    mkdirSync(FIXTURES, { recursive: true })
    const file = join(FIXTURES, `${version}.sql`)
    const text = writeFixture(facts, dump, owner)
    writeFileSync(file, text)
    process.stdout.write(`${file}: ${Math.round(text.length / 1024)} KiB, ${JSON.stringify(EXPECTED)}\n`)
  } finally {
    await blocker.end()
    await server.kill()
    await server.remove()
    mail.close()
    await postgres.stop()
  }
}

async function untilBlocked(adminUrl: string, count: number): Promise<void> {
  const waiting = `select count(*)::int as n from pg_locks where not granted and relation is not null`
  const giveUpAt = performance.now() + PATIENCE_MS
  while (((await runSql<{ n: number }>(adminUrl, waiting))[0]?.n ?? 0) < count) {
    if (performance.now() > giveUpAt) throw new Error('the runs do not come to their deals')
    await sleep(25)
  }
}

const [version] = process.argv.slice(2)
if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
  process.stderr.write('Usage: npx tsx test/upgrade/make-fixture.ts VERSION, e.g. 0.1.0\n')
  process.exitCode = 2
} else {
  await make(version)
}
