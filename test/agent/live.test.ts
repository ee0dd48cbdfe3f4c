import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { WireBlock } from '../../src/agent/model/messages-wire.ts'
import { createModel } from '../../src/agent/model/model.ts'
import type { WorkerOptions } from '../../src/agent/runs.ts'
import { registryOf } from '../../src/agent/tools/registry.ts'
import { decideApproval } from '../../src/domains/approvals/service.ts'
import { pauseEmployee, resumeEmployee } from '../../src/domains/employees/service.ts'
import { createMailer, type Mailer } from '../../src/domains/mail/mailer.ts'
import { cancelRun, sweepRuns, wakeRunsWaitingForBudget } from '../../src/domains/runs/service.ts'
import type { WorkSegment } from '../../src/platform/durable/segments.ts'
import { notFound } from '../../src/platform/lib/errors.ts'
import { internalTool } from '../../src/platform/tools/tool.ts'
import { testLog } from '../support/context.ts'
import {
  type MessagesServer,
  type MessagesServerOptions,
  type Step,
  startMessagesServer,
} from '../support/messages-server.ts'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office, type OfficeOptions, process } from './arrange.ts'

/** A live model, over the network: a local server that speaks the Messages API. */

const { database, db } = openTestDatabase()
let server: MessagesServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

const RETRY = { maxAttempts: 3, baseMs: 1, capMs: 2 }

async function setUp(
  script: MessagesServerOptions['script'],
  office: OfficeOptions = {},
  worker: Partial<WorkerOptions> = {},
): Promise<{ office: Office; runId: string; work: WorkSegment }> {
  const listening = await startMessagesServer(script === undefined ? {} : { script })
  server = listening
  const opened = await Office.open(db, database.url, { dailyBudgetMicros: 1_000_000n, ...office })
  const { runId } = await opened.lead()
  const model = createModel({ mode: 'live', apiKey: 'key', baseUrl: listening.url, timeoutMs: 20_000 })
  return { office: opened, runId, work: opened.worker({ model, retry: RETRY, ...worker }) }
}

const message = (content: WireBlock[]): Step => ({ kind: 'message', content })
const says = (text: string): WireBlock => ({ type: 'text', text })
const calls = (name: string, input: unknown, id = `toolu_${randomUUID()}`): WireBlock => ({
  type: 'tool_use',
  id,
  name,
  input,
})

const HELLO = { priority: 'NORMAL', subject: 'Hello', blocks: [{ type: 'text', text: 'Hello' }] }

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
    const { office, runId, work } = await setUp(undefined)
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'SUCCEEDED', rehearsal: true })
    expect(await office.count('deal')).toBe(1)
    const made = await reservations(office)
    expect(made.map(({ status }) => status)).toEqual(made.map(() => 'SETTLED'))
    expect(made).toHaveLength(server?.requests.length ?? 0)
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
    const { office, runId, work } = await setUp(undefined)
    await office.work(runId, work)
    const other = await office.lead({ name: 'Grace Hopper', company: 'Navy' })
    await office.work(other.runId, work)
    const prefixes = server?.requests.map(({ text }) => {
      const { system, tools } = JSON.parse(text) as { system: { cache_control?: unknown }[]; tools: unknown }
      expect(system.at(-1)?.cache_control).toEqual({ type: 'ephemeral' })
      return JSON.stringify({ system, tools })
    })
    expect(new Set(prefixes).size).toBe(1)
    await office.close()
  })

  it('with a model that has no price ends, for no call of it can be paid', async () => {
    const { office, runId, work } = await setUp([], {}, { defaultModel: 'some-other-model' })
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'FAILED', reason: 'MODEL_UNAVAILABLE' })
    expect(server?.requests).toHaveLength(0)
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

  it('shows the model what was wrong with a call: malformed arguments, an unknown tool, a refused one', async () => {
    const broken: WireBlock = { type: 'tool_use', id: 'a', name: 'open_deal', input: {}, rawJson: '{"submission": ' }
    const { office, runId, work } = await setUp(
      [
        message([
          broken,
          calls('launch_rocket', {}, 'b'),
          calls('open_deal', { name: 7 }, 'c'),
          calls('send_email', {}, 'd'),
        ]),
        message([says('I see.')]),
      ],
      { tools: ['open_deal'] },
    )
    await office.work(runId, work)
    const steps = (await office.steps(runId)).filter(({ kind }) => kind === 'TOOL_CALL')
    expect(steps.map(({ status, data }) => [status, (data.output as { error: { code: string } }).error?.code])).toEqual(
      [
        ['FAILED', 'INVALID_INPUT'],
        ['FAILED', 'UNKNOWN_TOOL'],
        ['FAILED', 'INVALID_INPUT'],
        ['FAILED', 'INVALID_INPUT'],
      ],
    )
    const results = JSON.stringify(server?.requests[1]?.body?.messages?.at(-1))
    expect(results.match(/"is_error":true/g)).toHaveLength(4)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })

  it('refuses a tool that is not on the list, and tells the model the rule', async () => {
    const { office, runId, work } = await setUp(
      [message([calls('send_inbox_message', HELLO, 'a')]), message([says('I see.')])],
      { tools: ['open_deal'] },
    )
    await office.work(runId, work)
    const [step] = (await office.steps(runId)).filter(({ kind }) => kind === 'TOOL_CALL')
    expect(step).toMatchObject({
      status: 'REFUSED',
      data: { decision: 'DENY', rule: 'tool_not_allowed', output: { status: 'DENIED' } },
    })
    expect(await office.count('inbox_message')).toBe(0)
    await office.close()
  })

  it('rolls back a tool that fails half-way and keeps the other calls of its turn', async () => {
    const half = internalTool<{ fail: boolean }>({
      name: 'open_deal',
      description: 'Writes, and then fails or not.',
      input: z.object({ fail: z.boolean() }),
      risk: 'INTERNAL_WRITE',
      reversible: true,
      title: async () => 'Half',
      run: async (tx, { fail }) => {
        const title = fail ? 'written by the failing one' : 'written by the other'
        await tx.sql.updateTable('run').set({ title }).execute()
        if (fail) throw notFound('Something')
        return { output: { ok: true } }
      },
    })
    const { office, runId, work } = await setUp(
      [
        message([calls('open_deal', { fail: false }, 'a'), calls('open_deal', { fail: true }, 'b')]),
        message([says('Done.')]),
      ],
      {},
      { registry: registryOf([half]) },
    )
    await office.work(runId, work)
    expect(await office.rows('select title from run where workspace_id = $1')).toEqual([
      { title: 'written by the other' },
    ])
    const steps = (await office.steps(runId)).filter(({ kind }) => kind === 'TOOL_CALL')
    expect(steps.map(({ status }) => status)).toEqual(['DONE', 'FAILED'])
    expect(await office.effects(runId)).toHaveLength(1)
    await office.close()
  })

  it('tells the model of a bug in a tool as an internal error, without its details', async () => {
    const buggy = internalTool<Record<string, unknown>>({
      name: 'open_deal',
      description: 'Has a bug.',
      input: z.object({}),
      risk: 'INTERNAL_WRITE',
      reversible: true,
      title: async () => 'Buggy',
      run: async () => {
        throw new TypeError('secret detail')
      },
    })
    const silent = { ...openedLog(), error: () => {} }
    const { office, runId, work } = await setUp(
      [message([calls('open_deal', {}, 'a')]), message([says('Done.')])],
      {},
      { registry: registryOf([buggy]), log: silent as never },
    )
    await office.work(runId, work)
    const [step] = (await office.steps(runId)).filter(({ kind }) => kind === 'TOOL_CALL')
    expect(step).toMatchObject({ status: 'FAILED', data: { output: { error: { code: 'INTERNAL' } } } })
    expect(JSON.stringify(step)).not.toContain('secret detail')
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

  it('ends as STEP_LIMIT after twelve turns', async () => {
    const { office, runId, work } = await setUp(() => message([calls('launch_rocket', {})]))
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'FAILED', reason: 'STEP_LIMIT' })
    expect(server?.requests).toHaveLength(12)
    await office.close()
  })

  it('answers calls beyond the limit of a turn with an error and does not carry them out', async () => {
    const many = Array.from({ length: 20 }, (_, index) => calls('launch_rocket', {}, `call_${index}`))
    const { office, runId, work } = await setUp([message(many), message([says('I see.')])])
    await office.work(runId, work)
    const codes = (await office.steps(runId)).map(
      ({ data }) => (data.output as { error?: { code: string } })?.error?.code,
    )
    expect(codes.filter((code) => code === 'UNKNOWN_TOOL')).toHaveLength(20)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })
})

describe('a run without money', () => {
  it('waits for the budget before anything is called, says so once, and goes on when there is more', async () => {
    const { office, runId, work } = await setUp([message([says('Nothing to do.')])], { dailyBudgetMicros: 100_000n })
    await office.rows(
      `insert into budget_day (workspace_id, day, settled_micros) values ($1, (now() at time zone 'utc')::date, 99999)`,
    )
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'WAITING', waiting_kind: 'BUDGET' })
    expect(server?.requests).toHaveLength(0)
    expect(await office.count('event_outbox', `type = 'budget.exhausted'`)).toBe(1)

    await office.rows('update workspace set daily_budget_micros = 10000000 where id = $1')
    await office.do((tx) => wakeRunsWaitingForBudget(tx))
    expect(await sweepRuns(db, () => office.ctx(), testLog)).toBe(1)
    await office.work(runId, work)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })

  it('whose one call may cost more than a whole day allows ends as BUDGET_EXHAUSTED', async () => {
    const { office, runId, work } = await setUp([], { dailyBudgetMicros: 10n })
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'FAILED', reason: 'BUDGET_EXHAUSTED' })
    expect(server?.requests).toHaveLength(0)
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

describe('a turn with an act to be sent and one to be asked about', () => {
  it('goes on without waiting when a person has decided before it came to wait', async () => {
    const { office, runId, work: _ } = await setUp([])
    const [contact] = await office.rows<{ id: string }>('select id from contact where workspace_id = $1')
    const other = await office.lead()
    const [foreign] = await office.rows<{ id: string }>(
      'select contact_id as id from submission where workspace_id = $1 and id = $2',
      [other.submissionId],
    )
    await server?.stop()
    server = await startMessagesServer({
      script: [
        message([
          calls('send_email', { contact: `contact_${contact?.id}`, subject: 'Hello', body: 'Hello' }, 'a'),
          calls('update_contact', { contact: `contact_${foreign?.id}`, fields: { companyName: 'Nimbus' } }, 'b'),
        ]),
        message([says('Done.')]),
      ],
    })
    const real = createMailer({ folder: office.mailFolder, defaultFrom: 'cadre@localhost' })
    const mailer: Mailer = {
      ...real,
      send: async (mail, key) => {
        const [approval] = await office.approvals(runId)
        if (approval === undefined) throw new Error('nobody asked')
        expect(approval.reason).toContain('not the one this run is about')
        await office.do((tx) => decideApproval(tx, { id: approval.id, decision: 'APPROVE' }), office.ada)
        return real.send(mail, key)
      },
    }
    const model = createModel({ mode: 'live', apiKey: 'key', baseUrl: server.url, timeoutMs: 20_000 })
    await office.work(runId, office.worker({ model, retry: RETRY, registry: office.registryWith(mailer) }))
    expect(await office.run(runId)).toMatchObject({ status: 'SUCCEEDED', segment: 1 })
    expect((await office.approvals(runId)).map(({ status }) => status)).toEqual(['EXECUTED'])
    await office.close()
  })
})

describe('a run that is interrupted', () => {
  const silence: Step = { kind: 'silence', content: [says('I am thin')], afterPieces: 1 }
  const asked = async (count: number) => {
    while ((server?.requests.length ?? 0) < count) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  it('by a cancellation ends CANCELLED at once: the call in flight is aborted', async () => {
    const { office, runId, work } = await setUp([silence])
    const working = office.work(runId, work)
    await asked(1)
    await office.do((tx) => cancelRun(tx, { runId, reason: 'Enough.' }), office.ada)
    await working
    await server?.aborted(1)
    expect(await office.run(runId)).toMatchObject({ status: 'CANCELLED', reason_text: 'Enough.' })
    expect(await balance(office)).toMatchObject({ held: 0 })
    await office.close()
  })

  it('by its process being stopped is left as it is, and another process goes on', async () => {
    const { office, runId, work } = await setUp([silence, message([says('Nothing to do.')])])
    const stopping = new AbortController()
    const working = office.work(runId, work, { signal: stopping.signal })
    await asked(1)
    stopping.abort(new Error('the process is stopping'))
    await expect(working).rejects.toThrow('the process is stopping')
    expect((await office.run(runId)).status).toBe('RUNNING')
    expect(await balance(office)).toMatchObject({ held: 0 })
    await office.work(runId, work, process())
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })

  it('by its employee being paused keeps what it wanted to do and does it when the employee is back', async () => {
    const script = (): Step => ({
      kind: 'message',
      content: [calls('send_inbox_message', HELLO, 'a')],
      delayMs: 200,
    })
    const { office, runId, work } = await setUp((_request, index) =>
      index === 0 ? script() : message([says('Done.')]),
    )
    const working = office.work(runId, work)
    await asked(1)
    await office.do((tx) => pauseEmployee(tx, { id: office.employeeId }))
    await working
    expect(await office.run(runId)).toMatchObject({ status: 'WAITING', waiting_kind: 'PERSON' })
    expect(await office.count('inbox_message')).toBe(0)

    await office.do((tx) => resumeEmployee(tx, { id: office.employeeId }))
    expect(await sweepRuns(db, () => office.ctx(), testLog)).toBe(1)
    await office.work(runId, work)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    expect(await office.count('inbox_message')).toBe(1)
    expect(server?.requests).toHaveLength(2)
    await office.close()
  })

  it('by its deadline ends EXPIRED, whether it is worked or waits', async () => {
    const { office, runId, work } = await setUp([])
    await office.rows(`update run set deadline = now() - interval '1 second' where workspace_id = $1`)
    expect(await sweepRuns(db, () => office.ctx(), testLog)).toBe(1)
    expect(await office.run(runId)).toMatchObject({ status: 'EXPIRED', reason: 'DEADLINE' })
    await office.work(runId, work)
    expect(server?.requests).toHaveLength(0)

    const second = await office.lead()
    await office.rows(`update run set deadline = now() - interval '1 second' where workspace_id = $1 and id = $2`, [
      second.runId,
    ])
    await office.work(second.runId, work)
    expect(await office.run(second.runId)).toMatchObject({ status: 'EXPIRED', reason: 'DEADLINE' })
    await office.close()
  })
})

function openedLog() {
  const ignore = () => {}
  return { debug: ignore, info: ignore, warn: ignore, error: ignore }
}
