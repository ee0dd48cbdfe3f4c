import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { verifyChain } from '../../src/platform/events/audit.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { runSql } from '../support/sql.ts'
import { appendOne } from './log-world.ts'
import { openStandingNode } from './open-standing-node.ts'

const REQUESTED = 'thing.erasure_requested'

const { database, node } = openStandingNode()
let workspaceId: string
beforeEach(() => {
  workspaceId = newId()
})

interface Row {
  readonly id: bigint
  readonly subject: string
}

/** Appends events with these texts, and waits until they are in the log. */
async function logged(texts: readonly string[], type = 'thing.said'): Promise<Row[]> {
  const rows: Row[] = []
  for (const text of texts) {
    const id = await appendOne(node, workspaceId, type, { text })
    await node.events.feed.positionOf(id)
    const [found] = await sql<{ subject: string }>('select subject_id as subject from event_log where outbox_id = $1', [
      id,
    ])
    rows.push({ id, subject: found?.subject ?? '' })
  }
  return rows
}

const sql = <R extends object>(text: string, values: readonly unknown[] = []) =>
  runSql<R>(
    database.url,
    text,
    values.map((value) => (typeof value === 'bigint' ? String(value) : value)),
  )
const verify = () => verifyChain(node.db, workspaceId, { limit: 1_000 })

/** As the server does it: as `cadre_system`, in the name of a request. Gives how many events were erased. */
async function erase(rows: readonly Row[], request: bigint, kept: object = {}, of = workspaceId): Promise<number> {
  const { rows: found } = await node.db.system.query<{ erased: number }>(
    `select cadre_erase_events($1, $2, $3, $4, '{}', $5, 100) as erased`,
    [of, request, rows.map(({ subject }) => subject), [], JSON.stringify(kept)],
  )
  return found[0]?.erased ?? Number.NaN
}

async function requested(): Promise<bigint> {
  const [request] = await logged(['please'], REQUESTED)
  return request?.id ?? 0n
}

describe('an erased event', () => {
  it('tells nothing any more, and the chain through it holds', async () => {
    const rows = await logged(['secret one', 'secret two', 'kept'])
    const { head } = await verify()
    const request = await requested()
    expect(await erase(rows.slice(0, 2), request)).toBe(2)
    expect(await erase(rows.slice(0, 2), request)).toBe(0)
    const log = await sql<{ row: string }>('select l::text as row from event_log l where workspace_id = $1', [
      workspaceId,
    ])
    expect(log.filter(({ row }) => row.includes('secret'))).toEqual([])
    expect(log.filter(({ row }) => row.includes('kept'))).toHaveLength(1)
    expect(await verify()).toMatchObject({ events: 4, erased: 2, complete: true, fault: null })
    // What was noted before still stands.
    expect(await verifyChain(node.db, workspaceId, { limit: 9, after: head ?? undefined })).toMatchObject({
      fault: null,
    })
  })

  it.each([
    ['who did it', `actor = '{"kind": "SYSTEM", "id": "x"}', actor_id = 'x'`],
    ['when', `occurred_at = occurred_at - interval '1 hour'`],
    ['what kind of change it was', `type = 'deal.won'`],
    ['to which thing', 'subject_id = workspace_id'],
    ['in which run', 'run_id = workspace_id'],
    ['that it had a digest', `digest = sha256('other')`],
  ])('still shows that %s was changed afterwards', async (_what, change) => {
    const rows = await logged(['one', 'two', 'three'])
    await erase(rows, await requested())
    await sql(`update event_log set ${change} where outbox_id = $1`, [rows[1]?.id])
    expect(await verify()).toMatchObject({ events: 1, fault: { outboxId: rows[1]?.id } })
  })

  it('that nobody asked for is a changed one', async () => {
    const rows = await logged(['one', 'two'])
    const emptied = `salt = null, data = '{}', changes = '[]', origin = '{}', request_id = null, erased_at = now()`
    await sql(`update event_log set ${emptied}, erased_by = $2 where outbox_id = $1`, [rows[1]?.id, rows[0]?.id])
    expect(await verify()).toMatchObject({ events: 1, fault: { reason: 'CONTENT', outboxId: rows[1]?.id } })
  })

  it('cannot be half erased, and keeps its place in the chain', async () => {
    const [row] = await logged(['one'])
    const refused = (set: string) => sql(`update event_log set ${set} where outbox_id = $1`, [row?.id])
    const request = await requested()
    await expect(refused(`salt = null, erased_at = now(), erased_by = ${request}`)).rejects.toThrow('event_log_erased')
    await expect(refused(`erased_at = now(), erased_by = ${request}`)).rejects.toThrow('event_log_erased')
    await expect(refused('salt = null')).rejects.toThrow('event_log_chained')
    await erase([row as Row], request)
    await expect(refused('hash = null')).rejects.toThrow('event_log_chained')
    await expect(refused(`data = '{"text": "again"}'`)).rejects.toThrow('event_log_erased')
  })

  it('is left alone where its type outlives an erasure, unless what changed is prose', async () => {
    const rows = await logged(['figures', 'prose'], 'thing.measured')
    await sql(`update event_log set changes = '[{"field":"why","from":null,"to":"x"}]' where outbox_id = $1`, [
      rows[1]?.id,
    ])
    expect(await erase(rows, await requested(), { 'thing.measured': ['why'] })).toBe(1)
    const log = await sql<{ erased: boolean }>(
      `select erased_at is not null as erased from event_log where workspace_id = $1 and type = 'thing.measured'
        order by position`,
      [workspaceId],
    )
    expect(log.map(({ erased }) => erased)).toEqual([false, true])
  })
})

describe('events from before the chain had its second version', () => {
  it('are verified by their own, before and after they are erased, with those that came later', async () => {
    const migration = (name: string) => readFileSync(`prisma/migrations/${name}/migration.sql`, 'utf8')
    const sequencer = (name: string) =>
      /CREATE OR REPLACE FUNCTION cadre_sequence[\s\S]*?\n\$\$;/.exec(migration(name))?.[0] ?? ''
    // As an update to this release finds them.
    await sql('alter table event_log drop constraint event_log_columns')
    await sql(sequencer('20261126060000_audit_chain'))
    const old = await logged(['old one', 'old two'])
    await sql(sequencer('20261126210000_erasure'))
    const rows = await logged(['new one'])
    const versions = await sql<{ v: number }>(
      'select chain_version as v from event_log where workspace_id = $1 order by position',
      [workspaceId],
    )
    expect(versions.map(({ v }) => v)).toEqual([1, 1, 2])
    expect(await verify()).toMatchObject({ events: 3, erased: 0, fault: null })
    await erase([...old.slice(0, 1), ...rows], await requested())
    expect(await verify()).toMatchObject({ events: 4, erased: 2, complete: true, fault: null })
    await sql(`update event_log set data = '{"text": "else"}' where outbox_id = $1`, [old[1]?.id])
    expect(await verify()).toMatchObject({ events: 1, fault: { reason: 'CONTENT', outboxId: old[1]?.id } })
  })
})

describe('who may erase', () => {
  it('is the server’s own work alone, in the name of a request of the same workspace', async () => {
    const rows = await logged(['one'])
    await expect(erase(rows, rows[0]?.id ?? 0n)).rejects.toThrow('knows no request')
    await expect(erase(rows, 123_456_789n)).rejects.toThrow('knows no request')
    const request = await requested()
    await expect(erase(rows, request, {}, newId())).rejects.toThrow('knows no request')
    expect(await verify()).toMatchObject({ erased: 0, fault: null })
    const rights = await sql<{ role: string }>(
      `select r.role from unnest(array['cadre_app', 'cadre_system', 'cadre_search']) r(role)
        where has_function_privilege(r.role, 'cadre_erase_events(uuid, bigint, uuid[], uuid[], jsonb, jsonb, int)', 'EXECUTE')`,
    )
    expect(rights).toEqual([{ role: 'cadre_system' }])
  })

  it('cannot be had by writing to the log, not even with nothing', async () => {
    const [row] = await logged(['one'])
    for (const change of ['update event_log set data = data', 'delete from event_log']) {
      await expect(node.db.system.query(`${change} where outbox_id = $1`, [row?.id])).rejects.toThrow(
        'permission denied',
      )
    }
  })
})

it('who resumes from before an erasure is told of what happened, and not what', async () => {
  const before = node.events.feed.cursor()
  const rows = await logged(['secret one', 'secret two'])
  await erase(rows, await requested())
  // Whatever ends in `.erased` makes every process forget what it remembers of the log.
  const [last] = await logged(['done'], 'thing.erased')
  const items = await node.events.feed.subscribe({ workspaceId, after: before })
  const seen = []
  for await (const { event } of items) {
    seen.push(event)
    if (event.outboxId === last?.id) break
  }
  expect(seen.map(({ type, erasedAt, data }) => [type, erasedAt !== null, data.text])).toEqual([
    ['thing.said', true, undefined],
    ['thing.said', true, undefined],
    [REQUESTED, false, 'please'],
    ['thing.erased', false, 'done'],
  ])
})
