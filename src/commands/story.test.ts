import { describe, expect, test } from 'vitest'
import type { Names, StoredEvent } from '../platform/events/event.ts'
import type { EventFeed } from '../platform/events/feed.ts'
import { notFound, unavailable } from '../platform/lib/errors.ts'
import { LINES_AT_ONCE, NOTABLE_TYPES, Story, tellStory } from './story.ts'

const IRIS = '0197fbd1-7a00-7000-8000-000000000001'
const names: Names = {
  of: async (kind, id) => (kind === 'employee' ? 'Iris' : kind === 'form' ? 'Book a demo' : id),
  actor: async (actor) => (actor.kind === 'EMPLOYEE' ? 'Iris' : actor.kind === 'SYSTEM' ? 'Cadre' : 'A visitor'),
}

let position = 0n
const event = (type: string, rest: Partial<StoredEvent> = {}): StoredEvent => ({
  position: ++position,
  outboxId: position,
  workspaceId: IRIS,
  type,
  subject: { kind: 'submission', id: 'Nimbus Labs' },
  subjectVersion: null,
  actor: { kind: 'VISITOR' },
  runId: null,
  causeId: null,
  depth: 0,
  data: { employeeId: IRIS, formId: 'form' },
  changes: [],
  occurredAt: new Date(2026, 10, 25, 9, 41, 2),
  origin: {},
  erasedAt: null,
  ...rest,
})
const taken = (company: string) => event('submission.routed', { subject: { kind: 'submission', id: company } })

function listen(columns?: number) {
  const lines: string[] = []
  const time = { ms: 0 }
  const out = { columns, write: (text: string) => lines.push(text) }
  const story = new Story({ out, now: () => time.ms, names: () => names })
  return { story, lines, time }
}

describe('the story at the terminal', () => {
  test('tells a notable thing in one line with local time, who, and what', async () => {
    const { story, lines } = listen()
    await story.tell(taken('Nimbus Labs'))
    await story.tell(
      event('deal.created', {
        subject: { kind: 'deal', id: 'Nimbus Labs' },
        actor: { kind: 'EMPLOYEE', id: IRIS },
        data: { amountMicros: '18000000000', currency: 'EUR', stageId: 'New' },
      }),
    )
    expect(lines).toEqual([
      '  09:41:02  Iris   took "Nimbus Labs" from Book a demo\n',
      '  09:41:02  Iris   opened deal Nimbus Labs · €18,000.00 · New\n',
    ])
  })

  test('is whole on a terminal that does not know its width', async () => {
    const { story, lines } = listen(0)
    await story.tell(taken('Nimbus Labs'))
    expect(lines).toEqual(['  09:41:02  Iris   took "Nimbus Labs" from Book a demo\n'])
  })

  test('says nothing of a run that ended well, and speaks up for one that did not', async () => {
    const { story, lines } = listen()
    const ended = (status: string) => event('run.finished', { data: { status, employeeId: IRIS } })
    await story.tell(ended('SUCCEEDED'))
    expect(lines).toEqual([])
    await story.tell(ended('FAILED'))
    expect(lines).toEqual(['  09:41:02  Iris   could not finish: Nimbus Labs\n'])
  })

  test('counts what comes faster than a person reads, and tells the counts in one line', async () => {
    const { story, lines, time } = listen()
    for (let n = 0; n < 500; n++) await story.tell(taken(`Company ${n}`))
    await story.tell(event('approval.requested'))
    expect(lines.length).toBe(LINES_AT_ONCE)
    story.tellCounts()
    expect(lines.slice(LINES_AT_ONCE)).toEqual(['  09:41:02  …      and 488 leads taken · 1 question to you\n'])
    time.ms += 60_000
    await story.tell(taken('Kite & Co'))
    expect(lines.at(-1)).toBe('  09:41:02  Iris   took "Kite & Co" from Book a demo\n')
    expect(lines.length).toBe(LINES_AT_ONCE + 2)
  })

  test('tells when it is closed what was only counted so far', async () => {
    const { story, lines } = listen()
    for (let n = 0; n <= LINES_AT_ONCE; n++) await story.tell(taken(`Company ${n}`))
    story.close()
    expect(lines.at(-1)).toContain('and 1 lead taken')
  })

  test("never lets a stranger's words command the terminal, nor break the line", async () => {
    const { story, lines } = listen(60)
    await story.tell(taken(`\u001b[2J\u009b31mEvil\r\n\u202e${'x'.repeat(200)}`))
    const [line = ''] = lines
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
    expect([...line.trimEnd()].length).toBe(60)
  })
})

describe('the story of a workspace', () => {
  const signal = () => new AbortController().signal
  /** A feed that gives these, one after the other: events, or the fault that ends them. */
  const feedOf = (...given: readonly (readonly StoredEvent[] | Error)[]) => {
    const filters: unknown[] = []
    const feed = {
      subscribe: async ({ filter }: { readonly filter?: unknown }) => {
        const next = given[filters.push(filter) - 1] ?? []
        if (next instanceof Error) throw next
        return (async function* () {
          for (const each of next) yield { event: each }
        })()
      },
    }
    return { feed: feed as unknown as EventFeed, filters }
  }
  const tell = (feed: EventFeed, until: AbortSignal = signal()) => {
    const lines: string[] = []
    const out = { write: (text: string) => lines.push(text) }
    const told = tellStory({ feed, db: undefined as never, workspaceId: IRIS, out, signal: until })
    return told.then(() => lines)
  }

  test('asks for nothing but what is notable, and ends when the feed does', async () => {
    const { feed, filters } = feedOf([])
    expect(await tell(feed)).toEqual([])
    expect(filters).toEqual([{ types: NOTABLE_TYPES }])
  })

  test('is not begun for one who has gone', async () => {
    const { feed, filters } = feedOf([])
    await tell(feed, AbortSignal.abort())
    expect(filters).toEqual([])
  })

  test('ends without a word when the server stops', async () => {
    expect(await tell(feedOf(unavailable('Stopping.')).feed)).toEqual([])
  })

  test('keeps every other fault', async () => {
    await expect(tell(feedOf(new Error('no connection')).feed)).rejects.toThrow('no connection')
    await expect(tell(feedOf(notFound('Workspace')).feed)).rejects.toThrow('Workspace not found')
  })
})
