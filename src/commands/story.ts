// What happens in the workspace, told at the terminal: one line for each notable thing, in the log's order.
//
// A person reads a few lines a second. So there is room for a burst of `LINES_AT_ONCE` and for `LINES_PER_SECOND` after
// it; what finds no room is counted instead, and the count is a line of its own once a second until the burst is over.
// Counting asks the database nothing: the story of five hundred leads costs no more than that of twenty.

import { eventTypes, namesOfThings } from '../domains/event-types.ts'
import type { Database } from '../platform/db/database.ts'
import type { Names, StoredEvent } from '../platform/events/event.ts'
import type { EventFeed } from '../platform/events/feed.ts'
import { namesIn } from '../platform/graphql/context-factory.ts'
import { isAppError } from '../platform/lib/errors.ts'
import { counted, oneLine, timeOfDay } from './terminal-text.ts'

export const LINES_AT_ONCE = 12
export const LINES_PER_SECOND = 4
const COUNT_EVERY_MS = 1_000
const NAME_WIDTH = 6

/** What is notable, and what many of it are called. */
const NOTABLE: Readonly<Record<string, readonly [one: string, many: string]>> = {
  'submission.routed': ['lead taken', 'leads taken'],
  'submission.qualified': ['judged', 'judged'],
  'submission.rejected': ['turned away', 'turned away'],
  'submission.needs_review': ['lead for a person', 'leads for a person'],
  'submission.failed': ['lead failed', 'leads failed'],
  'deal.created': ['deal opened', 'deals opened'],
  'deal.stage_changed': ['deal moved', 'deals moved'],
  'deal.won': ['deal won', 'deals won'],
  'deal.lost': ['deal lost', 'deals lost'],
  'deal.reopened': ['deal reopened', 'deals reopened'],
  'approval.requested': ['question to you', 'questions to you'],
  'approval.approved': ['approved', 'approved'],
  'approval.rejected': ['rejected', 'rejected'],
  'approval.expired': ['question expired', 'questions expired'],
  'approval.stale': ['question overtaken', 'questions overtaken'],
  'approval.failed': ['approved act failed', 'approved acts failed'],
  'effect.confirmed': ['sent out', 'sent out'],
  'effect.failed': ['act failed', 'acts failed'],
  'effect.unknown': ['act of unknown outcome', 'acts of unknown outcome'],
  'run.finished': ['run stopped short', 'runs stopped short'],
  'budget.exhausted': ['budget used up', 'budgets used up'],
  'employee.created': ['employee hired', 'employees hired'],
  'employee.updated': ['employee changed', 'employees changed'],
  'employee.paused': ['employee paused', 'employees paused'],
  'employee.resumed': ['employee resumed', 'employees resumed'],
  'employee.offboarded': ['employee left', 'employees left'],
  'form.created': ['form created', 'forms created'],
  'form.published': ['form published', 'forms published'],
  'form.paused': ['form paused', 'forms paused'],
  'form.resumed': ['form resumed', 'forms resumed'],
  'form.archived': ['form archived', 'forms archived'],
  'goal.created': ['goal set', 'goals set'],
  'goal.achieved': ['goal achieved', 'goals achieved'],
  'goal.missed': ['goal missed', 'goals missed'],
  'goal.blocked': ['goal blocked', 'goals blocked'],
  'goal.abandoned': ['goal given up', 'goals given up'],
}

export const NOTABLE_TYPES = Object.keys(NOTABLE)

/** A run that ends well has been told by what it did. */
const isNotable = ({ type, data }: StoredEvent): boolean => type !== 'run.finished' || data.status !== 'SUCCEEDED'

export interface StoryOptions {
  readonly out: { write(text: string): unknown; readonly columns?: number | undefined }
  /** Milliseconds that only go forward. */
  readonly now: () => number
  /** Today's names of things; asked for anew for each line. */
  readonly names: () => Names
}

/** Tells events as lines: see above. `close` tells what was only counted so far. */
export class Story {
  readonly #options: StoryOptions
  readonly #counts = new Map<string, number>()
  #room = LINES_AT_ONCE
  #roomAt: number
  #lastAt = new Date(0)
  #timer: NodeJS.Timeout | undefined

  constructor(options: StoryOptions) {
    this.#options = options
    this.#roomAt = options.now()
  }

  /** Resolves when the line stands there, or the event is counted. */
  async tell(event: StoredEvent): Promise<void> {
    if (!isNotable(event)) return
    if (this.#counts.size > 0 || !this.#takeRoom()) return this.#count(event)
    const names = this.#options.names()
    const [who, what] = await sentenceOf(event, names)
    this.#line(event.occurredAt, who, what)
  }

  /** Tells how many there were of what found no room. */
  tellCounts(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#counts.size === 0) return
    const parts = NOTABLE_TYPES.flatMap((type) => {
      const count = this.#counts.get(type)
      return count === undefined ? [] : [counted(count, ...(NOTABLE[type] ?? ['event', 'events']))]
    })
    this.#counts.clear()
    this.#line(this.#lastAt, '…', `and ${parts.join(' · ')}`)
  }

  close(): void {
    this.tellCounts()
  }

  #takeRoom(): boolean {
    const now = this.#options.now()
    this.#room = Math.min(LINES_AT_ONCE, this.#room + ((now - this.#roomAt) / 1_000) * LINES_PER_SECOND)
    this.#roomAt = now
    if (this.#room < 1) return false
    this.#room -= 1
    return true
  }

  #count(event: StoredEvent): void {
    this.#counts.set(event.type, (this.#counts.get(event.type) ?? 0) + 1)
    this.#lastAt = event.occurredAt
    this.#timer ??= setTimeout(() => this.tellCounts(), COUNT_EVERY_MS)
  }

  #line(at: Date, who: string, what: string): void {
    const line = `  ${timeOfDay(at)}  ${who.padEnd(NAME_WIDTH)} ${what}`
    this.#options.out.write(`${oneLine(line, this.#options.out.columns)}\n`)
  }
}

/** The event's sentence, with whoever it begins with apart: `Iris` and `opened deal Nimbus Labs`. */
async function sentenceOf(event: StoredEvent, names: Names): Promise<readonly [who: string, what: string]> {
  const summary = await eventTypes.summarize(event, names)
  const { employeeId } = event.data
  const actors = [await names.actor(event.actor)]
  if (typeof employeeId === 'string') actors.push(await names.of('employee', employeeId))
  for (const name of actors) {
    const rest = summary.startsWith(name) ? /^:? (.+)$/su.exec(summary.slice(name.length))?.[1] : undefined
    if (rest !== undefined) return [name, rest]
  }
  return ['Cadre', summary]
}

/** Tells what happens in a workspace from now on, until the signal; returns when the last line is written. */
export async function tellStory(options: {
  readonly feed: EventFeed
  readonly db: Database
  readonly workspaceId: string
  readonly out: StoryOptions['out']
  readonly signal: AbortSignal
}): Promise<void> {
  const { feed, db, workspaceId, out, signal } = options
  const story = new Story({
    out,
    now: () => performance.now(),
    names: () => namesIn({ db, names: namesOfThings }, workspaceId),
  })
  try {
    while (!signal.aborted) {
      const items = await feed.subscribe({ workspaceId, filter: { types: NOTABLE_TYPES }, signal })
      try {
        for await (const { event } of items) await story.tell(event)
        return
      } catch (err) {
        // The database was set back to an earlier state: the story goes on from there.
        if (!isAppError(err) || err.code !== 'CURSOR_EXPIRED') throw err
      }
    }
  } catch (err) {
    if (!isAppError(err) || err.code !== 'UNAVAILABLE') throw err
  } finally {
    story.close()
  }
}
