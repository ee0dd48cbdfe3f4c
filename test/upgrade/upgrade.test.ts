// The promise to who updates: whatever an older release left in the middle of its work, this code ends. One fixture per
// release, for ever; each is restored, migrated, and worked on by this code's own server.

import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Sent } from '../../src/commands/demo/send-leads.ts'
import {
  expectEachLeadWorkedOnce,
  expectNothingMissed,
  FEED,
  type FeedItem,
  sendSample,
  untilSettled,
} from '../chaos/accounting.ts'
import { RawSubscriber } from '../support/raw-subscriber.ts'
import { ServerProcess } from '../support/server-process.ts'
import { runSql } from '../support/sql.ts'
import { type ApprovalNode, ask, decide, listApprovals } from './ask.ts'
import { listFixtures, readFixture, restoreFixture } from './fixture.ts'

interface RunRow {
  readonly id: string
  readonly status: string
  readonly reason: string | null
  readonly reason_text: string | null
}

const readRuns = (url: string, statuses: readonly string[]): Promise<RunRow[]> =>
  runSql<RunRow & Record<string, unknown>>(
    url,
    'select id::text, status, reason, reason_text from run where status = any($1) order by id',
    [statuses],
  )

it('there is a fixture of a release', () => {
  expect(listFixtures()).toContain('0.1.0')
})

describe.each(listFixtures())('a database that %s left with runs in flight', (version) => {
  const fixture = readFixture(version)
  const { key, seen } = fixture.facts
  const name = `cadre_upgrade_${randomUUID().slice(0, 8)}`
  const url = new URL(inject('postgres').url)
  url.pathname = `/${name}`
  const databaseUrl = url.href

  let server: ServerProcess
  let subscriber: RawSubscriber<FeedItem>
  let inFlight: RunRow[]
  let pendingThen: { id: string; run_id: string }[]
  let submissionsThen: { id: string }[]
  let mailsOwed: number
  let seenAt: bigint

  beforeAll(async () => {
    await runSql(inject('postgres').url, `create database ${name}`)
    await restoreFixture(databaseUrl, fixture)
    inFlight = await readRuns(databaseUrl, ['QUEUED', 'RUNNING', 'WAITING'])
    pendingThen = await runSql(databaseUrl, `select id::text, run_id::text from approval where status = 'PENDING'`)
    submissionsThen = await runSql(databaseUrl, 'select id::text from submission')
    const counts = await runSql<{ approved: number; seen_at: string }>(
      databaseUrl,
      `select (select count(*)::int from approval where status = 'APPROVED') as approved,
              (select position::text from event_log where outbox_id = $1) as seen_at`,
      [seen.eventId.replace('event_', '')],
    )
    mailsOwed = counts[0]?.approved ?? 0
    seenAt = BigInt(counts[0]?.seen_at ?? -1)

    server = await ServerProcess.start({ command: 'server', databaseUrl })
    subscriber = new RawSubscriber<FeedItem>({ url: () => server.url, key, query: FEED, after: seen.cursor })
    await untilSettled(databaseUrl)
  })

  afterAll(async () => {
    await subscriber?.stop()
    await server?.remove()
    await runSql(inject('postgres').url, `drop database if exists ${name}`)
  })

  const accepted = (): Sent[] =>
    submissionsThen.map(({ id }) => ({
      lead: { id, label: id, answers: {} },
      accepted: true,
      replayed: false,
      status: 201,
      reason: null,
    }))

  const approvals = async (): Promise<Map<string, ApprovalNode>> =>
    new Map((await listApprovals(server, key)).map((approval) => [approval.id.replace('approval_', ''), approval]))

  it('held a run of every kind: queued, being worked, waiting for a person', () => {
    const kinds = new Set(inFlight.map(({ status }) => status))
    expect(kinds).toEqual(new Set(['QUEUED', 'RUNNING', 'WAITING']))
    expect(pendingThen.length).toBeGreaterThanOrEqual(2)
    expect(mailsOwed).toBeGreaterThan(0)
    expect(seenAt).toBeGreaterThan(0n)
  })

  it('leaves its form the limits that are its own: those that it kept as they are by default are the workspace’s', async () => {
    const [form] = await runSql<{ limits: object }>(databaseUrl, 'select limits from form order by created_at limit 1')
    expect(form?.limits).toEqual({
      perAddressPerHour: null,
      perEmailPerHour: null,
      minimumTimeMs: 0,
      duplicateWindowMinutes: 0,
    })
  })

  it('ends: each lead has exactly one run that is finished or waits for its approval, and at most one deal', async () => {
    await expectEachLeadWorkedOnce(databaseUrl, accepted())
    expect(await readRuns(databaseUrl, ['FAILED', 'EXPIRED', 'CANCELLED'])).toEqual([])
  })

  it('sends what a person had approved once, and never again what may have been sent', async () => {
    const after = await runSql<{ status: string; waits: boolean }>(
      databaseUrl,
      `select e.status, r.status = 'WAITING' as waits from effect e join run r on r.id = e.run_id
        where e.tool = 'send_email' and r.id = any($1) and e.status in ('SENT', 'UNKNOWN')`,
      [inFlight.filter(({ status }) => status === 'RUNNING').map(({ id }) => id)],
    )
    expect(after.length).toBeGreaterThan(0)
    expect(after.filter(({ status }) => status !== 'UNKNOWN')).toEqual([])
    const executed = await runSql(databaseUrl, `select 1 from approval where status = 'EXECUTED'`)
    expect(executed).toHaveLength(mailsOwed)
    const confirmed = await runSql<{ n: number }>(
      databaseUrl,
      `select count(*)::int as n from effect where tool = 'send_email' and status = 'CONFIRMED' and result->>'via' = 'FILE'`,
    )
    expect(readdirSync(server.file('mail'))).toHaveLength(confirmed[0]?.n ?? -1)
  })

  it('leaves each approval that waited to its person, whose word is carried out', async () => {
    const before = await approvals()
    expect(pendingThen.map(({ id }) => before.get(id)?.status)).toEqual(pendingThen.map(() => 'PENDING'))
    const mails = readdirSync(server.file('mail')).length
    const [first, ...others] = pendingThen
    expect(await decide(server, key, before.get(first?.id ?? '')?.id ?? '', 'APPROVE')).toBe('APPROVED')
    for (const { id } of others) expect(await decide(server, key, before.get(id)?.id ?? '', 'REJECT')).toBe('REJECTED')
    await untilSettled(databaseUrl)
    const after = await approvals()
    expect(pendingThen.map(({ id }) => after.get(id)?.status)).toEqual(['EXECUTED', ...others.map(() => 'REJECTED')])
    const ended = await readRuns(databaseUrl, ['SUCCEEDED'])
    const runs = pendingThen.map(({ run_id }) => run_id)
    expect(ended.filter(({ id }) => runs.includes(id))).toHaveLength(runs.length)
    expect(readdirSync(server.file('mail'))).toHaveLength(mails + 1)
    await expectEachLeadWorkedOnce(databaseUrl, accepted())
  })

  it('accepts new leads at its old address and works them', async () => {
    const sent = await sendSample(4, `${server.url}/f/demo/book-a-demo`)
    await untilSettled(databaseUrl)
    await expectEachLeadWorkedOnce(databaseUrl, [...accepted(), ...sent])
  })

  it('gives a subscriber that comes with a cursor of that time every event since, in order', async () => {
    const events = await expectNothingMissed(databaseUrl, subscriber, seenAt)
    expect(events).toBeGreaterThan(0)
    expect(subscriber.errors).toEqual([])
  })

  it('chains the events since to an audit trail, and says of those before that nothing vouches for them', async () => {
    const { verifyAuditLog: audit } = await ask<{
      verifyAuditLog: { intact: boolean; events: number; unchained: number; complete: boolean }
    }>(server, key, '{ verifyAuditLog { intact events unchained complete } }')
    expect(audit).toMatchObject({ intact: true, complete: true })
    expect(audit.events).toBeGreaterThan(0)
    const [before] = await runSql<{ count: number }>(
      databaseUrl,
      'select count(*)::int as count from event_log where hash is null',
    )
    expect(audit.unchained).toBe(before?.count)
    expect(audit.unchained).toBeGreaterThan(0)
  })

  it('keeps tenants apart as before: no tenant bound, no rows', async () => {
    const tables = await runSql<{ name: string }>(
      databaseUrl,
      `select c.oid::regclass::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname = 'workspace_id'
          and has_table_privilege('cadre_app', c.oid, 'select')`,
    )
    expect(tables.length).toBeGreaterThan(10)
    const asApp = new URL(databaseUrl)
    asApp.searchParams.set('options', '-c role=cadre_app')
    const withRows = tables.map(({ name: table }) => `select '${table}' as name where exists (select from ${table})`)
    expect(await runSql(asApp.href, withRows.join(' union all '))).toEqual([])
    expect((await runSql(databaseUrl, withRows.join(' union all '))).length).toBeGreaterThan(10)
  })
})
