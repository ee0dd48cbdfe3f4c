// From the outbox into the log, in the order of commits.
//
// A serial number is drawn before its transaction commits, so outbox ids are not commit order. The sequencer makes one:
// under an advisory lock, held by one transaction at a time, it moves the rows it can see from `event_outbox` to
// `event_log`, where they are given positions. The lock is taken by a statement of its own, so the statement that moves
// rows has a snapshot from after the lock: it sees all that the holder before it has left. Whoever waits for a row lock
// appends after it was given the row, so of two events of one row the earlier is either moved before or has the
// lower id. Every process sequences; there is no leader. A writer never waits; one that commits late delays its own
// events only.
//
//   idle      → (rung here; rung elsewhere or time is up, and the outbox has rows)       → passing
//   passing   → (outbox as visible is empty; nobody rang meanwhile)                      → idle
//   passing   → (the database failed)                                                    → failing
//   failing   → (a pause that doubles)                                                   → passing
//
// One pass is one statement to PostgreSQL per batch, `cadre_sequence`: lock, move, notify. A process that is stopped by its
// operating system in between therefore never sits on the lock.

import type pg from 'pg'
import { isConnectionError, translateDatabaseError } from '../db/errors.ts'
import { onlyRow } from '../db/only-row.ts'
import type { Clock } from '../lib/clock.ts'
import { unavailable } from '../lib/errors.ts'
import type { Logger } from '../observability/logger.ts'
import { Alarm } from './alarm.ts'
import { backoffMs } from './backoff.ts'
import { EVENT_CHANNEL, type EventBell, type RingSource } from './bell.ts'
import { ensureEpoch, SEQUENCER_LOCK } from './epoch.ts'
import { OutboxFloor } from './outbox-floor.ts'

/** As `cadre_sequence` has it. */
const BATCH = 2_000
/** How often other processes are told, at most; and how far apart passes are while the bell keeps ringing. */
const NOTIFY_EVERY_MS = 10
const PASS_EVERY_MS = 4
/** On a busy machine a pass takes longer and rests longer: at most a third of the time goes into passes. */
const REST_PER_PASS = 2
const LONGEST_REST_MS = 25
const POLL_MIN_MS = 500
const POLL_MAX_MS = 1_000
/** A pass that takes longer runs on a connection that is dead. */
const PASS_TIMEOUT_MS = 60_000

export interface Sequencer {
  /**
   * Resolves when a pass that began after this call has finished: all that had been committed before is in the log then.
   * Rejects with UNAVAILABLE when that pass failed or the sequencer is stopped; the events are safe in the outbox.
   */
  sequencePass(): Promise<void>
  /** Somebody of this process has committed what may not be in the log yet. False while passes fail: nothing comes of waiting. */
  readonly isBehind: boolean
  /** As `sequencePass`, but causes no pass: at once unless one is due, and with the one under way where that is enough. */
  caughtUp(): Promise<void>
  /** Calls the listener after each commit that put events into the log, with its new head. It must not throw. */
  onMoved(listener: (head: bigint) => void): () => void
  /** This position was seen in the log: a database that ends before it is taken for a restored one. */
  saw(position: bigint): void
  /** Resolves after a first pass: the epoch is known and the outbox was empty. Throws when the database is out of reach. */
  start(): Promise<void>
  /** Finishes what is under way, and what has rung. */
  stop(): Promise<void>
}

export interface SequencerOptions {
  /** Connections as `cadre_system`. */
  readonly system: pg.Pool
  readonly bell: EventBell
  readonly log: Logger
  readonly clock: Clock
}

interface Waiter {
  /** The ring that the pass it waits for has heard. */
  readonly rung: number
  readonly resolve: () => void
  readonly reject: (err: unknown) => void
}

interface Moved {
  readonly count: number
  readonly head: bigint | null
  readonly last_id: bigint | null
}

export function createSequencer(options: SequencerOptions): Sequencer {
  return new OutboxSequencer(options)
}

class OutboxSequencer implements Sequencer {
  readonly #options: SequencerOptions
  readonly #alarm = new Alarm()
  readonly #pause = new Alarm()
  readonly #floor: OutboxFloor
  /** Connections over which the epoch was checked. */
  readonly #verified = new WeakSet<pg.PoolClient>()
  readonly #listeners = new Set<(head: bigint) => void>()
  #waiters: Waiter[] = []
  /** How often it has rung here, and how often it had when the last pass that ended well began. */
  #rung = 0
  #heard = 0
  /** The highest position seen since the epoch was checked last. */
  #knownHead = 0n
  #notifiedAtMs = Number.NEGATIVE_INFINITY
  #notifyOwed = false
  /** When the next pass may begin. */
  #restedAtMs = Number.NEGATIVE_INFINITY
  #pollMs = POLL_MIN_MS
  #failures = 0
  #stopped = false
  #starting: Promise<void> | undefined
  #loop: Promise<void> | undefined
  #detach: (() => void) | undefined

  constructor(options: SequencerOptions) {
    this.#options = options
    this.#floor = new OutboxFloor(options.clock)
  }

  sequencePass(): Promise<void> {
    if (!this.#stopped) this.#ring('here')
    return this.caughtUp()
  }

  get isBehind(): boolean {
    return this.#due && this.#failures === 0
  }

  caughtUp(): Promise<void> {
    if (this.#stopped) return Promise.reject(stopped())
    if (!this.#due) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiters.push({ rung: this.#rung, resolve, reject }))
  }

  onMoved(listener: (head: bigint) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  saw(position: bigint): void {
    if (position > this.#knownHead) this.#knownHead = position
  }

  start(): Promise<void> {
    this.#starting ??= this.#begin()
    return this.#starting
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#detach?.()
    this.#alarm.ring()
    this.#pause.ring()
    await this.#starting?.catch(() => {}) // whoever started us was told
    await this.#loop
    for (const waiter of this.#waiters.splice(0)) waiter.reject(stopped())
  }

  /** Somebody of this process committed, so a pass is due; otherwise a look tells whether one is. */
  get #due(): boolean {
    return this.#heard < this.#rung
  }

  async #begin(): Promise<void> {
    try {
      await this.#pass(true)
    } catch (err) {
      throw translateDatabaseError(err)
    }
    this.#detach = this.#options.bell.onRing((source) => this.#ring(source))
    this.#loop = this.#run()
  }

  #ring(source: RingSource): void {
    if (source === 'here') this.#rung += 1
    this.#alarm.ring()
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    for (;;) {
      if (!this.#stopped) {
        await this.#alarm.wait(clock, this.#restMs())
        const early = this.#restedAtMs - clock.monotonicMs()
        if (early > 0) await clock.sleep(early)
      }
      if (this.#stopped && !this.#due) return
      const rung = this.#rung
      try {
        const emptied = await this.#pass(this.#due || this.#failures > 0)
        this.#recovered()
        if (!emptied) return // stopped in the middle: `stop` tells who waits
        this.#heard = rung
        for (const waiter of this.#waitersUntil(rung)) waiter.resolve()
      } catch (err) {
        this.#failed(err)
        for (const waiter of this.#waitersUntil(rung)) waiter.reject(translateDatabaseError(err))
        if (this.#stopped) return
        await this.#pause.wait(clock, backoffMs(this.#failures))
      }
    }
  }

  /** Takes out who waits for no later ring than this. */
  #waitersUntil(rung: number): readonly Waiter[] {
    const over = this.#waiters.filter((each) => each.rung <= rung)
    this.#waiters = this.#waiters.filter((each) => each.rung > rung)
    return over
  }

  #restMs(): number {
    if (this.#due || this.#failures > 0) return 0
    if (this.#notifyOwed) return this.#notifiedAtMs + NOTIFY_EVERY_MS - this.#options.clock.monotonicMs()
    return this.#pollMs
  }

  /** False when it was stopped before the outbox was empty. */
  async #pass(due: boolean): Promise<boolean> {
    const { system, clock } = this.#options
    const begunAtMs = clock.monotonicMs()
    const client = await system.connect()
    let inDoubt = true
    try {
      let wanted = due
      let emptied = true
      if (!this.#verified.has(client)) {
        await this.#verify(client)
        wanted = true
      }
      if (wanted || (await this.#hasRows(client))) emptied = await this.#empty(client)
      else this.#pollMs = Math.min(POLL_MAX_MS, this.#pollMs * 1.2)
      if (this.#notifyOwed && this.#mayNotify()) {
        await client.query(`NOTIFY ${EVENT_CHANNEL}`)
        this.#notified()
      }
      inDoubt = false
      return emptied
    } finally {
      const now = clock.monotonicMs()
      const restMs = Math.min(LONGEST_REST_MS, Math.max(PASS_EVERY_MS, (now - begunAtMs) * REST_PER_PASS))
      this.#restedAtMs = now + restMs
      client.release(inDoubt)
    }
  }

  async #empty(client: pg.PoolClient): Promise<boolean> {
    for (;;) {
      const notify = this.#mayNotify()
      const { count, head, last_id: lastId } = await this.#move(client, notify)
      if (head !== null && lastId !== null) {
        if (notify) this.#notified()
        else this.#notifyOwed = true
        this.#pollMs = POLL_MIN_MS
        this.saw(head)
        this.#floor.passed(lastId)
        for (const listener of this.#listeners) listener(head)
      }
      if (count < BATCH) break
      if (this.#stopped) return false
    }
    await this.#floor.advance(client)
    return true
  }

  async #move(client: pg.PoolClient, notify: boolean): Promise<Moved> {
    const moved = await client.query<Moved>({
      name: 'sequence',
      text: 'SELECT * FROM cadre_sequence($1, $2, $3)',
      values: [SEQUENCER_LOCK, this.#floor.value, notify],
      query_timeout: PASS_TIMEOUT_MS,
    } as pg.QueryConfig)
    return onlyRow(moved)
  }

  async #hasRows(client: pg.PoolClient): Promise<boolean> {
    const { rows } = await client.query<{ found: boolean }>({
      name: 'outbox_has_rows',
      text: 'SELECT EXISTS (SELECT FROM event_outbox WHERE id > $1) AS found',
      values: [this.#floor.value],
    })
    return rows[0]?.found === true
  }

  /** What has to hold before the first pass over a connection: it may lead to another database than the last one. */
  async #verify(client: pg.PoolClient): Promise<void> {
    // An answer of the database must outlive its crash here: a position that was shown is never given out anew. And the
    // statement that moves must see what was committed before it got the lock.
    const { rows } = await client.query<{ pid: number }>(
      `SELECT pg_backend_pid() AS pid, set_config('synchronous_commit', CASE
         WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on'
         ELSE current_setting('synchronous_commit') END, false),
         set_config('default_transaction_isolation', 'read committed', false),
         set_config('default_transaction_read_only', 'off', false)`,
    )
    await ensureEpoch(client, this.#knownHead)
    this.#knownHead = 0n
    this.#floor.reset()
    for (const { pid } of rows) this.#options.bell.ownBackends.add(pid)
    this.#verified.add(client)
  }

  #mayNotify(): boolean {
    return this.#options.clock.monotonicMs() - this.#notifiedAtMs >= NOTIFY_EVERY_MS
  }

  #notified(): void {
    this.#notifiedAtMs = this.#options.clock.monotonicMs()
    this.#notifyOwed = false
  }

  #failed(err: unknown): void {
    this.#failures += 1
    const { log } = this.#options
    // That the database is away is said once; anything else each time it is met.
    if (!isConnectionError(err)) log.error({ err }, 'events could not be moved into the log; trying again')
    else if (this.#failures === 1) log.warn({ err }, 'events wait in the outbox: the database is out of reach')
  }

  #recovered(): void {
    if (this.#failures > 0) this.#options.log.info('events are moved into the log again')
    this.#failures = 0
  }
}

const stopped = () => unavailable('The event log is being shut down.')
