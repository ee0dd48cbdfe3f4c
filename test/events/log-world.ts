import { sql } from 'kysely'
import type { Ctx } from '../../src/platform/context.ts'
import { createDatabase, type Database } from '../../src/platform/db/database.ts'
import type { Tx } from '../../src/platform/db/transaction.ts'
import { appendEvents, lastEventOf } from '../../src/platform/events/append.ts'
import { createEvents, type Events, type EventsOptions } from '../../src/platform/events/events.ts'
import type { FeedItem } from '../../src/platform/events/log-rows.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { createLogger, type Logger } from '../../src/platform/observability/logger.ts'
import { runSql } from '../support/sql.ts'

export const silentLog = createLogger({ level: 'error', format: 'json', stream: { write: () => {} } })

/** One server process's worth of database and event log. */
export interface Node {
  readonly db: Database
  readonly events: Events
  ctx(workspaceId: string): Ctx
  close(): Promise<void>
}

export type NodeOptions = Partial<Omit<EventsOptions, 'db' | 'directUrl'>> & { readonly log?: Logger }

export async function openNode(url: string, options: NodeOptions = {}): Promise<Node> {
  const log = options.log ?? silentLog
  const db = createDatabase({ appUrl: url, systemUrl: url, appConnections: 8, systemConnections: 4, log })
  const events = createEvents({ clock: systemClock, ...options, db, directUrl: url, log })
  await events.start()
  return {
    db,
    events,
    ctx: (workspaceId) => ({
      viewer: { kind: 'system' },
      workspaceId,
      db,
      bell: events.bell,
      clock: systemClock,
      log,
      origin: { requestId: 'test' },
    }),
    close: async () => {
      await events.stop()
      await db.close()
    },
  }
}

/** Rows with a version, so that the order of their events can be told from the events. */
export async function createRows(ownerUrl: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId())
  await runSql(ownerUrl, 'create table if not exists versioned (id uuid primary key, version int not null default 0)')
  await runSql(ownerUrl, 'grant select, update on versioned to cadre_app')
  await runSql(ownerUrl, 'insert into versioned (id) select unnest($1::uuid[])', [ids])
  return ids
}

/** Locks the row, counts its version up and appends the event that says so. */
export async function bump(tx: Tx, id: string): Promise<void> {
  const { rows } = await sql<{
    version: number
  }>`update versioned set version = version + 1 where id = ${id} returning version`.execute(tx.sql)
  const version = rows[0]?.version
  if (version === undefined) throw new Error('the row is not there')
  appendEvents(tx, [{ type: 'row.bumped', subject: { kind: 'row', id }, subjectVersion: version }])
  // Written now and not at the end: its id is drawn before what the transaction waits for next.
  await lastEventOf(tx)
}

/** Appends one event in a transaction of its own; gives its outbox id. */
export const appendOne = (node: Node, workspaceId: string, type = 'thing.happened', data = {}): Promise<bigint> =>
  node.db.inTransaction(node.ctx(workspaceId), async (tx) => {
    appendEvents(tx, [{ type, subject: { kind: 'thing', id: newId() }, data }])
    const id = await lastEventOf(tx)
    if (id === null) throw new Error('an event was appended')
    return id
  })

/** Appends so many events, by the hundred, and one more; gives the cursor of that. */
export async function appendMany(node: Node, workspaceId: string, count: number, data = {}): Promise<string> {
  for (let left = count; left > 0; left -= 100) {
    await node.db.inTransaction(node.ctx(workspaceId), async (tx) => {
      const subject = { kind: 'thing', id: newId() }
      const events = Array.from({ length: Math.min(left, 100) }, () => ({ type: 'thing.happened', subject, data }))
      appendEvents(tx, events)
    })
  }
  return node.events.feed.positionOf(await appendOne(node, workspaceId))
}

/** What a reader has got: says what is twice, out of order, or (in the end) missing. */
export class Checker {
  readonly faults: string[] = []
  readonly outboxIds = new Set<bigint>()
  readonly versions = new Map<string, number>()
  lastCursor = ''

  see({ event, cursor }: FeedItem): void {
    if (cursor <= this.lastCursor) this.faults.push(`cursor ${cursor} after ${this.lastCursor}`)
    this.lastCursor = cursor
    if (this.outboxIds.has(event.outboxId)) this.faults.push(`event ${event.outboxId} twice`)
    this.outboxIds.add(event.outboxId)
    if (event.type !== 'row.bumped' || event.subjectVersion === null) return
    const expected = (this.versions.get(event.subject.id) ?? 0) + 1
    if (event.subjectVersion !== expected) {
      this.faults.push(`row ${event.subject.id}: version ${event.subjectVersion} where ${expected} was due`)
    }
    this.versions.set(event.subject.id, event.subjectVersion)
  }

  /** Compares with the rows themselves. */
  async compareWithRows(ownerUrl: string): Promise<void> {
    const rows = await runSql<{ id: string; version: number }>(ownerUrl, 'select id, version from versioned')
    for (const { id, version } of rows) {
      const seen = this.versions.get(id) ?? 0
      if (seen !== version) this.faults.push(`row ${id}: seen up to version ${seen}, it is at ${version}`)
    }
  }
}

/** Reads on until the reader has passed the cursor. */
export async function readUntil(items: AsyncIterable<FeedItem>, cursor: string, see: (item: FeedItem) => void) {
  for await (const item of items) {
    see(item)
    if (item.cursor >= cursor) return
  }
}

/** The next so many that a subscriber gets. */
export async function take(items: AsyncIterator<FeedItem>, count: number): Promise<FeedItem[]> {
  const taken: FeedItem[] = []
  while (taken.length < count) {
    const { value, done } = await items.next()
    if (done === true) throw new Error('the stream ended')
    taken.push(value)
  }
  return taken
}

/** An empty transaction's worth of pause, of random length, so that transactions interleave. */
export const jitter = (maxMs = 3): Promise<void> => systemClock.sleep(Math.random() * maxMs)
