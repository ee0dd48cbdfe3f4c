import { describe, expect, it } from 'vitest'
import { createModel } from '../../src/agent/model/model.ts'
import { followRun, type RunUpdate } from '../../src/domains/runs/progress.ts'
import { openStandingNode } from '../events/open-standing-node.ts'
import { startMessagesServer } from '../support/messages-server.ts'
import { Office } from './arrange.ts'

const { database, node } = openStandingNode()

const collect = async (updates: AsyncIterable<RunUpdate>): Promise<RunUpdate[]> => {
  const all: RunUpdate[] = []
  for await (const update of updates) all.push(update)
  return all
}
const follow = (office: Office, runId: string, after?: string, signal = new AbortController().signal) =>
  followRun({ feed: node.events.feed, workspaceId: office.id, runId, after, signal })

const steps = (updates: RunUpdate[]): number[] =>
  updates.flatMap((update) => (update.kind === 'STEP' ? [update.seq] : []))

describe('the progress of a run', () => {
  it('tells each step once while the run is worked, and completes with it', async () => {
    const office = await Office.open(node.db, database.url)
    const { runId } = await office.lead()
    const following = collect(await follow(office, runId))
    await office.work(runId, office.worker({ bell: node.events.bell }))
    const updates = await following
    const recorded = await office.steps(runId)
    expect(steps(updates)).toEqual(recorded.map(({ seq }) => seq))
    expect(updates.filter(({ kind }) => kind === 'CAUGHT_UP')).toHaveLength(1)
    expect(updates.at(-1)?.kind).toBe('RUN')
    await office.close()
  })

  it('of a run that is over is told from its beginning, and completes', async () => {
    const office = await Office.open(node.db, database.url)
    const { runId } = await office.lead()
    await office.work(runId, office.worker({ bell: node.events.bell }))
    await node.events.feed.waitFor(await lastCursor(office))
    const updates = await collect(await follow(office, runId))
    expect(steps(updates)).toEqual((await office.steps(runId)).map(({ seq }) => seq))
    expect(updates[0]?.kind).toBe('RUN')
    await office.close()
  })

  it('resumed after any of its cursors misses nothing and tells nothing twice', async () => {
    const office = await Office.open(node.db, database.url)
    const { runId } = await office.lead()
    await office.work(runId, office.worker({ bell: node.events.bell }))
    await node.events.feed.waitFor(await lastCursor(office))
    const whole = (await collect(await follow(office, runId))).filter(({ kind }) => kind !== 'CAUGHT_UP')
    for (const [index, update] of whole.entries()) {
      if (update.kind === 'TEXT' || update.kind === 'CAUGHT_UP') continue
      const rest = (await collect(await follow(office, runId, update.cursor))).filter(
        ({ kind }) => kind !== 'CAUGHT_UP',
      )
      expect(rest).toEqual(whole.slice(index + 1))
    }
    await office.close()
  })

  it('carries the text of a turn while it is written, whose pieces make the step’s final text', async () => {
    const words = 'This lead is worth a closer look, and here is at some length why that is so.'
    const server = await startMessagesServer({
      script: [{ kind: 'message', content: [{ type: 'text', text: words }] }],
    })
    const office = await Office.open(node.db, database.url, { dailyBudgetMicros: null })
    const { runId } = await office.lead()
    const following = collect(await follow(office, runId))
    const model = createModel({ mode: 'live', apiKey: 'key', baseUrl: server.url, timeoutMs: 20_000 })
    await office.work(runId, office.worker({ bell: node.events.bell, model }))
    const texts = (await following).flatMap((update) => (update.kind === 'TEXT' ? [update] : []))
    let text = ''
    for (const piece of texts) {
      expect(piece).toMatchObject({ seq: 0, offset: text.length })
      text += piece.text
    }
    expect(words.startsWith(text)).toBe(true)
    expect(text).not.toBe('')
    await server.stop()
    await office.close()
  })

  it('ends when the client is gone, while nothing happens', async () => {
    const office = await Office.open(node.db, database.url)
    const { runId } = await office.lead()
    const gone = new AbortController()
    const following = collect(await follow(office, runId, undefined, gone.signal))
    gone.abort()
    await following
    const updates = await follow(office, runId)
    const first = await updates.next()
    expect(first.done).toBe(false)
    expect(await updates.return?.()).toEqual({ done: true, value: undefined })
    expect(await updates.next()).toEqual({ done: true, value: undefined })
    await office.close()
  })

  async function lastCursor(office: Office): Promise<string> {
    const [row] = await office.rows<{ id: string }>(
      `select max(id) as id from (select id from event_outbox where workspace_id = $1
         union all select outbox_id from event_log where workspace_id = $1) as all_events(id)`,
    )
    return node.events.feed.positionOf(BigInt(row?.id ?? 0))
  }
})
