import type pg from 'pg'
import type { Bell } from '../context.ts'
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observability/logger.ts'
import { createBell } from './bell.ts'
import { createEventFeed, type EventFeed } from './feed.ts'
import { createSequencer, type Sequencer } from './sequencer.ts'
import { createTail, type Tail } from './tail.ts'

/** The event log as one process sees and serves it. */
export interface Events {
  /** For contexts: rung by `appendEvents` after its commit. */
  readonly bell: Bell
  readonly sequencer: Sequencer
  readonly tail: Tail
  readonly feed: EventFeed
  /** Resolves when events are moved and read. Throws when the database is out of reach; restarts later are survived. */
  start(): Promise<void>
  /** Moves what has been committed so far, ends all subscriptions with UNAVAILABLE, and closes its connection. */
  stop(): Promise<void>
}

export interface EventsOptions {
  readonly db: Database
  /** For the one connection that LISTENs: a login that can be `cadre_system`, not through a transaction-mode pooler. */
  readonly directUrl: string
  readonly log: Logger
  readonly clock: Clock
  readonly ringBytes?: number | undefined
}

/** Bell, sequencer, tail and feed, wired: commits ring the sequencer, the sequencer wakes the tail, the tail feeds readers. */
export function createEvents(options: EventsOptions): Events {
  const { db, directUrl, log, clock, ringBytes } = options
  const system: pg.Pool = db.system
  const bell = createBell({ url: directUrl, log, clock })
  const sequencer = createSequencer({ system, bell, log, clock })
  const tail = createTail({ system, log, clock, ringBytes })
  const feed = createEventFeed({ db, sequencer, tail, clock })
  sequencer.onMoved(() => tail.wake())
  tail.onAdvance((position) => sequencer.saw(position))
  bell.onRing((source) => {
    if (source === 'elsewhere') tail.wake()
  })
  let starting: Promise<void> | undefined
  return {
    bell,
    sequencer,
    tail,
    feed,
    start() {
      starting ??= (async () => {
        await sequencer.start()
        await tail.start()
        await bell.start()
      })()
      return starting
    },
    async stop() {
      await sequencer.stop()
      await tail.stop()
      await bell.stop()
    },
  }
}
