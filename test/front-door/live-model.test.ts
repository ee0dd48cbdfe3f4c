import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ModelFetch } from '../../src/agent/model/live.ts'
import { rehearsalFetch } from '../../src/agent/model/rehearsal.ts'
import { expectEachLeadWorkedOnce, sendSample, untilSettled } from '../chaos/accounting.ts'
import {
  type MessagesServer,
  type MessagesServerOptions,
  type Step,
  startMessagesServer,
} from '../support/messages-server.ts'
import { ServerProcess } from '../support/server-process.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { ask, complaintsOf, formUrlOf, sendLead } from './visitor.ts'

let database: TestDatabase
let server: ServerProcess | undefined
let messages: MessagesServer | undefined

beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(async () => {
  await server?.remove()
  await messages?.stop()
  await database.drop()
  server = undefined
  messages = undefined
})

/** Answers as the rehearsal does, but does not say that it is one: the answers are billed. */
const billed: ModelFetch = async (url, init) => {
  const response = await rehearsalFetch(url, init)
  const headers = new Headers(response.headers)
  headers.delete('x-cadre-model')
  return new Response(response.body, { status: response.status, headers })
}

const KEY = 'sk-ant-test-key'

async function startLive(
  options: MessagesServerOptions,
  key = KEY,
): Promise<{ live: ServerProcess; api: MessagesServer }> {
  const api = await startMessagesServer({ policy: billed, apiKey: KEY, ...options })
  messages = api
  const live = await ServerProcess.start({
    databaseUrl: database.url,
    env: { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: api.url },
  })
  server = live
  return { live, api }
}

interface Day {
  readonly limit: number
  readonly settled: number
  readonly lost: number
  readonly held: number
}

const daysOf = (): Promise<Day[]> =>
  runSql<{ limit: number; settled: number; lost: number; held: number }>(
    database.url,
    `select limit_micros::int as limit, settled_micros::int as settled, lost_micros::int as lost, held_micros::int as held
       from budget_day`,
  )

/** Every call is in the books: what runs cost is what the days settled, nothing is held, and no day is over its limit. */
async function expectBooksToAdd(): Promise<number> {
  const days = await daysOf()
  for (const day of days) {
    expect(day).toMatchObject({ limit: 1_000_000, held: 0 })
    expect(day.settled + day.lost + day.held).toBeLessThanOrEqual(day.limit)
  }
  const settled = days.reduce((sum, day) => sum + day.settled, 0)
  const [runs] = await runSql<{ cost: number }>(database.url, 'select sum(cost_micros)::int as cost from run')
  expect(runs?.cost).toBe(settled)
  return settled
}

test('with a key, the sample leads are worked over the network: streamed, billed, and each exactly once', async () => {
  const { live, api } = await startLive({})
  const sent = await sendSample(5, formUrlOf(live))
  await untilSettled(database.url)
  await expectEachLeadWorkedOnce(database.url, sent)

  expect(api.requests.length).toBeGreaterThan(sent.length * 2)
  for (const { path, body, headers } of api.requests) {
    expect(path).toMatch(/^\/v1\/messages(\?|$)/)
    expect(body).toMatchObject({ stream: true })
    expect(body?.tools?.length).toBeGreaterThan(0)
    expect(headers.accept ?? '').not.toBe('')
  }
  const { runs, budget } = await ask<{
    runs: {
      nodes: {
        rehearsal: boolean
        model: string
        cost: { micros: string }
        tokens: { input: number; output: number }
      }[]
    }
    budget: { limit: { micros: string }; spent: { micros: string } }
  }>(
    live,
    '{ runs { nodes { rehearsal model cost { micros } tokens { input output } } } budget { limit { micros } spent { micros } } }',
  )
  expect(runs.nodes).toHaveLength(sent.length)
  for (const run of runs.nodes) {
    expect(run.rehearsal).toBe(false)
    expect(Number(run.cost.micros)).toBeGreaterThan(0)
    expect(run.tokens.output).toBeGreaterThan(0)
  }
  const settled = await expectBooksToAdd()
  expect(budget).toEqual({ limit: { micros: '1000000' }, spent: { micros: String(settled) } })
  expect(complaintsOf(live.output)).toEqual([])
}, 120_000)

test('rate limits, an overload, a stream cut in the middle and broken arguments: every run still ends well', async () => {
  const faults: Step[] = [
    { kind: 'error', status: 429, headers: { 'retry-after': '1' } },
    { kind: 'error', status: 529, type: 'overloaded_error' },
    { kind: 'cut', content: [{ type: 'text', text: 'Half of an answer that breaks off here' }], afterPieces: 3 },
    {
      kind: 'message',
      content: [
        { type: 'tool_use', id: 'toolu_broken', name: 'qualify_submission', input: {}, rawJson: '{"submission": ' },
      ],
    },
  ]
  const { live, api } = await startLive({ script: faults })
  const sent = await sendSample(4, formUrlOf(live))
  await untilSettled(database.url)
  await expectEachLeadWorkedOnce(database.url, sent)
  expect(api.requests.length).toBeGreaterThan(faults.length + sent.length)
  // The arguments that were no JSON are kept as a failed call, of which the model was told.
  const failed = await runSql<{ tool: string }>(
    database.url,
    `select data->>'tool' as tool from run_step where kind = 'TOOL_CALL' and status = 'FAILED'`,
  )
  expect(failed).toEqual([{ tool: 'qualify_submission' }])
  const told = api.requests.filter(({ text }) => text.includes('toolu_broken') && text.includes('"is_error":true'))
  expect(told).not.toEqual([])
  // An attempt that was refused costs nothing; one that broke off is billed for what came of it.
  const attempts = await runSql<{ status: string; attempt: number }>(
    database.url,
    'select status, attempt from budget_reservation order by created_at',
  )
  expect(attempts).toHaveLength(api.requests.length)
  expect(attempts.filter(({ status }) => status !== 'SETTLED')).toEqual([])
  expect(attempts.filter(({ attempt }) => attempt > 1).length).toBeGreaterThanOrEqual(3)
  expect(await expectBooksToAdd()).toBeGreaterThan(0)
}, 120_000)

test('with a key that is wrong, runs end at once and say why, and the leads are left to people', async () => {
  const { live, api } = await startLive({}, 'sk-ant-wrong-key')
  const lead = await sendLead(live, 'kim@nimbus.example')
  await untilSettled(database.url)
  const { submission } = await ask<{ submission: Record<string, unknown> }>(
    live,
    'query ($id: ID!) { submission(id: $id) { status contact { email } deal { id } run { status reason reasonText cost { micros } } } }',
    { id: lead },
  )
  expect(submission).toMatchObject({
    status: 'NEEDS_REVIEW',
    contact: { email: 'kim@nimbus.example' },
    deal: null,
    run: {
      status: 'FAILED',
      reason: 'MODEL_UNAVAILABLE',
      reasonText: expect.stringMatching(/key/i),
      cost: { micros: '0' },
    },
  })
  expect(api.requests).toHaveLength(1)
  await expectBooksToAdd()
  expect(live.output).not.toContain('sk-ant-wrong-key')
  expect(JSON.stringify(submission)).not.toContain('sk-ant-wrong-key')
}, 120_000)
