import type { Database } from '../db/database.ts'
import { translateDatabaseError } from '../db/errors.ts'
import { atMost } from '../lib/at-most.ts'
import type { Clock } from '../lib/clock.ts'
import { invalidInput, isAppError } from '../lib/errors.ts'
import { Slots } from '../lib/slots.ts'
import { backoffMs } from './backoff.ts'
import { formatCursor, type LogPosition, parseCursor } from './cursor.ts'
import type { StoredEvent } from './event.ts'
import { type EventFilter, type EventScope, type PageQuery, readByOutboxIds, readPage } from './log-reader.ts'
import { type FeedItem, type LogRow, toItem, type WeighedItem } from './log-rows.ts'
import type { Sequencer } from './sequencer.ts'
import { type OnLag, Subscriber } from './subscriber.ts'
import type { Tail } from './tail.ts'

/** How many readers may read pages of the log at once, in this process. */
const MAX_CATCH_UPS = 4
const MAX_LAST = 1_000
const MAX_BUFFERED_EVENTS = 1_000
const MAX_BUFFERED_BYTES = 1024 * 1024
const OWN_CHANGES_WAIT_MS = 2_000

export interface Subscription {
  /** The caller has made sure that the viewer may see the events of this workspace. */
  readonly workspaceId: string
  /** Everything after this cursor, then live. Beats `last`. */
  readonly after?: string | undefined
  /** The last so many that match (1,000 at most), then live. With neither it begins now. */
  readonly last?: number | undefined
  readonly filter?: EventFilter | undefined
  /** What the filter cannot say; asked for each event that passes the filter. */
  readonly matches?: ((event: StoredEvent) => boolean) | undefined
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal | undefined
  /** What is kept for a reader that is slower than the events; 1,000 events and 1 MB unless told. */
  readonly maxBufferedEvents?: number | undefined
  readonly maxBufferedBytes?: number | undefined
  /** COALESCE unless told: a slow reader goes on from the log, at its pace. */
  readonly onLag?: OnLag | undefined
}

/** A page of the log. `after` and `before` are paging cursors, `from` and `to` log cursors; they may be combined. */
export interface EventQuery {
  /** The caller has made sure that the viewer may see the events of this workspace. */
  readonly workspaceId: string
  readonly filter?: EventFilter | undefined
  /** Instead of a filter: what lies in any of these. */
  readonly scopes?: readonly EventScope[] | undefined
  /** Events after this place in the log. */
  readonly from?: string | undefined
  /** Events up to and including this place. */
  readonly to?: string | undefined
  readonly first?: number | undefined
  readonly after?: string | undefined
  readonly last?: number | undefined
  readonly before?: string | undefined
}

export interface EventPage {
  /** In the log's order. */
  readonly items: readonly FeedItem[]
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
}

/** How the rest of the house reads the log. Who may see what is decided before it is asked. */
export interface EventFeed {
  /**
   * Events from a place in the log on, each with the cursor to resume from: none missing, none twice, in commit order,
   * across restarts of PostgreSQL. Rejects with INVALID_INPUT (no cursor of ours) or CURSOR_EXPIRED. The iteration ends
   * when it is returned or the signal aborts; it throws CURSOR_EXPIRED when the database was restored to an earlier place,
   * LIMIT_EXCEEDED for a slow reader under DISCONNECT, UNAVAILABLE at shutdown. Resuming from the last cursor is right
   * in the latter two cases, from the error's `oldest` in the first.
   */
  subscribe(subscription: Subscription): Promise<AsyncIterableIterator<FeedItem>>
  /** One page, 25 events unless told. Rejects as `subscribe` does; `first` together with `last` is INVALID_INPUT. */
  read(query: EventQuery): Promise<EventPage>
  /** Events by their outbox ids (`event_<outboxId>`), as far as they are in this workspace's log. */
  findMany(workspaceId: string, outboxIds: readonly bigint[]): Promise<ReadonlyMap<bigint, FeedItem>>
  /** The cursor of a committed event by its outbox id: awaits a sequencing pass where it is not in the log yet. */
  positionOf(outboxId: bigint): Promise<string>
  /**
   * Resolves when what this process has committed is in the log, so that who has changed something and reads the log then
   * finds it there. Never rejects, and does not wait where it would be long: the log can be read while nothing is moved
   * into it.
   */
  ownChangesLogged(): Promise<void>
  /** The place up to which this process has read: whatever is queried from now on contains at least that. */
  cursor(): string
  /** Resolves when this process has read up to the cursor, so that `cursor()` and live readers are past it. */
  waitFor(cursor: string, signal?: AbortSignal): Promise<void>
  /** The same feed for who must read over another way to the data: a dry run has one connection, and takes no second. */
  through(db: Database): EventFeed
}

export interface EventFeedOptions {
  readonly db: Database
  readonly sequencer: Sequencer
  readonly tail: Tail
  readonly clock: Clock
}

interface Start extends LogPosition {
  readonly items?: readonly WeighedItem[]
}

export function createEventFeed(options: EventFeedOptions): EventFeed {
  const { db, sequencer, tail, clock } = options
  const slots = new Slots(MAX_CATCH_UPS)

  /** A subscriber outlives a restart of PostgreSQL: it waits for it. */
  async function readForSubscriber(query: PageQuery, closed: AbortSignal): Promise<readonly LogRow[]> {
    for (let failures = 1; ; failures++) {
      try {
        return await slots.with(async () => (closed.aborted ? [] : await readPage(db, query)))
      } catch (err) {
        if (!isAppError(err) || err.code !== 'UNAVAILABLE') throw err
        await clock.sleep(backoffMs(failures), closed)
      }
    }
  }

  // The epoch is noted before anything is read: a place that is given out under an older epoch than its own is refused
  // or right, one under a newer epoch might be misread.
  const here = (): LogPosition => ({ epoch: tail.epoch.number, position: tail.position })

  async function findPosition(outboxId: bigint): Promise<bigint | undefined> {
    try {
      const query = db.systemSql.selectFrom('eventLog').select('position').where('outboxId', '=', outboxId)
      return (await query.executeTakeFirst())?.position
    } catch (err) {
      throw translateDatabaseError(err)
    }
  }

  async function resolve(cursor: string, path: string): Promise<LogPosition> {
    return tail.resolve(parseCursor(cursor, [path]))
  }

  async function lastItems({ workspaceId, filter = {}, last = 0, matches, ...limits }: Subscription): Promise<Start> {
    const { position: head, epoch } = here()
    const rows = await slots.with(() =>
      readPage(db, { workspaceId, filter, above: 0n, from: 'newest', limit: Math.min(last, MAX_LAST) }),
    )
    const newest = rows.at(-1)?.position ?? 0n
    let room = limits.maxBufferedBytes ?? MAX_BUFFERED_BYTES
    const items: WeighedItem[] = []
    for (const row of rows.toReversed()) {
      const item = toItem(row, epoch)
      if (matches !== undefined && !matches(item.event)) continue
      room -= item.bytes
      if (room < 0 && items.length > 0) break
      items.unshift(item)
    }
    return { epoch, position: newest > head ? newest : head, items }
  }

  function startOf(subscription: Subscription): Promise<Start> | Start {
    const { after, last } = subscription
    if (after !== undefined) return resolve(after, 'after')
    return last !== undefined && last > 0 ? lastItems(subscription) : here()
  }

  return {
    async subscribe(subscription) {
      const { signal } = subscription
      signal?.throwIfAborted()
      const { items = [], ...place } = await startOf(subscription)
      const subscriber = new Subscriber(
        {
          workspaceId: subscription.workspaceId,
          filter: subscription.filter ?? {},
          matches: subscription.matches,
          maxBufferedEvents: Math.max(1, subscription.maxBufferedEvents ?? MAX_BUFFERED_EVENTS),
          maxBufferedBytes: subscription.maxBufferedBytes ?? MAX_BUFFERED_BYTES,
          onLag: subscription.onLag ?? 'COALESCE',
          tail,
          readPage: readForSubscriber,
        },
        place,
        items,
      )
      if (signal?.aborted === true) subscriber.close()
      signal?.addEventListener('abort', () => subscriber.close(), { once: true })
      return subscriber
    },

    async read(query) {
      const { workspaceId, filter = {}, scopes, first, last } = query
      if (first !== undefined && last !== undefined) {
        throw invalidInput([{ path: ['last'], code: 'NOT_ALLOWED', message: 'Give either `first` or `last`.' }])
      }
      const bounds = await Promise.all(
        (['after', 'from', 'before', 'to'] as const).map(async (name) => {
          const cursor = query[name]
          return cursor === undefined ? undefined : (await resolve(cursor, name)).position
        }),
      )
      const [after, from, before, to] = bounds
      const above = [after, from].reduce<bigint>((max, at) => (at !== undefined && at > max ? at : max), 0n)
      const ends = [before, to === undefined ? undefined : to + 1n].filter((at) => at !== undefined)
      const [below] = ends.sort((a, b) => (a < b ? -1 : 1))
      const limit = Math.max(0, last ?? first ?? 25)
      const backwards = last !== undefined
      const { epoch } = here()
      const rows = await readPage(db, {
        workspaceId,
        filter,
        scopes,
        above,
        below,
        from: backwards ? 'newest' : 'oldest',
        limit: limit + 1,
      })
      const more = rows.length > limit
      const kept = !more ? rows : backwards ? rows.slice(1) : rows.slice(0, limit)
      return {
        items: kept.map((row) => toItem(row, epoch)),
        hasNextPage: backwards ? before !== undefined : more,
        hasPreviousPage: backwards ? more : after !== undefined,
      }
    },

    async findMany(workspaceId, outboxIds) {
      const { epoch } = here()
      const rows = await readByOutboxIds(db, workspaceId, outboxIds)
      return new Map(rows.map((row) => [row.outboxId, toItem(row, epoch)]))
    },

    async positionOf(outboxId) {
      const { epoch } = here()
      let position = await findPosition(outboxId)
      if (position === undefined) {
        await sequencer.sequencePass()
        position = await findPosition(outboxId)
      }
      if (position === undefined) throw new Error(`event ${outboxId} was not committed`)
      return formatCursor({ epoch, position })
    },

    async ownChangesLogged() {
      if (sequencer.isBehind) await atMost(OWN_CHANGES_WAIT_MS, clock, sequencer.caughtUp())
    },

    cursor: () => formatCursor(here()),

    async waitFor(cursor, signal) {
      const { position } = await resolve(cursor, 'cursor')
      await tail.reached(position, signal)
    },

    through: (other) => ({
      ...createEventFeed({ ...options, db: other }),
      // A transaction is open there, and what it does comes into no log.
      ownChangesLogged: async () => {},
    }),
  }
}
