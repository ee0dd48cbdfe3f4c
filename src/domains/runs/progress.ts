/*
 * One run, followed until it ends: what has happened so far, then what happens, and the text of a turn while it is written.
 *
 *   catching up   the run's events up to the place the log had at the beginning, page by page; then CaughtUp
 *   live          what comes after that place, from the feed, with text between; ends with the run's own end
 *
 * A reader that is slow holds up the reading of the log, never the other way round: events are asked for one at a time.
 * Text waits in a bounded buffer and is dropped beyond it. A step's text that comes after the step itself is dropped too:
 * the step's final text wins.
 */

import type { StoredEvent } from '../../platform/events/event.ts'
import type { EventFeed } from '../../platform/events/feed.ts'
import type { FeedItem } from '../../platform/events/log-rows.ts'
import { followText, type TextPiece } from './text-lane.ts'

export type RunUpdate =
  | { readonly kind: 'RUN'; readonly cursor: string; readonly runId: string }
  | { readonly kind: 'STEP'; readonly cursor: string; readonly runId: string; readonly seq: number }
  | {
      readonly kind: 'TEXT'
      readonly runId: string
      readonly seq: number
      readonly offset: number
      readonly text: string
    }
  | { readonly kind: 'CAUGHT_UP'; readonly cursor: string }

/** Types of events that are updates; all others of the run are told by the steps that caused them. */
const TYPES = [
  'run.queued',
  'run.started',
  'run.waiting',
  'run.resumed',
  'run.cancel_requested',
  'run.finished',
  'step.finished',
]

const PAGE = 100
const MAX_WAITING_TEXTS = 256

export interface FollowedRun {
  readonly feed: Pick<EventFeed, 'read' | 'subscribe' | 'cursor'>
  readonly workspaceId: string
  readonly runId: string
  /** From this place in the log on; from the run's beginning without it. */
  readonly after?: string | undefined
  readonly signal: AbortSignal
}

/** Follows a run. Rejects as the feed does for a cursor that is none of ours or is no longer served. */
export async function followRun(options: FollowedRun): Promise<AsyncIterableIterator<RunUpdate>> {
  const { feed, workspaceId, runId, after, signal } = options
  const here = feed.cursor()
  const filter = { types: TYPES, runId }
  // An `after` ahead of this process's reading: there is nothing to catch up with.
  const isBehind = after === undefined || after < here
  const pageAfter = (paging: string | undefined) =>
    feed.read({
      workspaceId,
      filter,
      from: after,
      to: here,
      first: PAGE,
      ...(paging === undefined ? {} : { after: paging }),
    })
  const firstPage = isBehind ? await pageAfter(undefined) : undefined
  const live = await feed.subscribe({ workspaceId, after: isBehind ? here : after, filter, signal })
  const past = catchUp(firstPage, pageAfter)
  const isOver = after !== undefined && (await hasEndedBy(options, after))
  return new Progress({ runId, past, caughtUpAt: isBehind ? here : after, isOver, live, signal })
}

/** Whether the run's end lies before a place in the log: nothing will ever come after that. */
async function hasEndedBy({ feed, workspaceId, runId }: FollowedRun, cursor: string): Promise<boolean> {
  const { items } = await feed.read({ workspaceId, filter: { types: ['run.finished'], runId }, last: 1 })
  const end = items.at(-1)
  return end !== undefined && end.cursor <= cursor
}

type Page = Awaited<ReturnType<EventFeed['read']>>

async function* catchUp(
  firstPage: Page | undefined,
  pageAfter: (paging: string) => Promise<Page>,
): AsyncGenerator<FeedItem, void, undefined> {
  for (let page = firstPage; page !== undefined; ) {
    yield* page.items
    const last = page.items.at(-1)
    page = page.hasNextPage && last !== undefined ? await pageAfter(last.cursor) : undefined
  }
}

interface ProgressOptions {
  readonly runId: string
  readonly past: AsyncGenerator<FeedItem, void, undefined>
  readonly caughtUpAt: string
  /** Nothing comes after what is past. */
  readonly isOver: boolean
  readonly live: AsyncIterableIterator<FeedItem>
  readonly signal: AbortSignal
}

class Progress implements AsyncIterableIterator<RunUpdate> {
  readonly #options: ProgressOptions
  readonly #leaveText: () => void
  readonly #texts: TextPiece[] = []
  #phase: 'PAST' | 'LIVE' | 'ENDED' = 'PAST'
  #lastStep = -1
  #pendingEvent: Promise<IteratorResult<FeedItem>> | undefined
  #wake: (() => void) | undefined

  constructor(options: ProgressOptions) {
    this.#options = options
    this.#leaveText = followText(options.runId, (piece) => this.#acceptText(piece))
    if (options.signal.aborted) this.#end()
    else options.signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  async next(): Promise<IteratorResult<RunUpdate>> {
    for (;;) {
      if (this.#phase === 'ENDED') return { done: true, value: undefined }
      if (this.#phase === 'PAST') {
        const { done, value } = await this.#options.past.next()
        if (done === true) {
          // It may have been ended while it waited.
          if (this.#phase === 'PAST') this.#phase = 'LIVE'
          if (this.#options.isOver) this.#end()
          return { done: false, value: { kind: 'CAUGHT_UP', cursor: this.#options.caughtUpAt } }
        }
        return { done: false, value: this.#update(value) }
      }
      const text = this.#texts.shift()
      if (text !== undefined) {
        if (text.seq <= this.#lastStep) continue
        return { done: false, value: { kind: 'TEXT', runId: this.#options.runId, ...text } }
      }
      this.#pendingEvent ??= this.#nextEvent()
      const first = await Promise.race([this.#pendingEvent, this.#somethingElse()])
      if (first === undefined) continue
      this.#pendingEvent = undefined
      if (first.done === true) this.#end()
      else return { done: false, value: this.#update(first.value) }
    }
  }

  async return(): Promise<IteratorResult<RunUpdate>> {
    this.#end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #update({ event, cursor }: FeedItem): RunUpdate {
    const seq = stepOf(event)
    if (seq !== undefined) {
      this.#lastStep = Math.max(this.#lastStep, seq)
      return { kind: 'STEP', cursor, runId: this.#options.runId, seq }
    }
    if (event.type === 'run.finished') this.#end()
    return { kind: 'RUN', cursor, runId: this.#options.runId }
  }

  #acceptText(piece: TextPiece): void {
    if (this.#phase === 'ENDED' || this.#texts.length >= MAX_WAITING_TEXTS) return
    this.#texts.push(piece)
    this.#wake?.()
  }

  #nextEvent(): Promise<IteratorResult<FeedItem>> {
    const event = this.#options.live.next()
    // Who waits for it hears of its failure; it may fail when nobody does any more.
    event.catch(() => {})
    return event
  }

  /** Resolves, with nothing, when there is text or the end has come. */
  #somethingElse(): Promise<undefined> {
    if (this.#texts.length > 0 || this.#phase === 'ENDED') return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#wake = () => resolve(undefined)
    })
  }

  #end(): void {
    if (this.#phase === 'ENDED') return
    this.#phase = 'ENDED'
    this.#leaveText()
    this.#texts.length = 0
    void this.#options.past.return()
    void this.#options.live.return?.()
    this.#wake?.()
  }
}

const stepOf = ({ type, data }: StoredEvent): number | undefined =>
  type === 'step.finished' && typeof data.seq === 'number' ? data.seq : undefined
