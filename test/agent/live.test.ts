import { describe, expect, it } from 'vitest'
import { pauseEmployee, resumeEmployee } from '../../src/domains/employees/service.ts'
import { cancelRun, sweepRuns, wakeRunsWaitingForBudget } from '../../src/domains/runs/service.ts'
import { testLog } from '../support/context.ts'
import type { MessagesServer, Step } from '../support/messages-server.ts'
import { type Office, process } from './arrange.ts'
import { calls, HELLO, message, openLiveModel, RETRY, says } from './live-model.ts'

const { db, setUp } = openLiveModel()

const reservations = (office: Office) =>
  office.rows<{ turn: number; attempt: number; status: string; settled: number | null }>(
    `select turn, attempt, status, settled_micros::int as settled from budget_reservation where workspace_id = $1 order by turn, attempt`,
  )
const balance = async (office: Office) => {
  const [row] = await office.rows(
    `select held_micros::int as held, settled_micros::int as settled, lost_micros::int as lost from budget_day where workspace_id = $1`,
  )
  return row
}

describe('a run with a live model', () => {
  it('works the same lead over the network, and settles each call it reserved', async () => {
    const { office, runId, work, server } = await setUp(undefined)
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'SUCCEEDED', rehearsal: true })
    expect(await office.count('deal')).toBe(1)
    const made = await reservations(office)
    expect(made.map(({ status }) => status)).toEqual(made.map(() => 'SETTLED'))
    expect(made).toHaveLength(server.requests.length)
    expect(await balance(office)).toMatchObject({ held: 0, lost: 0 })
    expect((await office.eventTypes(runId)).filter((type) => type === 'step.started')).toHaveLength(made.length)
    await office.close()
  })

  it('is billed by what the provider reports, on the run, the step and the day', async () => {
    const { office, runId, work } = await setUp([message([says('Nothing to do.')])])
    await office.work(runId, work)
    // 100 tokens in at $2 and 20 out at $10 per million.
    expect(await office.run(runId)).toMatchObject({
      status: 'SUCCEEDED',
      cost_micros: '400',
      tokens_input: 100,
      rehearsal: false,
    })
    expect(await office.rows('select cost_micros::int as cost from run_step where workspace_id = $1')).toEqual([
      { cost: 400 },
    ])
    expect(await balance(office)).toEqual({ held: 0, settled: 400, lost: 0 })
    await office.close()
  })

  it('sends the same tools and instructions to the byte for every lead of a form, so that the provider can keep them', async () => {
    const { office, runId, work, server } = await setUp(undefined)
    await office.work(runId, work)
    const other = await office.lead({ name: 'Grace Hopper', company: 'Navy' })
    await office.work(other.runId, work)
    const prefixes = server.requests.map(({ text }) => {
      const { system, tools } = JSON.parse(text) as { system: { cache_control?: unknown }[]; tools: unknown }
      expect(system.at(-1)?.cache_control).toEqual({ type: 'ephemeral' })
      return JSON.stringify({ system, tools })
    })
    expect(new Set(prefixes).size).toBe(1)
    await office.close()
  })

  it('with a model that has no price ends, for no call of it can be paid', async () => {
    const { office, runId, work, server } = await setUp([], {}, { defaultModel: 'some-other-model' })
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'FAILED', reason: 'MODEL_UNAVAILABLE' })
    expect(server.requests).toHaveLength(0)
    await office.close()
  })

  it('survives 429 with retry-after, 529 and a cut stream, and each attempt has its own reservation', async () => {
    const { office, runId, work } = await setUp(
      [
        { kind: 'error', status: 429, headers: { 'retry-after-ms': '5' } },
        { kind: 'error', status: 529, type: 'overloaded_error' },
        { kind: 'cut', content: [says('Half of a long and costly answer that breaks off')], afterPieces: 1 },
        message([says('Nothing to do.')]),
      ],
      {},
      { retry: { ...RETRY, maxAttempts: 5 } },
    )
    await office.work(runId, work)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    const made = await reservations(office)
    expect(made.map(({ turn, attempt, status }) => ({ turn, attempt, status }))).toEqual(
      [1, 2, 3, 4].map((attempt) => ({ turn: 0, attempt, status: 'SETTLED' })),
    )
    expect(made.map(({ settled }) => settled).slice(0, 2)).toEqual([0, 0])
    expect(made[2]?.settled).toBeGreaterThan(0)
    const total = made.reduce((sum, { settled }) => sum + (settled ?? 0), 0)
    expect(await balance(office)).toEqual({ held: 0, settled: total, lost: 0 })
    expect((await office.run(runId)).cost_micros).toBe(String(total))
    await office.close()
  })

  it('ends as MODEL_REFUSED when the model refuses, and its submission needs a person', async () => {
    const { office, runId, work } = await setUp([{ kind: 'message', content: [], stopReason: 'refusal' }])
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'FAILED', reason: 'MODEL_REFUSED' })
    expect(await office.rows('select status from submission where workspace_id = $1')).toEqual([
      { status: 'NEEDS_REVIEW' },
    ])
    expect(await balance(office)).toMatchObject({ held: 0 })
    await office.close()
  })
})

describe('a run without money', () => {
  it('waits for the budget before anything is called, says so once, and goes on when there is more', async () => {
    const { office, runId, work, server } = await setUp([message([says('Nothing to do.')])], {
      dailyBudgetMicros: 100_000n,
    })
    await office.rows(
      `insert into budget_day (workspace_id, day, settled_micros) values ($1, (now() at time zone 'utc')::date, 99999)`,
    )
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'WAITING', waiting_kind: 'BUDGET' })
    expect(server.requests).toHaveLength(0)
    expect(await office.count('event_outbox', `type = 'budget.exhausted'`)).toBe(1)

    await office.rows('update workspace set daily_budget_micros = 10000000 where id = $1')
    await office.do((tx) => wakeRunsWaitingForBudget(tx))
    expect(await sweepRuns(db, () => office.ctx(), testLog)).toBe(1)
    await office.work(runId, work)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })

  it('whose one call may cost more than a whole day allows ends as BUDGET_EXHAUSTED', async () => {
    const { office, runId, work, server } = await setUp([], { dailyBudgetMicros: 10n })
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'FAILED', reason: 'BUDGET_EXHAUSTED' })
    expect(server.requests).toHaveLength(0)
    await office.close()
  })
})

describe('a model that does not answer', () => {
  it('parks the run with a note, and the run goes on when its time has come', async () => {
    const down: Step = { kind: 'error', status: 529, type: 'overloaded_error' }
    const { office, runId, work } = await setUp([down, down, down, message([says('Back again.')])])
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'WAITING', waiting_kind: 'TIME', next_seq: 1 })
    expect((await office.steps(runId))[0]).toMatchObject({ kind: 'NOTE' })
    expect(await balance(office)).toMatchObject({ held: 0 })
    expect(await sweepRuns(db, () => office.ctx(), testLog)).toBe(0)

    await office.rows(`update run set wake_at = now() where workspace_id = $1`)
    expect(await sweepRuns(db, () => office.ctx(), testLog)).toBe(1)
    await office.work(runId, work)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    expect((await reservations(office)).map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4])
    await office.close()
  })

  it('is replaced by the fallback, and the turn says why', async () => {
    const { office, runId, work } = await setUp(
      (request) =>
        request.body?.model === 'claude-sonnet-5-5'
          ? { kind: 'error', status: 529, type: 'overloaded_error' }
          : message([says('The other one here.')]),
      {},
      { fallbackModel: 'claude-haiku-4-5' },
    )
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'SUCCEEDED', model: 'claude-haiku-4-5' })
    const [turn] = await office.steps(runId)
    expect(turn?.data.fallbackReason).toContain('claude-sonnet-5-5')
    await office.close()
  })

  it('for whom a retry-after is longer than a run is held in memory parks the run until then', async () => {
    const { office, runId, work } = await setUp([{ kind: 'error', status: 429, headers: { 'retry-after': '600' } }])
    await office.work(runId, work)
    const { status, wake_at } = await office.run(runId)
    expect(status).toBe('WAITING')
    expect((wake_at?.getTime() ?? 0) - Date.now()).toBeGreaterThan(500_000)
    await office.close()
  })
})

describe('a run that is interrupted', () => {
  const silence: Step = { kind: 'silence', content: [says('I am thin')], afterPieces: 1 }
  const asked = async (server: MessagesServer, count: number) => {
    while (server.requests.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  it('by a cancellation ends CANCELLED at once: the call in flight is aborted', async () => {
    const { office, runId, work, server } = await setUp([silence])
    const working = office.work(runId, work)
    await asked(server, 1)
    await office.do((tx) => cancelRun(tx, { runId, reason: 'Enough.' }), office.ada)
    await working
    await server.aborted(1)
    expect(await office.run(runId)).toMatchObject({ status: 'CANCELLED', reason_text: 'Enough.' })
    expect(await balance(office)).toMatchObject({ held: 0 })
    await office.close()
  })

  it('by its process being stopped is left as it is, and another process goes on', async () => {
    const { office, runId, work, server } = await setUp([silence, message([says('Nothing to do.')])])
    const stopping = new AbortController()
    const working = office.work(runId, work, { signal: stopping.signal })
    await asked(server, 1)
    stopping.abort(new Error('the process is stopping'))
    await expect(working).rejects.toThrow('the process is stopping')
    expect((await office.run(runId)).status).toBe('RUNNING')
    expect(await balance(office)).toMatchObject({ held: 0 })
    await office.work(runId, work, process())
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })

  it('by its employee being paused keeps what it wanted to do and does it when the employee is back', async () => {
    let answer = () => {}
    const paused = new Promise<void>((resolve) => {
      answer = resolve
    })
    const hello: Step = { kind: 'message', content: [calls('send_inbox_message', HELLO, 'a')], after: paused }
    const { office, runId, work, server } = await setUp((_request, index) =>
      index === 0 ? hello : message([says('Done.')]),
    )
    const working = office.work(runId, work)
    await asked(server, 1)
    await office.do((tx) => pauseEmployee(tx, { id: office.employeeId }))
    answer()
    await working
    expect(await office.run(runId)).toMatchObject({ status: 'WAITING', waiting_kind: 'PERSON' })
    expect(await office.count('inbox_message')).toBe(0)

    await office.do((tx) => resumeEmployee(tx, { id: office.employeeId }))
    expect(await sweepRuns(db, () => office.ctx(), testLog)).toBe(1)
    await office.work(runId, work)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    expect(await office.count('inbox_message')).toBe(1)
    expect(server.requests).toHaveLength(2)
    await office.close()
  })

  it('by its deadline ends EXPIRED, whether it is worked or waits', async () => {
    const { office, runId, work, server } = await setUp([])
    await office.rows(`update run set deadline = now() - interval '1 second' where workspace_id = $1`)
    expect(await sweepRuns(db, () => office.ctx(), testLog)).toBe(1)
    expect(await office.run(runId)).toMatchObject({ status: 'EXPIRED', reason: 'DEADLINE' })
    await office.work(runId, work)
    expect(server.requests).toHaveLength(0)

    const second = await office.lead()
    await office.rows(`update run set deadline = now() - interval '1 second' where workspace_id = $1 and id = $2`, [
      second.runId,
    ])
    await office.work(second.runId, work)
    expect(await office.run(second.runId)).toMatchObject({ status: 'EXPIRED', reason: 'DEADLINE' })
    await office.close()
  })
})
