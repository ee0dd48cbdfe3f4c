import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { sampleLeads } from '../../src/commands/demo/sample-leads.ts'
import { type Sent, sendLeads } from '../../src/commands/demo/send-leads.ts'
import type { RawSubscriber } from '../support/raw-subscriber.ts'
import { runSql } from '../support/sql.ts'

export const FEED = 'subscription Feed($after: Cursor) { events(after: $after) { id cursor type } }'
export interface FeedItem {
  readonly events: { readonly id: string; readonly cursor: string; readonly type: string }
}

/** Sends sample leads to the demo's form; `onSent` is told how many have their answer. */
export async function sendSample(
  count: number,
  formUrl: string,
  onSent: (answered: number) => void = () => {},
): Promise<Sent[]> {
  const sent: Sent[] = []
  await sendLeads(sampleLeads(count), {
    formUrl,
    concurrency: 12,
    patienceMs: 5 * 60_000,
    onSent: (one) => {
      sent.push(one)
      onSent(sent.length)
    },
  })
  return sent
}

/** Resolves when no run is queued or being worked any more. */
export async function untilSettled(databaseUrl: string, withinMs = 5 * 60_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  for (;;) {
    const open = await runSql<{ n: number }>(
      databaseUrl,
      `select count(*)::int as n from run where status in ('QUEUED', 'RUNNING')`,
    ).catch(() => [{ n: -1 }])
    if (open[0]?.n === 0) return
    if (performance.now() > giveUpAt) throw new Error(`${open[0]?.n} runs are still open`)
    await sleep(100)
  }
}

/** Every accepted lead has a contact and exactly one run that ended or waits for an approval; no deal, mail or step twice. */
export async function expectEachLeadWorkedOnce(databaseUrl: string, sent: readonly Sent[]): Promise<void> {
  const ids = sent.filter(({ accepted }) => accepted).map(({ lead }) => lead.id)
  expect(ids.length).toBe(sent.length)
  const rows = await runSql<{ id: string; contact: boolean; runs: number; settled: number; deals: number }>(
    databaseUrl,
    `select s.id, s.contact_id is not null as contact,
            (select count(*)::int from run r where r.workspace_id = s.workspace_id and r.submission_id = s.id) as runs,
            (select count(*)::int from run r where r.workspace_id = s.workspace_id and r.submission_id = s.id
               and (r.status = 'SUCCEEDED' or (r.status = 'WAITING' and r.waiting_kind = 'APPROVAL'
                 and exists (select from approval a where a.workspace_id = r.workspace_id and a.run_id = r.id and a.status = 'PENDING')))
            ) as settled,
            (select count(*)::int from deal d where d.workspace_id = s.workspace_id and d.submission_id = s.id) as deals
       from submission s where s.id = any($1)`,
    [ids],
  )
  expect(rows.length).toBe(ids.length)
  expect(rows.filter((row) => !row.contact || row.runs !== 1 || row.settled !== 1 || row.deals > 1)).toEqual([])
  const doubled = await runSql(
    databaseUrl,
    `select run_id, tool, count(*) from effect where status = 'CONFIRMED' group by run_id, tool, content_hash having count(*) > 1`,
  )
  expect(doubled).toEqual([])
  const unqualifiedDeals = await runSql(
    databaseUrl,
    `select s.id from submission s where s.qualified and not exists
       (select from deal d where d.workspace_id = s.workspace_id and d.submission_id = s.id)`,
  )
  expect(unqualifiedDeals).toEqual([])
}

/** What the subscriber has had is what the log holds after `from`: nothing missing, nothing twice, in order. */
export async function expectNothingMissed(
  databaseUrl: string,
  subscriber: RawSubscriber<FeedItem>,
  from = 0n,
): Promise<number> {
  await expect.poll(() => runSql(databaseUrl, 'select id from event_outbox limit 1')).toEqual([])
  const logged = await runSql<{ id: string }>(
    databaseUrl,
    'select outbox_id::text as id from event_log where position > $1 order by position',
    [from],
  )
  const expected = logged.map(({ id }) => `event_${id}`)
  await subscriber.until((items) => items.length >= expected.length)
  expect(subscriber.items.map(({ data }) => data.events.id)).toEqual(expected)
  const cursors = subscriber.items.map(({ data }) => data.events.cursor)
  expect(cursors).toEqual([...cursors].sort())
  expect(new Set(cursors).size).toBe(cursors.length)
  return expected.length
}

export const headOf = async (databaseUrl: string): Promise<bigint> =>
  BigInt(
    (await runSql<{ head: string }>(databaseUrl, 'select coalesce(max(position), 0)::text as head from event_log'))[0]
      ?.head ?? '0',
  )
