// The process's one reader of the log.
//
// It follows `event_log` in the order of positions, in batches, keeps the newest events in a ring, and hands each event
// to the listeners of its workspace. Position order is commit order, so "everything above what I have read" is never
// missing anything. Where there is nothing new it waits for a ring, and looks by itself now and then.
//
// Each batch tells in the same statement which epoch it belongs to. When that is a new one, the database was restored or
// a replica promoted. If the tail had read no further than where the new epoch starts, it just goes on. If it had, what it
// gave out beyond that place never happened in this database: its listeners are told and let go, the ring is emptied,
// and it goes on from where the histories part.

import type pg from 'pg'
import { isConnectionError } from '../db/errors.ts'
import { onlyRow } from '../db/only-row.ts'
import type { Clock } from '../lib/clock.ts'
import { type AppError, unavailable } from '../lib/errors.ts'
import type { Logger } from '../observability/logger.ts'
import { Alarm } from './alarm.ts'
import { backoffMs } from './backoff.ts'
import type { LogPosition } from './cursor.ts'
import { type Epoch, readEpochs, resolveCursor, whyGone } from './epoch.ts'
import { type NextRow, readNext, toItem, type WeighedItem } from './log-rows.ts'
import { Ring } from './ring.ts'

const BATCH = 500
const POLL_MIN_MS = 500
const POLL_MAX_MS = 1_000
const READ_TIMEOUT_MS = 30_000
const RING_BYTES = 16 * 1024 * 1024
/** How the types of events end that say that events before them were erased. */
const ERASED = '.erased'

export interface TailListener {
  /** The next event of the workspace. Must not throw. */
  deliver(item: WeighedItem): void
  /** Nothing more will come: with CURSOR_EXPIRED where the log took another course, with UNAVAILABLE at shutdown. */
  end(reason: AppError): void
}

export interface Tail {
  /** Everything up to here was read and handed out. */
  readonly position: bigint
  /** The newest epoch the tail knows; positions are to be given out under it. */
  readonly epoch: Epoch
  /** Hands every event of the workspace above `position` to the listener, until the returned function is called. */
  attach(workspaceId: string, listener: TailListener): () => void
  /**
   * The workspace's events above `after` up to `position`, or undefined when memory does not reach back that far. It begins
   * anew where something of the workspace was erased.
   */
  recent(after: bigint, workspaceId: string): readonly WeighedItem[] | undefined
  /** Says that there may be more to read. */
  wake(): void
  /** Calls the listener after each batch with the new position. It must not throw. */
  onAdvance(listener: (position: bigint) => void): () => void
  /** Where a reader with this cursor stands in today's log. Throws CURSOR_EXPIRED with the oldest place that works. */
  resolve(cursor: LogPosition): Promise<LogPosition>
  /** Asks the database for its epochs and takes note of new ones. */
  refreshEpochs(): Promise<readonly Epoch[]>
  /** Resolves when the tail has read up to `position`. Rejects when aborted, stopped, or when the log took another course. */
  reached(position: bigint, signal?: AbortSignal): Promise<void>
  /** Begins at the head of the log. */
  start(): Promise<void>
  stop(): Promise<void>
}

export interface TailOptions {
  /** Connections as `cadre_system`. */
  readonly system: pg.Pool
  readonly log: Logger
  readonly clock: Clock
  /** How much of the newest log is kept in memory, in bytes; 16 MB unless told. */
  readonly ringBytes?: number | undefined
}

interface Waiter {
  readonly position: bigint
  readonly resolve: () => void
  readonly reject: (err: unknown) => void
}

export function createTail(options: TailOptions): Tail {
  return new LogTail(options)
}

class LogTail implements Tail {
  readonly #options: TailOptions
  readonly #alarm = new Alarm()
  readonly #pause = new Alarm()
  readonly #byWorkspace = new Map<string, Set<TailListener>>()
  readonly #advanced = new Set<(position: bigint) => void>()
  readonly #waiters = new Set<Waiter>()
  readonly #ringBytes: number
  #ring: Ring
  #position = 0n
  #epochs: readonly Epoch[] = []
  #failures = 0
  #pollMs = POLL_MIN_MS
  #stopped = false
  #starting: Promise<void> | undefined
  #loop: Promise<void> | undefined

  constructor(options: TailOptions) {
    this.#options = options
    this.#ringBytes = options.ringBytes ?? RING_BYTES
    this.#ring = new Ring(this.#ringBytes, 0n)
  }

  get position(): bigint {
    return this.#position
  }

  get epoch(): Epoch {
    const epoch = this.#epochs.at(-1)
    if (epoch === undefined) throw new Error('the tail was not started')
    return epoch
  }

  attach(workspaceId: string, listener: TailListener): () => void {
    let listeners = this.#byWorkspace.get(workspaceId)
    if (listeners === undefined) {
      listeners = new Set()
      this.#byWorkspace.set(workspaceId, listeners)
    }
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#byWorkspace.get(workspaceId) === listeners) {
        this.#byWorkspace.delete(workspaceId)
      }
    }
  }

  recent(after: bigint, workspaceId: string): readonly WeighedItem[] | undefined {
    return this.#ring.since(after, workspaceId)
  }

  wake(): void {
    this.#alarm.ring()
  }

  onAdvance(listener: (position: bigint) => void): () => void {
    this.#advanced.add(listener)
    return () => this.#advanced.delete(listener)
  }

  async resolve(cursor: LogPosition): Promise<LogPosition> {
    if (cursor.epoch === this.epoch.number && cursor.position <= this.#position) return cursor
    // Another process may be ahead of this one, with its reading or with a new epoch: ask before refusing.
    const head = await this.#readHead()
    const position = resolveCursor(cursor, await this.refreshEpochs(), head)
    return { epoch: this.epoch.number, position }
  }

  async refreshEpochs(): Promise<readonly Epoch[]> {
    const epochs = await readEpochs(this.#options.system)
    this.#learn(epochs)
    return this.#epochs
  }

  reached(position: bigint, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (position <= this.#position) return Promise.resolve()
    if (this.#stopped) return Promise.reject(shutDown())
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        this.#waiters.delete(waiter)
        signal?.removeEventListener('abort', abort)
        then()
      }
      const abort = () => settle(() => reject(signal?.reason))
      const waiter: Waiter = {
        position,
        resolve: () => settle(resolve),
        reject: (err) => settle(() => reject(err)),
      }
      signal?.addEventListener('abort', abort)
      this.#waiters.add(waiter)
      this.wake()
    })
  }

  start(): Promise<void> {
    this.#starting ??= this.#begin()
    return this.#starting
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#alarm.ring()
    this.#pause.ring()
    await this.#starting?.catch(() => {}) // whoever started us was told
    await this.#loop
    this.#letGo(shutDown())
    for (const waiter of [...this.#waiters]) waiter.reject(shutDown())
  }

  async #begin(): Promise<void> {
    const head = await this.#readHead()
    const epochs = await readEpochs(this.#options.system)
    if (epochs.length === 0) throw new Error('the log has no epoch: the sequencer starts before the tail')
    this.#epochs = epochs
    this.#position = head
    this.#ring = new Ring(this.#ringBytes, head)
    this.#loop = this.#run()
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    while (!this.#stopped) {
      try {
        while (await this.#readBatch()) if (this.#stopped) return
        if (this.#failures > 0) this.#options.log.info('the event log is read again')
        this.#failures = 0
        if (!this.#stopped) await this.#alarm.wait(clock, this.#pollMs)
      } catch (err) {
        this.#failed(err)
        if (!this.#stopped) await this.#pause.wait(clock, backoffMs(this.#failures))
      }
    }
  }

  /** True when there may be more to read at once. */
  async #readBatch(): Promise<boolean> {
    const after = this.#position
    const { rows } = await this.#options.system.query<NextRow>({
      name: 'event_log_next',
      text: readNext(BATCH),
      values: [after],
      query_timeout: READ_TIMEOUT_MS,
    } as pg.QueryConfig)
    const epoch = rows[0]?.epoch
    if (epoch !== this.epoch.number) {
      await this.refreshEpochs()
      if (epoch !== this.epoch.number) throw new Error(`the log belongs to epoch ${epoch}, which is unknown`)
    }
    // Learning of a new epoch may have set the tail back; what was read then is read again.
    if (this.#position !== after) return true
    let count = 0
    for (const row of rows) {
      if (row.position === null) continue
      this.#handOut(toItem(row, epoch))
      count += 1
    }
    this.#pollMs = count > 0 ? POLL_MIN_MS : Math.min(POLL_MAX_MS, this.#pollMs * 1.2)
    if (count === 0) return false
    for (const waiter of [...this.#waiters]) if (waiter.position <= this.#position) waiter.resolve()
    for (const listener of this.#advanced) listener(this.#position)
    return count === BATCH
  }

  #handOut(item: WeighedItem): void {
    this.#position = item.event.position
    const { type, workspaceId, position } = item.event
    // Memory still has what the log has not any more. Whoever resumes reads the log.
    if (type.endsWith(ERASED)) this.#ring.forget(workspaceId, position - 1n)
    this.#ring.push(item)
    const listeners = this.#byWorkspace.get(workspaceId)
    if (listeners !== undefined) for (const listener of listeners) listener.deliver(item)
  }

  async #readHead(): Promise<bigint> {
    const found = await this.#options.system.query<{ head: bigint }>({
      name: 'event_log_head',
      text: 'SELECT coalesce(max(position), 0) AS head FROM event_log',
    })
    return onlyRow(found).head
  }

  #learn(epochs: readonly Epoch[]): void {
    const known = this.#epochs.at(-1)
    const newest = epochs.at(-1)
    if (known === undefined || newest === undefined || newest.number <= known.number) return
    this.#epochs = epochs
    this.#options.log.warn({ startsAt: String(newest.startsAt) }, 'the database is another one than before: new epoch')
    const gone = (position: bigint) => whyGone({ epoch: known.number, position }, epochs)
    for (const waiter of [...this.#waiters]) {
      const reason = gone(waiter.position)
      if (reason !== undefined) waiter.reject(reason)
    }
    const reason = gone(this.#position)
    if (reason === undefined) return
    const index = epochs.findIndex((epoch) => epoch.number === known.number)
    const next = index === -1 ? undefined : epochs[index + 1]
    this.#position = (next ?? newest).startsAt
    this.#ring = new Ring(this.#ringBytes, this.#position)
    this.#letGo(reason)
  }

  #letGo(reason: AppError): void {
    const listeners = [...this.#byWorkspace.values()].flatMap((each) => [...each])
    this.#byWorkspace.clear()
    for (const listener of listeners) listener.end(reason)
  }

  #failed(err: unknown): void {
    this.#failures += 1
    const { log } = this.#options
    if (!isConnectionError(err)) log.error({ err }, 'the event log cannot be read; trying again')
    else if (this.#failures === 1) log.warn({ err }, 'the event log cannot be read: the database is out of reach')
  }
}

const shutDown = () => unavailable('The server is shutting down. Resume from your cursor.')
