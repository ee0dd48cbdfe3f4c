// One reader of a workspace's events, from a place in the log on, without end.
//
//   reading    the next events are taken from the log, a page at a time, as fast as the reader asks for them
//   live       the tail delivers into a buffer, bounded by number and bytes
//   ended      closed by the reader, or the log took another course, or (DISCONNECT) the reader was too slow
//
//   reading → live      when the tail's memory reaches back to where this reader stands: what it holds from there on is
//                       taken over and the listener attached in the same instant, so nothing falls between
//   live → reading      when the buffer is full (COALESCE): what comes after it is read from the log once the reader has
//                       emptied it. Nothing is lost, and memory stays bounded however slow the reader is
//
// `#seen` is the place in the log up to which everything was either handed over, lies in the buffer, or was not wanted.

import { type AppError, limitExceeded } from '../lib/errors.ts'
import type { LogPosition } from './cursor.ts'
import { resolveCursor } from './epoch.ts'
import type { StoredEvent } from './event.ts'
import { type EventFilter, matchesFilter, type PageQuery } from './log-reader.ts'
import { type FeedItem, type LogRow, toItem, type WeighedItem } from './log-rows.ts'
import type { Tail, TailListener } from './tail.ts'

/** What becomes of a reader that does not keep up. In either case it misses nothing. */
export type OnLag =
  /** It goes on from the log, at its own pace. */
  | 'COALESCE'
  /** It gets what was buffered, then LIMIT_EXCEEDED: it resumes from its cursor when it likes. */
  | 'DISCONNECT'

export interface SubscriberOptions {
  readonly workspaceId: string
  readonly filter: EventFilter
  /** Which of them are wanted; all unless given. */
  readonly matches: ((event: StoredEvent) => boolean) | undefined
  readonly maxBufferedEvents: number
  readonly maxBufferedBytes: number
  readonly onLag: OnLag
  readonly tail: Tail
  /** Reads a page of the log; waits for its turn among all readers of this process, and for the database. */
  readonly readPage: (query: PageQuery, closed: AbortSignal) => Promise<readonly LogRow[]>
}

const PAGE = 100

export class Subscriber implements AsyncIterableIterator<FeedItem>, TailListener {
  readonly #options: SubscriberOptions
  readonly #closed = new AbortController()
  readonly #iteration: AsyncGenerator<FeedItem, void, void>
  #buffer: WeighedItem[]
  #bufferedBytes: number
  #seen: bigint
  #epoch: number
  #detach: (() => void) | undefined
  #failure: AppError | undefined
  #wake: (() => void) | undefined

  /** Hands over `first`, then everything above `start`. */
  constructor(options: SubscriberOptions, start: LogPosition, first: readonly WeighedItem[]) {
    this.#options = options
    this.#seen = start.position
    this.#epoch = start.epoch
    this.#buffer = [...first]
    this.#bufferedBytes = first.reduce((sum, item) => sum + item.bytes, 0)
    this.#iteration = this.#iterate()
  }

  next(): Promise<IteratorResult<FeedItem, void>> {
    return this.#iteration.next()
  }

  async return(): Promise<IteratorResult<FeedItem, void>> {
    this.close()
    return this.#iteration.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Ends the iteration, also of a reader that is waiting. May be called at any time, more than once. */
  close(): void {
    this.#stopListening()
    this.#buffer = []
    this.#closed.abort()
    this.#wake?.()
  }

  deliver(item: WeighedItem): void {
    const { position } = item.event
    if (position <= this.#seen) return
    if (this.#wants(item) && !this.#keep(item)) {
      this.#stopListening()
      if (this.#options.onLag === 'DISCONNECT') {
        this.#fail(limitExceeded('RATE', 'Events came faster than they were read. Resume from your cursor.', 1_000))
      }
      return
    }
    this.#seen = position
    this.#epoch = this.#options.tail.epoch.number
    this.#wake?.()
  }

  end(reason: AppError): void {
    this.#detach = undefined
    if (reason.code !== 'CURSOR_EXPIRED') {
      this.#fail(reason)
      return
    }
    // The tail was too far; this reader may not have been. What it has not fetched is read anew, and that tells.
    const first = this.#buffer[0]
    if (first !== undefined) this.#seen = first.event.position - 1n
    this.#buffer = []
    this.#bufferedBytes = 0
    this.#wake?.()
  }

  #fail(reason: AppError): void {
    this.#failure = reason
    this.#wake?.()
  }

  #stopListening(): void {
    this.#detach?.()
    this.#detach = undefined
  }

  #wants({ event }: FeedItem): boolean {
    const { filter, matches } = this.#options
    return matchesFilter(event, filter) && (matches === undefined || matches(event))
  }

  /** False when the buffer has no room; an item that is too large for it is let in alone. */
  #keep(item: WeighedItem): boolean {
    const { maxBufferedEvents, maxBufferedBytes } = this.#options
    const full =
      this.#buffer.length >= maxBufferedEvents ||
      (this.#buffer.length > 0 && this.#bufferedBytes + item.bytes > maxBufferedBytes)
    if (full) return false
    this.#buffer.push(item)
    this.#bufferedBytes += item.bytes
    return true
  }

  async *#iterate(): AsyncGenerator<FeedItem, void, void> {
    const { tail } = this.#options
    try {
      while (!this.#closed.signal.aborted) {
        const item = this.#buffer.shift()
        if (item !== undefined) {
          this.#bufferedBytes -= item.bytes
          yield { event: item.event, cursor: item.cursor }
        } else if (this.#failure !== undefined) {
          throw this.#failure
        } else if (this.#detach !== undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
          this.#wake = undefined
        } else if (this.#epoch === tail.epoch.number && this.#seen > tail.position) {
          // The cursor is from a process that is ahead of this one.
          await tail.reached(this.#seen, this.#closed.signal)
        } else if (!this.#goLive()) {
          await this.#readOn()
        }
      }
    } catch (err) {
      if (!this.#closed.signal.aborted) throw err
    } finally {
      this.close()
    }
  }

  /** Takes over from the tail's memory; false when that does not reach back far enough. */
  #goLive(): boolean {
    const { tail, workspaceId } = this.#options
    if (this.#epoch !== tail.epoch.number) return false
    const recent = tail.recent(this.#seen, workspaceId)
    if (recent === undefined) return false
    for (const item of recent) {
      // Full: these first, the rest when the reader comes back for more.
      if (this.#wants(item) && !this.#keep(item)) return true
      this.#seen = item.event.position
    }
    if (tail.position > this.#seen) this.#seen = tail.position
    this.#detach = tail.attach(workspaceId, this)
    return true
  }

  async #readOn(): Promise<void> {
    const { tail, workspaceId, filter, readPage } = this.#options
    const head = tail.position
    const rows = await readPage(
      { workspaceId, filter, above: this.#seen, from: 'oldest', limit: PAGE },
      this.#closed.signal,
    )
    // A new epoch is opened before anything is logged in it, so if these rows belong to one, it is known when asked now.
    const epochs = await tail.refreshEpochs()
    if (tail.epoch.number !== this.#epoch) {
      resolveCursor({ epoch: this.#epoch, position: this.#seen }, epochs, this.#seen)
      this.#epoch = tail.epoch.number
      return // to read again: these rows may be of the course the log did not take
    }
    for (const row of rows) {
      const item = toItem(row, this.#epoch)
      if (this.#wants(item) && !this.#keep(item)) return
      this.#seen = row.position
    }
    if (rows.length < PAGE && head > this.#seen) this.#seen = head
  }
}
